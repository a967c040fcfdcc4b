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
		db.Follow(store.TimerChat, everyStage)
		began := time.Now()
		inc := trigger("a").Incident
		tx(t, db, func(tx *store.Tx) error { return tx.InsertIncidents(t.Context(), []*oncall.Incident{inc}) })
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.AddEntries(t.Context(), inc, oncall.Entry{Kind: oncall.EntryNote}); err != nil {
				return err
			}
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		db.Follow(store.TimerChat, nil)
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

func TestSignalsThatOpenOrRepeatAnIncidentAreToldAndWakeItsFollowers(t *testing.T) {
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
		db.Follow(store.TimerChat, everyStage)
		from := time.Now()
		opened := accept(t, db, trigger("a"), trigger("b"))
		got, want := map[string]bool{}, map[string]bool{}
		for _, c := range changesSince(t, db, from) {
			if c.Topic != store.TopicIncident {
				t.Errorf("got change %+v, want the incident's name: there are few", c)
			}
			got[c.Ref] = true
		}
		for _, o := range opened {
			want[string(o.Incident)] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changed incidents (-want +got):\n%s", diff)
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

func TestABatchThatOpensManyIncidentsIsOneChange(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite") // PostgreSQL has two committers, each with a batch of its own
	from := time.Now()
	accept(t, db, trigger("a"), trigger("b"), trigger("c"), trigger("d"), trigger("e"))
	list := changesSince(t, db, from)
	if len(list) != 1 || list[0].Topic != store.TopicIncidents || list[0].Ref != "" {
		t.Errorf("got changes %+v, want one of all incidents", list)
	}
}

func TestNodesThatTakeTheSameNumberLoseNoChange(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	nodes := []*store.DB{
		storetest.Open(t, dsn, store.Options{Node: "a"}),
		storetest.Open(t, dsn, store.Options{Node: "b"}),
	}
	from := time.Now()
	ahead := store.SeqAt(from.Add(time.Hour)) // beyond what the clocks say, so that both count on from there
	var heard []int64
	for _, db := range nodes {
		store.CountOn(db, ahead)
		defer db.OnChange(func(list []store.Change) { heard = append(heard, list[0].Seq) })()
		tx(t, db, func(tx *store.Tx) error {
			tx.Changed(store.TopicIncident, db.Node())
			return nil
		})
	}
	got := changesSince(t, nodes[0], from)
	want := []store.Change{{Seq: ahead + 1, Topic: store.TopicIncident, Ref: "a"}, {Seq: ahead + 2, Topic: store.TopicIncident, Ref: "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{ahead + 1, ahead + 2}, heard); diff != "" {
		t.Errorf("told on their own node (-want +got):\n%s", diff)
	}
}

func changesSince(t *testing.T, db *store.DB, from time.Time) (list []store.Change) {
	t.Helper()
	read(t, db, func(tx *store.Tx) (err error) {
		list, err = tx.Changes(t.Context(), store.SeqAt(from), 100)
		return err
	})
	return list
}

func everyStage(oncall.Stage) bool { return true }

// There is a stage for rehearsals, with a chat, in every installation: that must
// not cost the incidents of production anything.
func TestOnlyIncidentsOfTheStageThatConcernsItAreFollowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		got := map[string]bool{}
		defer db.Subscribe(func(w store.Wake) {
			mu.Lock()
			defer mu.Unlock()
			for _, t := range w.Timers {
				if t.Kind == store.TimerChat {
					got[t.Ref] = true
				}
			}
		})()
		db.Follow(store.TimerChat, func(stage oncall.Stage) bool { return stage == "staging" })
		rehearsed := trigger("b")
		rehearsed.Incident.Stage = "staging"
		opened := accept(t, db, trigger("a"), rehearsed)
		for _, o := range opened {
			tx(t, db, func(tx *store.Tx) error {
				inc, err := tx.Incident(t.Context(), o.Incident)
				if err != nil {
					return err
				}
				return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
			})
		}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(map[string]bool{string(opened[1].Incident): true}, got); diff != "" {
			t.Errorf("followed (-want +got):\n%s", diff)
		}
	})
}
