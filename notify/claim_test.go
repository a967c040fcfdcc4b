package notify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
	"toban/store/storetest"
)

// crowd is a set of n users u0, u1, … with a number each.
func crowd(t *testing.T, n int) set {
	return func(s *setup) {
		for i := range n {
			name := fmt.Sprintf("u%d", i)
			s.more = append(s.more, object(t, store.ObjectUser, name, oncall.User{
				ID: oncall.UserID(name), Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: crowdNumber(i), Verified: true}},
			}))
		}
	}
}

func crowdNumber(i int) string { return fmt.Sprintf("+8190000001%02d", i) }

func TestThePathFromClaimToOutcomeOnBothEngines(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := startBench(t, db, func(s *setup) { s.phones.Pace = 0.02 })
		b.phones.Phone(matsu).Next(sim.Busy())
		b.phones.Phone(take).Next(sim.NoAnswer())
		b.phones.Phone(ume).Next(sim.Press("1", time.Second))
		inc := b.incident("checkout")
		for i, tc := range []struct {
			user oncall.UserID
			want oncall.Outcome
		}{{"matsu", oncall.Busy}, {"take", oncall.NoAnswer}, {"ume", oncall.Answered}} {
			a := ask{incident: inc, n: i + 1, user: tc.user}
			b.ask(a)
			b.want(a.id(), tc.want, 20*time.Second)
		}
		if got := b.read(inc); got.State != oncall.Acknowledged || got.AcknowledgedBy != "ume" {
			t.Errorf("incident is %s by %q, want acknowledged by ume", got.State, got.AcknowledgedBy)
		}
	})
}

func TestR18_NoClaimAfterAnAcknowledgementWhateverTheOrder(t *testing.T) {
	t.Parallel()
	const n = 30
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := startBench(t, db, crowd(t, n))
		var work sync.WaitGroup
		attempts := make([]ask, n)
		for i := range n {
			b.phones.Phone(crowdNumber(i)).Always(sim.Ring())
			attempts[i] = ask{incident: b.incident("checkout"), n: 1, user: oncall.UserID(fmt.Sprintf("u%d", i))}
		}
		errs := make(chan error, n)
		for _, a := range attempts {
			work.Go(func() { // an asking and an acknowledgement at nearly the same moment
				ctx := context.Background()
				if err := db.Tx(ctx, func(tx *store.Tx) error { return addOutbox(ctx, tx, a) }); err != nil {
					errs <- err
					return
				}
				wait := time.NewTimer(time.Duration(rand.IntN(8000)) * time.Microsecond)
				<-wait.C
				if _, err := b.chain.act(ctx, a.incident, "take", "1", ""); err != nil {
					errs <- err
				}
			})
		}
		work.Wait()
		close(errs)
		for err := range errs {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for i, a := range attempts {
			inc := b.read(a.incident)
			for b.row(a.id()).State == store.OutboxClaimed && time.Now().Before(deadline) {
				wait := time.NewTimer(5 * time.Millisecond)
				<-wait.C
			}
			for _, dl := range b.deliveries(a.id()) {
				// Both hold the incident while they last. What the acknowledgement itself calls off
				// was claimed before it, though its transaction may have begun first.
				if dl.ClaimedAt.After(inc.AcknowledgedAt) && !dl.CancelAt.Equal(inc.AcknowledgedAt) {
					t.Errorf("%s was claimed %v after the acknowledgement", a.id(), dl.ClaimedAt.Sub(inc.AcknowledgedAt))
				}
				if dl.State != store.DeliveryEnded {
					t.Errorf("%s is %s, want ended", dl.ID, dl.State)
				}
			}
			for _, call := range b.phones.Phone(crowdNumber(i)).Calls() {
				// A second is the promise and kept in virtual time; this is a real, busy machine.
				if call.Status.Live() || call.Ended.Sub(inc.AcknowledgedAt) > 3*time.Second {
					t.Errorf("call of %s is %s, ended %v after the acknowledgement", a.id(), call.Status, call.Ended.Sub(inc.AcknowledgedAt))
				}
			}
		}
	})
}

