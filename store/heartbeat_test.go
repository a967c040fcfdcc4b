package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func inTx(t *testing.T, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestAHeartbeatIsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
		nightly := &store.Heartbeat{
			Monitor: "夜間バックアップ", NextAt: at.Add(time.Hour),
			State: oncall.HeartbeatState{
				Status: oncall.HeartbeatDown, Since: at, Pings: 7, Why: oncall.HeartbeatFailed, Exit: 3, Alerting: true, Times: []time.Duration{time.Second},
				Begun: []oncall.HeartbeatRun{{ID: "a", At: at}}, Plan: oncall.Heartbeat{Cron: "0 3 * * *", Zone: "Asia/Tokyo", Grace: time.Minute}, Planned: at,
			},
			Voice: store.HeartbeatVoice{
				Opened: &oncall.Signal{Key: "nightly", Action: oncall.Trigger, Labels: map[string]string{"a": "b"}},
				Owed:   []oncall.Signal{{Key: "nightly", Action: oncall.Resolve}},
			},
			Speaker: "test", SpeaksUntil: at,
		}
		hourly := &store.Heartbeat{Monitor: "hourly", State: oncall.HeartbeatState{Status: oncall.HeartbeatNew, Since: at, Planned: at}}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SaveHeartbeats(ctx, nightly, hourly) })
		nightly.State.Pings = 8
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SaveHeartbeats(ctx, nightly) })
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			for _, lock := range []bool{false, true} {
				got, err := tx.Heartbeats(ctx, lock)
				if err != nil {
					return err
				}
				if diff := cmp.Diff([]*store.Heartbeat{hourly, nightly}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			got, err := tx.LockHeartbeats(ctx, []oncall.MonitorID{"夜間バックアップ", "unknown", "hourly", "hourly"})
			if len(got) != 2 || got["unknown"] != nil {
				t.Errorf("got %v, want two", got)
			}
			return err
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutTimers(ctx, store.Timer{Kind: store.TimerHeartbeat, Ref: "hourly", DueAt: at}); err != nil {
				return err
			}
			if err := tx.AddPings(ctx, store.Ping{Monitor: "hourly", N: 1, HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingLog, At: at}}); err != nil {
				return err
			}
			return tx.DeleteHeartbeats(ctx, "hourly", "unknown")
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			timers, err := tx.OwnTimers(ctx, at.Add(time.Hour), 10)
			if err != nil {
				return err
			}
			pings, err := tx.Pings(ctx, "hourly", 0, 10)
			if err != nil {
				return err
			}
			left, err := tx.Heartbeats(ctx, false)
			if len(timers) != 0 || len(pings) != 0 || len(left) != 1 {
				t.Errorf("left %v, %v, %v; want only the other heartbeat", timers, pings, left)
			}
			return err
		})
	})
}

func TestTheLastHundredPingsOfEachHeartbeatAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
		three := 3
		ping := func(n int64) store.Ping {
			p := store.Ping{
				Monitor: "nightly", N: n, Method: "POST", Address: "192.0.2.7", Agent: "curl/8.5.0", Body: "終わった\n",
				HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingFail, Run: "r", At: at.Add(time.Duration(n) * time.Second), Took: 1500 * time.Millisecond},
			}
			if n%2 == 0 {
				p.Exit = &three
			}
			return p
		}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.AddPings(ctx, store.Ping{Monitor: "other", N: 1, HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingStart, At: at}}); err != nil {
				return err
			}
			for from := int64(1); from <= 250; from += 50 {
				var set []store.Ping
				for n := from; n < from+50; n++ {
					set = append(set, ping(n))
				}
				if err := tx.AddPings(ctx, set...); err != nil {
					return err
				}
			}
			return nil
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Pings(ctx, "nightly", 0, 1000)
			if err != nil {
				return err
			}
			if len(got) != store.KeepPings || got[99].N != 151 {
				t.Fatalf("got %d pings, want the last hundred", len(got))
			}
			if diff := cmp.Diff([]store.Ping{ping(250), ping(249)}, got[:2]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got, err = tx.Pings(ctx, "nightly", 200, 1); len(got) != 1 || got[0].N != 199 {
				t.Errorf("got %v, want the one before the 200th", got)
			}
			if err != nil {
				return err
			}
			got, err = tx.Pings(ctx, "other", 0, 1000)
			if len(got) != 1 {
				t.Errorf("got %d pings of another, want 1", len(got))
			}
			return err
		})
	})
}

func TestWhatAPingHasWithItIsCutBetweenTwoLettersAndMadeFitForAColumn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for body, want := range map[string]string{
			strings.Repeat("あ", 4000):                strings.Repeat("あ", 3333),
			strings.Repeat("a", 10_000):              strings.Repeat("a", 10_000),
			"nul \x00, not UTF-8 \xff\xfe, fine":     "nul \uFFFD, not UTF-8 \uFFFD, fine",
			strings.Repeat("x", 9_998) + "𠮷" + "end": strings.Repeat("x", 9_998),
		} {
			inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.AddPings(ctx, store.Ping{Monitor: "m", N: 1, Body: body, Agent: "a\x00"}); err != nil {
					return err
				}
				got, err := tx.Pings(ctx, "m", 0, 1)
				if err == nil && got[0].Body != want {
					t.Errorf("got %d bytes ending in %q, want %d", len(got[0].Body), got[0].Body[max(0, len(got[0].Body)-10):], len(want))
				}
				return err
			})
		}
	})
}

func TestAHeldHeartbeatIsPassedOver(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "postgres")
	inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveHeartbeats(ctx, &store.Heartbeat{Monitor: "a"}, &store.Heartbeat{Monitor: "b"})
	})
	inTx(t, db, func(ctx context.Context, holder *store.Tx) error {
		if _, err := holder.LockHeartbeats(ctx, []oncall.MonitorID{"a"}); err != nil {
			return err
		}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			held, busy, err := tx.SkipHeartbeats(ctx, []oncall.MonitorID{"b", "a", "unknown"})
			if len(held) != 1 || held["b"] == nil || !cmp.Equal(busy, []oncall.MonitorID{"a"}) {
				t.Errorf("held %v and busy %v, want b and a", held, busy)
			}
			return err
		})
		return nil
	})
}
