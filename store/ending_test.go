package store_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// until makes a trigger hold until a time.
func until(at time.Time) func(*store.Acceptance) {
	return func(a *store.Acceptance) { a.Signal.EndsAt = at }
}

func clearEnded(t *testing.T, db *store.DB, limit int, but ...oncall.IntegrationID) (ended []store.Ended) {
	t.Helper()
	tx(t, db, func(tx *store.Tx) (err error) {
		ended, err = tx.ClearEnded(t.Context(), limit, append(but, "")[0])
		return err
	})
	return ended
}

func TestAnAlertThatWasNotSaidAgainInTimeIsCleared(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		past, future := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
		over := accept(t, db, trigger("over", until(past)))[0]
		held := accept(t, db, trigger("held", until(future)))[0]
		endless := accept(t, db, trigger("for ever"))[0]
		again := accept(t, db, trigger("again", until(past)))[0]
		accept(t, db, trigger("again", until(future)))
		opened := accept(t, db, trigger("open end", until(past)))[0]
		accept(t, db, trigger("open end"))

		ended := clearEnded(t, db, 10)
		if want := (store.Ended{Service: "checkout", Fingerprint: "over", Incident: over.Incident}); len(ended) != 1 || ended[0] != want {
			t.Fatalf("got %+v, want %+v alone", ended, want)
		}
		f := about(t, db, over.Incident)
		if f.Firing != 0 || f.Alerts[0].State != oncall.Cleared || !f.TimerOf[store.TimerIncident] {
			t.Errorf("got %+v, timers %v, want it cleared and its handler woken", f.Alerts[0], f.TimerOf)
		}
		if got, want := f.Alerts[0].EndsAt, past.Truncate(time.Millisecond); !got.Equal(want) {
			t.Errorf("it ended at %s, want %s, as its sender said", got, want)
		}
		for name, a := range map[string]store.Accepted{"held": held, "for ever": endless, "said again": again, "left open": opened} {
			if f := about(t, db, a.Incident); f.Firing != 1 || f.TimerOf[store.TimerIncident] {
				t.Errorf("%s: %d firing, timers %v, want it untouched", name, f.Firing, f.TimerOf)
			}
		}
		if ended := clearEnded(t, db, 10); len(ended) != 0 {
			t.Errorf("got %+v the second time, want nothing", ended)
		}
		if got := accept(t, db, trigger("over", until(future)))[0]; !got.Edge {
			t.Errorf("got %+v when it fires again, want an edge", got)
		}
	})
}

func TestEndedAlertsAreClearedALittleAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, key := range []string{"a", "b", "c"} {
			accept(t, db, trigger(key, until(time.Now().Add(-time.Second))))
		}
		if first, second := clearEnded(t, db, 2), clearEnded(t, db, 2); len(first) != 2 || len(second) != 1 {
			t.Errorf("got %d and then %d, want 2 and 1", len(first), len(second))
		}
	})
}

func TestWhatASenderSaidThatCantSpeakStandsAndThatOfOthersDoesNot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		past := time.Now().Add(-time.Second)
		of := func(in oncall.IntegrationID) func(*store.Acceptance) {
			return func(a *store.Acceptance) { a.Signal.Integration = in }
		}
		accept(t, db, trigger("rule", until(past), of("metrics")))
		accept(t, db, trigger("rule", until(past), of("metrics"))) // said again
		accept(t, db, trigger("other", until(past), of("grafana")))
		if ended := clearEnded(t, db, 10, "metrics"); len(ended) != 1 || ended[0].Fingerprint != "other" {
			t.Errorf("got %+v, want only that of the sender that can speak", ended)
		}
		if ended := clearEnded(t, db, 10); len(ended) != 1 || ended[0].Fingerprint != "rule" {
			t.Errorf("got %+v, want the other one as soon as it can", ended)
		}
	})
}
