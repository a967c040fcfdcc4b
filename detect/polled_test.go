package detect

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// asksOf lets m know monitors that are asked from osaka.
func asksOf(m *Monitors, ids ...string) {
	var all []*oncall.Monitor
	for _, id := range ids {
		all = append(all, monitor(id, func(m *oncall.Monitor) { m.Locations = []string{"osaka"} }))
	}
	m.asks.Store(newAsks(all, nil))
}

func TestWhatAnAgentSaysOfWhatItDoesNotAskIsDropped(t *testing.T) {
	t.Parallel()
	m := New(Options{DB: storetest.New(t, "sqlite")})
	asksOf(m, "shop")
	m.Polled(store.Agent{Location: "osaka", ID: "a", Problems: map[oncall.MonitorID]string{
		"shop": "why", "other": "why", oncall.MonitorID(strings.Repeat("x", 900_000)): "why",
	}})
	m.Polled(store.Agent{Location: "naha", ID: "b", Problems: map[oncall.MonitorID]string{"shop": "why"}})
	got := m.Agents()
	if len(got) != 2 || len(got[0].Problems) != 0 || len(got[1].Problems) != 1 || got[1].Problems["shop"] != "why" {
		t.Errorf("got %+v, want nothing but what osaka says of shop", got)
	}
}

func TestALocationHasTwentyAgentsAndTakesNoneFromOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		m := New(Options{DB: db})
		asksOf(m, "shop")
		for i := range 1200 {
			m.Polled(store.Agent{Location: "osaka", ID: fmt.Sprint(i), Problems: map[oncall.MonitorID]string{"shop": fmt.Sprint("why ", i)}})
			time.Sleep(80 * time.Millisecond)
			if i%100 == 0 {
				if err := m.tellAgents(t.Context(), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.Polled(store.Agent{Location: "naha", ID: "real", Version: "v1"})
		got := m.Agents()
		if len(got) != 21 || got[0].Version != "v1" || got[1].Problems["shop"] != "why 1199" || got[20].Problems["shop"] != "why 1180" {
			t.Errorf("got %+v, want naha's and the last twenty of osaka", got)
		}
		if err := m.tellAgents(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Agents(t.Context())
			if len(rows) != 21 {
				t.Errorf("got %d rows, want no more than are kept in mind", len(rows))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestOfAgentsThatAreGoneOnlyTheLastOfItsLocationIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{DB: storetest.New(t, "sqlite")})
		for _, a := range []store.Agent{{Location: "osaka", ID: "a"}, {Location: "osaka", ID: "b"}, {Location: "naha", ID: "c"}} {
			m.Polled(a)
			time.Sleep(time.Minute)
		}
		if got := m.Agents(); len(got) != 3 {
			t.Errorf("got %+v, want all three", got)
		}
		time.Sleep(2 * time.Hour)
		if got := m.Agents(); len(got) != 2 || got[0].ID != "c" || got[1].ID != "b" {
			t.Errorf("got %+v, want the last one of each location", got)
		}
	})
}
