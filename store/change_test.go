package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestWhoeverSavesAnIncidentLeavesAChangeAndWakesItsFollowers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		var heard []store.Change
		var timers []string
		defer db.OnChange(func(list []store.Change) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, list...)
		})()
		defer db.Subscribe(func(w store.Wake) {
			mu.Lock()
			defer mu.Unlock()
			for _, t := range w.Timers {
				timers = append(timers, t.Kind+" "+t.Ref)
			}
		})()
		db.Follow(store.TimerChat, true)
		began := time.Now()
		inc := trigger("a").Incident
		tx(t, db, func(tx *store.Tx) error { return tx.InsertIncidents(t.Context(), []*oncall.Incident{inc}) })
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.AddEntries(t.Context(), inc, oncall.Entry{Kind: oncall.EntryNote}); err != nil {
				return err
			}
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		db.Follow(store.TimerChat, false)
		tx(t, db, func(tx *store.Tx) error { return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc}) })

		var kept []store.Change
		tx(t, db, func(tx *store.Tx) (err error) {
			kept, err = tx.Changes(t.Context(), store.SeqAt(began), 10)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		if len(kept) != 2 || kept[0].Topic != store.TopicIncident || kept[0].Ref != string(inc.ID) || kept[1].Seq <= kept[0].Seq {
			t.Errorf("got changes %+v, want one of the incident for each save, in order", kept)
		}
		if diff := cmp.Diff(kept, heard); diff != "" {
			t.Errorf("told after the commit (-kept +told):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"chat " + string(inc.ID)}, timers); diff != "" {
			t.Errorf("timers of followers (-want +got):\n%s", diff)
		}
		if at := kept[0].At(); at.Before(began.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("got a change of %v, want now", at)
		}
	})
}

func TestManyChangedIncidentsAreOneChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		began := time.Now()
		tx(t, db, func(tx *store.Tx) error {
			for _, ref := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
				tx.Changed(store.TopicIncident, ref)
			}
			tx.Changed(store.TopicDirectory, "")
			return nil
		})
		var topics []string
		tx(t, db, func(tx *store.Tx) error {
			list, err := tx.Changes(t.Context(), store.SeqAt(began), 100)
			for _, c := range list {
				topics = append(topics, c.Topic)
			}
			return err
		})
		if diff := cmp.Diff([]string{store.TopicDirectory, store.TopicIncidents}, topics); diff != "" {
			t.Errorf("topics (-want +got):\n%s", diff)
		}
	})
}

func TestSignalsThatOpenOrRepeatAnIncidentLeaveOneChangeAndWakeItsFollowers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		chats := map[string]int{}
		defer db.Subscribe(func(w store.Wake) {
			mu.Lock()
			defer mu.Unlock()
			for _, t := range w.Timers {
				if t.Kind == store.TimerChat {
					chats[t.Ref]++
				}
			}
		})()
		db.Follow(store.TimerChat, true)
		from := time.Now()
		opened := accept(t, db, trigger("a"), trigger("b"))
		var list []store.Change
		read(t, db, func(tx *store.Tx) (err error) {
			list, err = tx.Changes(t.Context(), store.SeqAt(from), 10)
			return err
		})
		for _, c := range list {
			if c.Topic != store.TopicIncidents || c.Ref != "" {
				t.Errorf("got change %+v, want one of all incidents for a whole batch", c)
			}
		}
		if len(list) == 0 || len(list) > 2 { // PostgreSQL has two committers
			t.Errorf("got %d changes of two signals, want one for each batch", len(list))
		}
		accept(t, db, trigger("a")) // a repetition within the minute is counted and nothing else
		mu.Lock()
		defer mu.Unlock()
		for _, o := range opened {
			if chats[string(o.Incident)] != 1 {
				t.Errorf("the followers of %s were woken %d times, want once", o.Incident, chats[string(o.Incident)])
			}
		}
	})
}