func TestABurstLeavesTogether(t *testing.T) {
	t.Parallel()
	const n = 60
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := startBench(t, db, crowd(t, n), func(s *setup) { s.voice.CallsPerSecond = n })
		var all []ask
		for i := range n {
			b.phones.Phone(crowdNumber(i)).Always(sim.Busy())
			all = append(all, ask{incident: b.incident("checkout"), n: 1, user: oncall.UserID(fmt.Sprintf("u%d", i))})
		}
		began := time.Now()
		b.ask(all...)
		for _, a := range all {
			b.want(a.id(), oncall.Busy, 20*time.Second)
		}
		var last time.Time
		for _, c := range b.phones.Calls() {
			if c.Arrived.After(last) {
				last = c.Arrived
			}
		}
		if took := last.Sub(began); took > 2*time.Second {
			t.Errorf("the last call was asked for after %v, want well below 2 s", took)
		}
	})
}

func TestAFencedNodeHoldsItsWork(t *testing.T) {
	t.Parallel()
	for name, acked := range map[string]bool{"nothing has happened": false, "somebody has taken it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var fenced atomic.Bool
				b := newBench(t, "sqlite", func(s *setup) { s.options.Fenced = fenced.Load })
				b.phones.Phone(matsu).Always(sim.Busy())
				fenced.Store(true)
				a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
				b.ask(a)
				time.Sleep(5 * time.Second)
				if calls := b.phones.Calls(); len(calls) != 0 || len(b.deliveries(a.id())) != 0 {
					t.Fatalf("got %d calls while fenced, want none", len(calls))
				}
				if acked {
					b.acknowledge(a.incident)
				}
				fenced.Store(false)
				time.Sleep(10 * time.Second)
				want := 1
				if acked {
					want = 0
				}
				if calls := b.phones.Calls(); len(calls) != want {
					t.Errorf("got %d calls afterwards, want %d", len(calls), want)
				}
			})
		})
	}
}

func TestR18_ANodeThatFrozeBetweenClaimAndSendingReadsTheEpochAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var claimed atomic.Bool // fenced as soon as something is claimed
		var thawed atomic.Bool
		b := newBench(t, "sqlite", func(s *setup) {
			s.options.Fenced = func() bool { return claimed.Load() && !thawed.Load() }
		})
		cancel := b.db.Subscribe(func(w store.Wake) {
			for _, each := range w.Timers {
				if each.Kind == store.TimerDelivery {
					claimed.Store(true)
				}
			}
		})
		defer cancel()
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.ask(a)
		time.Sleep(2 * time.Second)
		if len(b.deliveries(a.id())) != 1 || len(b.phones.Calls()) != 0 {
			t.Fatalf("got %d deliveries and %d calls, want it claimed and not sent", len(b.deliveries(a.id())), len(b.phones.Calls()))
		}
		b.acknowledge(a.incident)
		thawed.Store(true)
		b.want(a.id(), oncall.Canceled, 5*time.Second)
		if calls := b.phones.Calls(); len(calls) != 0 {
			t.Errorf("got %d calls, want none", len(calls))
		}
	})
}

func TestR23_ANodeThatThawsDoesNotSendWhatAnotherHasTakenOver(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	var claimed, thawed atomic.Bool
	frozen := startBench(t, storetest.Open(t, dsn, store.Options{Node: "frozen"}), func(s *setup) {
		s.options.Fenced = func() bool { return claimed.Load() && !thawed.Load() }
	})
	cancel := frozen.db.Subscribe(func(w store.Wake) {
		for _, each := range w.Timers {
			if each.Kind == store.TimerDelivery {
				claimed.Store(true)
			}
		}
	})
	defer cancel()
	a := ask{incident: frozen.incident("checkout"), n: 1, user: "matsu"}
	frozen.ask(a)
	for deadline := time.Now().Add(20 * time.Second); !claimed.Load() && time.Now().Before(deadline); {
		rest(5 * time.Millisecond)
	}
	heir := storetest.Open(t, dsn, store.Options{Node: "heir"})
	err := heir.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AdoptRows(t.Context(), "frozen", 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	thawed.Store(true)
	frozen.stop() // returns when what was in hand has been sent or left
	if calls := frozen.phones.Calls(); len(calls) != 0 {
		t.Errorf("got %d calls by the node that was frozen, want none", len(calls))
	}
	if got := len(frozen.deliveries(a.id())); got != 1 {
		t.Errorf("got %d deliveries, want the claimed one", got)
	}
}

func rest(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
}
