package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// Two nodes accept signals of the same few alerts while others resolve the
// incidents by hand: whatever comes between what, a group has one open incident,
// a number is given once, and nobody gets an error.
func TestR2_TwoNodesOnTheSameAlertsAgree(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	nodes := []*store.DB{
		storetest.Open(t, dsn, store.Options{Node: "a"}),
		storetest.Open(t, dsn, store.Options{Node: "b"}),
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	numbers := map[int64]oncall.IncidentID{}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			db := nodes[worker%2]
			for range 60 {
				signals := make([]store.Acceptance, 1+random.IntN(8))
				for i := range signals {
					key, name := fmt.Sprintf("k%d", random.IntN(12)), fmt.Sprintf("g%d", random.IntN(4))
					if signals[i] = resolve(key); random.IntN(3) > 0 {
						signals[i] = trigger(key, group(name))
					}
				}
				got, err := db.Accept(t.Context(), signals)
				if err != nil {
					t.Errorf("accept: %v", err)
					return
				}
				for _, a := range got {
					if a.Number == 0 {
						continue
					}
					mu.Lock()
					if was, known := numbers[a.Number]; known && was != a.Incident {
						t.Errorf("number %d is that of %s and %s", a.Number, was, a.Incident)
					}
					numbers[a.Number] = a.Incident
					mu.Unlock()
				}
				if random.IntN(4) == 0 && got[0].Incident != "" {
					if err := resolveByHand(t, db, got[0].Incident); err != nil {
						t.Errorf("resolve: %v", err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	read(t, nodes[0], func(tx *store.Tx) error {
		list, err := tx.ListIncidents(t.Context(), store.IncidentFilter{Limit: 1000})
		open := map[string]int{}
		for _, inc := range list {
			if inc.State != oncall.Resolved {
				open[inc.GroupKey]++
			}
			if inc.Entries < 1 {
				t.Errorf("incident %s has no timeline", inc.ID)
			}
		}
		for key, n := range open {
			if n > 1 {
				t.Errorf("%d open incidents of group %s", n, key)
			}
		}
		return err
	})
}

func resolveByHand(t *testing.T, db *store.DB, id oncall.IncidentID) error {
	return db.Tx(t.Context(), func(tx *store.Tx) error {
		inc, err := tx.Incident(t.Context(), id)
		if err != nil {
			return err
		}
		if err := tx.AddEntries(t.Context(), inc, inc.Resolve("matsu", tx.Now, "web")...); err != nil {
			return err
		}
		if err := tx.SaveIncidents(t.Context(), []*oncall.Incident{inc}); err != nil {
			return err
		}
		if err := tx.ClearAlerts(t.Context(), id); err != nil {
			return err
		}
		return tx.DeleteTimers(t.Context(), store.TimerResponse, string(id))
	})
}
