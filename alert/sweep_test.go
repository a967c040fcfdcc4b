package alert_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/alert"
	"toban/incident"
	"toban/internal/due"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
)

// listening runs f in a bubble of virtual time, on each engine. start makes a
// desk that looks for what was not said again, on the store of the desk before
// it, until stop is called.
func listening(t *testing.T, f func(t *testing.T, start func() (d desk, stop func()))) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			synctest.Test(t, func(t *testing.T) {
				first := true
				f(t, func() (desk, func()) {
					db, err := store.Open(t.Context(), dsn, store.Options{Node: "one"})
					if err != nil {
						t.Fatal(err)
					}
					d := desk{t: t, db: db}
					if first {
						d = open(t, db)
					}
					first = false
					log := slog.New(slog.DiscardHandler)
					q := due.New(db, log)
					driver := respond.New(db, log, respond.Options{})
					life := incident.New(db, driver, log)
					life.Register(q)
					d.Acceptor = alert.New(db, life, log)
					if err := d.Register(t.Context(), q); err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error, 1)
					go func() { done <- q.Run(ctx) }() // ends with cancel
					return d, func() {
						cancel()
						if err := <-done; err != nil {
							t.Error(err)
						}
						if err := db.Close(); err != nil {
							t.Error(err)
						}
					}
				})
			})
		})
	}
}

// holds is a signal that its sender says again every minute, and that holds for
// four.
func holds(key string) oncall.Signal {
	return oncall.Signal{Key: key, EndsAt: time.Now().Add(4 * time.Minute)}
}

// pass lets time go by while the sender says the keys again.
func (d desk) pass(of time.Duration, keys ...string) {
	d.t.Helper()
	for end := time.Now().Add(of); time.Now().Before(end); {
		for _, key := range keys {
			d.accept(holds(key))
		}
		time.Sleep(min(time.Minute, time.Until(end))) // virtual: every test here runs in a bubble
	}
	synctest.Wait()
}

// states are the incidents by their keys.
func (d desk) states() map[string]oncall.State {
	d.t.Helper()
	got := map[string]oncall.State{}
	for _, inc := range d.incidents() {
		got[inc.GroupKey] = inc.State
	}
	return got
}

func TestWhatIsNotSaidAgainIsOverAndWhatIsGoesOn(t *testing.T) {
	listening(t, func(t *testing.T, start func() (desk, func())) {
		d, stop := start()
		defer stop()
		d.accept(oncall.Signal{Key: "endless"})
		d.pass(10*time.Minute, "fires", "vanishes")
		if got := d.states(); got["fires"] != oncall.Triggered || got["vanishes"] != oncall.Triggered {
			t.Fatalf("got %v, want what is said again to go on", got)
		}
		d.pass(3*time.Minute-10*time.Second, "fires") // the last word on "vanishes" holds for three minutes more
		if got := d.states(); got["vanishes"] != oncall.Triggered {
			t.Errorf("got %v, want what still holds to go on", got)
		}
		d.pass(30*time.Second, "fires")
		if got := d.states(); got["vanishes"] != oncall.Resolved || got["fires"] != oncall.Triggered || got["endless"] != oncall.Triggered {
			t.Errorf("got %v, want that alone resolved", got)
		}
	})
}

func TestR4_WhatIsSaidAgainAfterItsEndReopens(t *testing.T) {
	listening(t, func(t *testing.T, start func() (desk, func())) {
		d, stop := start()
		defer stop()
		d.pass(6*time.Minute, "a")
		d.pass(5 * time.Minute)
		if got := d.states(); got["a"] != oncall.Resolved {
			t.Fatalf("got %v, want it resolved", got)
		}
		d.accept(holds("a"))
		d.pass(time.Second)
		if got := d.states(); len(got) != 1 || got["a"] != oncall.Triggered {
			t.Errorf("got %v, want the same incident again", got)
		}
	})
}

func TestOurOwnOutageResolvesNothing(t *testing.T) {
	listening(t, func(t *testing.T, start func() (desk, func())) {
		d, stop := start()
		d.pass(10*time.Minute, "fires", "heals")
		stop()
		time.Sleep(time.Hour) // nobody listens
		d, stop = start()
		defer stop()
		d.pass(time.Minute) // it takes its senders a while to come back
		d.pass(3*time.Minute+50*time.Second, "fires")
		if got := d.states(); got["fires"] != oncall.Triggered || got["heals"] != oncall.Triggered {
			t.Errorf("got %v within five minutes after a start, want nothing resolved", got)
		}
		d.pass(30*time.Second, "fires")
		if got := d.states(); got["fires"] != oncall.Triggered || got["heals"] != oncall.Resolved {
			t.Errorf("got %v, want what nobody says any more resolved", got)
		}
	})
}

func TestWhileSignalsAreNotKeptNothingEnds(t *testing.T) {
	listening(t, func(t *testing.T, start func() (desk, func())) {
		d, stop := start()
		defer stop()
		d.pass(10*time.Minute, "a")
		for range 10 { // the senders are here, the service that would take them is not
			late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
			if err := d.Accept(late, []oncall.Signal{holds("a")}); err == nil {
				t.Fatal("a signal was kept")
			}
			cancel()
			d.pass(time.Minute)
		}
		if got := d.states(); got["a"] != oncall.Triggered {
			t.Errorf("got %v, want nothing resolved while signals are lost", got)
		}
		d.pass(6 * time.Minute)
		if got := d.states(); got["a"] != oncall.Resolved {
			t.Errorf("got %v, want it resolved when toban could have heard of it", got)
		}
	})
}

func TestNothingEndsWhileRulesAreNotEvaluated(t *testing.T) {
	listening(t, func(t *testing.T, start func() (desk, func())) {
		d, stop := start()
		defer stop()
		var dead atomic.Bool
		d.SilentWhile("metrics", dead.Load)
		rule := func() oncall.Signal {
			s := holds("fires")
			s.Integration = "metrics"
			return s
		}
		for range 10 {
			d.accept(rule())
			d.pass(time.Minute, "other")
		}
		dead.Store(true)
		d.pass(30 * time.Minute) // their last words held for four
		if got := d.states(); got["fires"] != oncall.Triggered || got["other"] != oncall.Resolved {
			t.Errorf("got %v, want it to stand while nobody can say it, and that of another sender to be over", got)
		}
		dead.Store(false)
		d.pass(4 * time.Minute)
		if got := d.states(); got["fires"] != oncall.Triggered {
			t.Errorf("got %v, want time to say it again", got)
		}
		d.pass(2 * time.Minute)
		if got := d.states(); got["fires"] != oncall.Resolved {
			t.Errorf("got %v, want it over: it was not said again", got)
		}
	})
}
