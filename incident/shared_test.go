package incident_test

import (
	"sync"
	"testing"
	"time"

	"toban/notify"
	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
)

// shared opens two incidents while ann is on the phone for a third, so that the
// next call to her tells of both.
func shared(t *testing.T, h *house) (a, b oncall.IncidentID, call oncall.DeliveryID) {
	t.Helper()
	x := h.Open("x", oncall.Critical)
	after(time.Second)
	a, b = h.Open("a", oncall.Critical), h.Open("b", oncall.Critical)
	after(time.Second)
	if live := h.Phones.Live(t.Context(), a); len(live) != 0 {
		t.Fatalf("live calls of a = %v, want none: ann is on the phone", live)
	}
	h.Phones.End(t.Context(), h.Phones.Live(t.Context(), x)[0].ID, oncall.Busy)
	after(time.Second)
	one, two := h.Phones.Live(t.Context(), a), h.Phones.Live(t.Context(), b)
	if len(one) != 1 || len(two) != 1 || one[0].ID != two[0].ID {
		t.Fatalf("live calls = %v and %v, want one call that tells of both", one, two)
	}
	return a, b, one[0].ID
}

func TestR24_KeyOneAcknowledgesEveryIncidentOfTheCall(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		a, b, call := shared(t, h)
		said, err := h.life.Press(t.Context(), call, "1")
		if err != nil {
			t.Fatal(err)
		}
		if said.Kind != notify.SaidAcknowledged || len(said.Incidents) != 2 {
			t.Errorf("said = %+v, want two acknowledged", said)
		}
		for _, id := range []oncall.IncidentID{a, b} {
			if inc := h.Incident(id); inc.State != oncall.Acknowledged || inc.AcknowledgedBy != "ann" {
				t.Errorf("%s is %s by %q, want acknowledged by ann", id, inc.State, inc.AcknowledgedBy)
			}
		}
		after(500 * time.Millisecond)
		if len(h.Phones.Live(t.Context(), a)) != 1 {
			t.Error("the call was hung up before it could say what the key did")
		}
	})
}

func TestASharedCallIsHungUpWhenEveryIncidentHasMovedOn(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		a, b, _ := shared(t, h)
		if _, err := h.life.Acknowledge(t.Context(), a, "ben", "api"); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if len(h.Phones.Live(t.Context(), b)) != 1 {
			t.Error("the call was hung up though nobody has the other incident")
		}
		if _, err := h.life.Acknowledge(t.Context(), b, "ben", "api"); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if len(h.Phones.Live(t.Context(), b)) != 0 {
			t.Error("the call rings on though both incidents are taken")
		}
	})
}

func TestR18_TwoAcknowledgementsAtOnceHangUpTheirSharedCall(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		a, b, _ := shared(t, h)
		var both sync.WaitGroup
		for _, id := range []oncall.IncidentID{a, b} {
			both.Go(func() {
				if _, err := h.life.Acknowledge(t.Context(), id, "ben", "api"); err != nil {
					t.Errorf("acknowledge: %v", err)
				}
			})
		}
		both.Wait()
		after(time.Second)
		if len(h.Phones.Live(t.Context(), a)) != 0 {
			t.Error("the call rings on though both incidents are taken")
		}
	})
}

func TestR18_TwoIncidentsOfOneTransactionHangUpTheirSharedCall(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		a, b, call := shared(t, h)
		err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
			incidents, err := tx.IncidentsLocked(t.Context(), []oncall.IncidentID{a, b})
			if err != nil {
				return err
			}
			var all []respond.Taken
			for _, inc := range incidents {
				inc.Redirect()
				all = append(all, respond.Taken{Incident: inc, Input: oncall.Input{Kind: oncall.InRedirect, By: "ann", Users: []oncall.UserID{"dan"}}})
			}
			return h.Driver.TakeAll(t.Context(), tx, all)
		})
		if err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		for _, l := range h.Phones.Live(t.Context(), a) {
			if l.ID == call {
				t.Error("the call rings on though both incidents went elsewhere")
			}
		}
	})
}

func TestR18_AStepPutsOffAnIncidentThatIsLocked(t *testing.T) {
	busy := func(store.OutboxRow) respondtest.Answer {
		return respondtest.Answer{Outcome: oncall.Busy, After: time.Second}
	}
	rehearse(t, respondtest.Config{Script: busy}, func(t *testing.T, h *house) {
		if h.DB.Engine() != "postgres" {
			return // SQLite has one writer: nothing is ever locked by another
		}
		id := h.Open("down", oncall.Critical)
		after(time.Minute - 100*time.Millisecond) // the second round is about to begin
		other, err := store.Open(t.Context(), h.dsn, store.Options{Node: "two"})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		locked, release := make(chan struct{}), make(chan struct{})
		var holder sync.WaitGroup
		holder.Go(func() {
			err := other.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Incident(t.Context(), id)
				close(locked)
				<-release
				return err
			})
			if err != nil {
				t.Errorf("lock: %v", err)
			}
		})
		<-locked
		before := len(h.Timeline(id))
		after(300 * time.Millisecond) // it should have begun
		if got := len(h.Timeline(id)); got != before {
			t.Errorf("entries = %d, want %d while the incident is locked", got, before)
		}
		free := time.Now()
		close(release)
		holder.Wait()
		after(50 * time.Millisecond)
		claims := h.Phones.Claims()
		last := claims[len(claims)-1]
		if last.Row.Payload.User != "ann" || last.At.Sub(free) > 50*time.Millisecond {
			t.Errorf("paged = %s %s after the lock was free, want ann within 50ms", last.Row.Payload.User, last.At.Sub(free))
		}
	})
}
