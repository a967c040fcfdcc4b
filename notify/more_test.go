package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"toban/notify"
	"toban/notify/events"
	"toban/oncall"
	"toban/sim/pagerduty"
	sim "toban/sim/twilio"
	"toban/store"
	"toban/store/storetest"
)

func TestR21_APhoneRingsForAsLongAsItsOwnerSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, began := one(t, sim.NoAnswer(), func(s *setup) {
			s.more = append(s.more, object(t, store.ObjectUser, "matsu", oncall.User{
				ID: "matsu", Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: matsu, Ring: 15 * time.Second, Verified: true}},
			}))
		})
		if took := b.want(a.id(), oncall.NoAnswer, time.Minute).at.Sub(began); took < 15*time.Second || took > 16*time.Second {
			t.Errorf("not answered after %v, want 15 s", took)
		}
	})
}

func TestR22_OneReadingTakesAtMostTwelveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Answer(time.Second))
		b.want(a.id(), oncall.NoInput, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		if took := call.Transcript[1].At.Sub(call.Transcript[0].At); took > 12*time.Second {
			t.Errorf("the first reading takes %v by the provider's clock, want at most 12 s", took)
		}
	})
}

func TestR26_TheCostOfACallIsCorrectedByTheProvider(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script sim.Script
		want   oncall.Outcome
		cost   int64
	}{
		"busy costs nothing":     {sim.Busy(), oncall.Busy, 0},
		"a short one, a minute":  {sim.Press("1", time.Second), oncall.Answered, 12_000_000},
		"a long one, two":        {sim.Press("3", 15*time.Second).Then("3", 15*time.Second).Then("3", 15*time.Second).Then("1", 15*time.Second), oncall.Answered, 24_000_000},
		"never taken by anybody": {sim.Busy().With(sim.Fault{Status: 400, Code: 21211}), oncall.Undeliverable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, a, _ := one(t, tc.script)
				b.want(a.id(), tc.want, 3*time.Minute)
				time.Sleep(time.Minute)
				if got := b.deliveries(a.id())[0].CostMicros; got != tc.cost {
					t.Errorf("cost %d, want %d", got, tc.cost)
				}
			})
		})
	}
}

func TestR27_APagerIsToldByTheWayOfEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const key = "0f7c2f0e5b8a4d6f9c1e3a5b7d9f1133"
		pager := pagerduty.New(pagerduty.Options{})
		channel, err := events.New(events.Config{Transport: pager.Transport(), Secret: func(string) (string, error) { return key, nil }})
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, "sqlite", func(s *setup) {
			s.more = append(s.more, object(t, store.ObjectPager, "other", oncall.Pager{ID: "other", URL: "https://pager.example.jp", RoutingKey: "env:KEY"}))
			s.options.Channels = func(_ oncall.Stage, m oncall.Method) notify.Channel {
				if m == oncall.Events {
					return channel
				}
				return nil
			}
		})
		pager.Fault(pagerduty.Fault{Status: 503}, pagerduty.Fault{Drop: true})
		inc := b.incident("checkout")
		a := ask{incident: inc, n: 1, method: oncall.Events, pager: "other"}
		b.ask(a)
		b.want(a.id(), oncall.Sent, 5*time.Second)
		if got, ok := pager.Alert(key, string(inc)); !ok || got.State != "triggered" {
			t.Errorf("got %+v, want an alert", got)
		}
		pager.Fault(pagerduty.Fault{Status: 400})
		refused := ask{incident: inc, n: 2, method: oncall.Events, pager: "other"}
		b.ask(refused)
		b.want(refused.id(), oncall.Undeliverable, time.Second)

		if _, err := b.chain.act(context.Background(), inc, "take", "9", ""); err != nil {
			t.Fatal(err)
		}
		end := ask{incident: inc, n: 3, method: oncall.Events, pager: "other"} // under the new epoch
		b.ask(end)
		b.want(end.id(), oncall.Sent, 5*time.Second)
		if got, _ := pager.Alert(key, string(inc)); got.State != "resolved" {
			t.Errorf("got %+v, want it resolved", got)
		}
	})
}

func TestStoppingWaitsForWhatTheProviderMayHaveTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.NoAnswer().With(sim.Slow(3*time.Second)).But(sim.Lost("")))
		time.Sleep(time.Second)
		b.stop()
		list := b.deliveries(a.id())
		call, _ := b.phones.Phone(matsu).Last()
		if len(list) != 1 || list[0].ProviderID != call.SID {
			t.Errorf("got %+v, want the call's id recorded", list)
		}
		b.start()
		b.want(a.id(), oncall.NoAnswer, time.Minute)
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 1 {
			t.Errorf("got %d calls, want 1", len(calls))
		}
	})
}

func TestAnOutcomeThatTheResponseDoesNotTakeIsToldAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		failures := 3
		b.chain.then = func(context.Context, *store.Tx, oncall.AttemptID, oncall.Outcome) error {
			if failures--; failures >= 0 {
				return context.DeadlineExceeded
			}
			return nil
		}
		b.phones.Phone(matsu).Next(sim.Busy().With(sim.Fault{Status: 400, Code: 21211}))
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.ask(a)
		time.Sleep(10 * time.Second)
		if row := b.row(a.id()); row.State != store.OutboxDone || b.chain.of(a.id()).is != oncall.Undeliverable {
			t.Errorf("row is %s after %q, want done and undeliverable", row.State, b.chain.of(a.id()).is)
		}
		if calls := b.phones.Calls(); len(calls) != 0 {
			t.Errorf("got %d calls, want none: the number is bad", len(calls))
		}
	})
}

func TestR23_AnotherNodeLooksUpWhatADeadNodeHadClaimed(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]bool{"it was sent": true, "it was not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, "postgres")
			dead := startBench(t, storetest.Open(t, dsn, store.Options{Node: "dead"}))
			dead.phones.Phone(matsu).Next(sim.Busy().But(sim.Lost("")))
			a := ask{incident: dead.incident("checkout"), n: 1, user: "matsu"}
			dead.claimedAndDied(a, sent)

			heir := startBench(t, storetest.Open(t, dsn, store.Options{Node: "heir"}), func(s *setup) { s.with = dead })
			if err := heir.tx(func(ctx context.Context, tx *store.Tx) error { _, err := tx.AdoptRows(ctx, "dead", 100); return err }); err != nil {
				t.Fatal(err)
			}
			heir.d.TakeOver(context.Background())
			heir.want(a.id(), oncall.Busy, 10*time.Second)
			if calls := heir.phones.Phone(matsu).Calls(); len(calls) != 1 {
				t.Errorf("got %d calls, want 1", len(calls))
			}
			lost := 1
			if sent {
				lost = 0
			}
			if list := heir.deliveries(a.id()); len(list) != 1+lost {
				t.Errorf("got %+v, want %d deliveries", list, 1+lost)
			}
		})
	}
}
