package standing

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"toban/detect"
	"toban/detect/heartbeat"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestHeartbeatsAndRulesHaveDaysOfTheirOwn(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		nightly, rule := probeOf("nightly", oncall.MonitorHeartbeat), probeOf("disk", oncall.MonitorPromQL)
		beat := heartbeat.Status{Monitor: nightly, Status: oncall.HeartbeatNew, Since: now()}
		evaluates := true
		r := New(Options{DB: db, Heartbeats: &heard{&beat}, Evaluations: func(context.Context) (map[oncall.MonitorID]Evaluation, bool) {
			return map[oncall.MonitorID]Evaluation{"disk": {At: now()}}, evaluates
		}})
		monitors := []detect.Status{{Monitor: nightly}, {Monitor: rule}}
		k := NewKeeper(r, func() ([]detect.Status, *time.Location) { return monitors, tokyo }, slog.New(slog.DiscardHandler))
		at := now()
		look := func(after time.Duration) {
			t.Helper()
			at = at.Add(after)
			if err := k.look(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
		look(0)
		look(10 * time.Second) // new: unknown
		beat.Status, beat.Since = oncall.HeartbeatUp, at.Add(4*time.Second)
		look(10 * time.Second) // 4 s unknown, 6 s up
		evaluates = false
		beat.Status = oncall.HeartbeatLate // is up still
		look(10 * time.Second)             // up
		beat.Status, beat.Since = oncall.HeartbeatDown, at.Add(3*time.Second)
		look(10 * time.Second) // 3 s up, 7 s down; the rule is unknown
		look(time.Hour)        // while nobody looked
		look(10 * time.Second) // down
		monitors = monitors[:1]
		look(10 * time.Second)
		k.save(t.Context())

		by, err := r.Histories(t.Context(), []oncall.MonitorID{"nightly", "disk"}, at, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		today := func(id oncall.MonitorID) Day { return by[id].Days[Days-1] }
		if d := today("nightly"); d.Up != 19*time.Second || d.Down != 27*time.Second || d.Unknown != 14*time.Second {
			t.Errorf("the heartbeat: got %s up, %s down, %s unknown", d.Up, d.Down, d.Unknown)
		}
		if d := today("disk"); d.Up != 30*time.Second || d.Down != 0 || d.Unknown != 20*time.Second {
			t.Errorf("the rule: got %s up, %s down, %s unknown", d.Up, d.Down, d.Unknown)
		}
		if by["nightly"].Up != 19*time.Second {
			t.Errorf("got %s of the last day", by["nightly"].Up)
		}
		k.save(t.Context()) // nothing is counted twice
		if again, err := r.Histories(t.Context(), []oncall.MonitorID{"nightly"}, at, tokyo); err != nil || again["nightly"].Up != 19*time.Second {
			t.Errorf("got %v %v after nothing", again["nightly"].Up, err)
		}
	})
}

func TestNoRestartMovesSinceWhenAHeartbeatOrARuleIsWatched(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		nightly, rule := probeOf("nightly", oncall.MonitorHeartbeat), probeOf("disk", oncall.MonitorPromQL)
		created := now().Add(-7 * time.Second)
		beat := heartbeat.Status{Monitor: nightly, Status: oncall.HeartbeatNew, Since: created}
		r := New(Options{DB: db, Heartbeats: &heard{&beat}})
		ids := []oncall.MonitorID{"nightly", "disk"}
		at := now()
		for range 5 { // each is killed before it saves what it has counted
			k := NewKeeper(r, func() ([]detect.Status, *time.Location) {
				return []detect.Status{{Monitor: nightly}, {Monitor: rule}}, time.UTC
			}, slog.New(slog.DiscardHandler))
			if err := k.look(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			k.begin(t.Context())
			at = at.Add(time.Minute)
			beat.Status, beat.Since = oncall.HeartbeatUp, at
			by, err := r.Histories(t.Context(), ids, at, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			if got := by["nightly"].Joined(&Standing{State: Up, Since: beat.Since}, now()).Since; !got.Equal(created) {
				t.Errorf("the heartbeat: got %s, want %s", got, created)
			}
			if got := by["disk"].Joined(&Standing{State: Up}, now()).Since; !got.Equal(now()) {
				t.Errorf("the rule: got %s, want %s", got, now())
			}
		}
	})
}

// heard is a heartbeat that a test says how it stands.
type heard struct{ of *heartbeat.Status }

func (h *heard) Status(context.Context) ([]heartbeat.Status, error) {
	return []heartbeat.Status{*h.of}, nil
}

func (h *heard) StatusOf(context.Context, oncall.MonitorID) (heartbeat.Status, bool, error) {
	return *h.of, true, nil
}

func (h *heard) Pings(context.Context, oncall.MonitorID, int64, int) ([]store.Ping, error) {
	return nil, nil
}

func (h *heard) Addresses() heartbeat.Addresses { return heartbeat.Addresses{} }
