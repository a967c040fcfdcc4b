package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestResultsOfAgentsGoToTheNodeTheyAreForOnceAndInTheirOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var list []store.AgentResults
		for i := range 5 {
			at := time.Now().Add(time.Duration(i) * time.Millisecond)
			list = append(list, store.AgentResults{ID: id.At("agr", at), Node: db.Node(), Location: "osaka", Body: fmt.Appendf(nil, "[%d]", i)})
		}
		list = append(list, store.AgentResults{Node: "another", Location: "osaka", Body: []byte("[9]")})
		list = append(list, store.AgentResults{ID: id.At("agr", time.Now().Add(-2*time.Minute)), Node: "gone", Location: "osaka", Body: []byte("[]")})
		tx(t, db, func(tx *store.Tx) error { return tx.SendAgentResults(t.Context(), list) })
		var got []string
		for range 3 {
			tx(t, db, func(tx *store.Tx) error {
				taken, err := tx.TakeAgentResults(t.Context(), 3)
				for _, r := range taken {
					got = append(got, r.Location+string(r.Body))
				}
				return err
			})
		}
		if diff := cmp.Diff([]string{"osaka[0]", "osaka[1]", "osaka[2]", "osaka[3]", "osaka[4]"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		tx(t, db, func(tx *store.Tx) error {
			n, err := tx.SweepAgentResults(t.Context(), 10)
			if n != 1 {
				t.Errorf("swept %d, want the one that is older than a minute", n)
			}
			return err
		})
	})
}

func TestAnAgentIsRememberedForADay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		problems := map[oncall.MonitorID]string{"shop": "env:KEY may not be read"}
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.SaveAgent(t.Context(), store.Agent{Location: "osaka", ID: "a", Version: "v1", Problems: problems}); err != nil {
				return err
			}
			return tx.SaveAgent(t.Context(), store.Agent{Location: "osaka", ID: "a", Version: "v2", Problems: problems})
		})
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.SweepAgents(t.Context()); err != nil {
				return err
			}
			got, err := tx.Agents(t.Context())
			if len(got) != 1 || got[0].Version != "v2" || got[0].Problems["shop"] != problems["shop"] || time.Since(got[0].PolledAt) > time.Minute {
				t.Errorf("got %+v, want it as it was last there", got)
			}
			tx.Now = tx.Now.Add(store.KeepAgents + time.Second)
			if err == nil {
				err = tx.SweepAgents(t.Context())
			}
			if got, _ := tx.Agents(t.Context()); len(got) != 0 {
				t.Errorf("got %+v after a day, want none", got)
			}
			return err
		})
	})
}

func TestResultsThatAreLeftTogetherStayInTheirOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var list []store.AgentResults
		var want, got []string
		for i := range 30 {
			body := fmt.Sprintf("[%d]", i)
			want = append(want, body)
			list = append(list, store.AgentResults{Node: db.Node(), Location: "osaka", Body: []byte(body)})
		}
		tx(t, db, func(tx *store.Tx) error { return tx.SendAgentResults(t.Context(), list) })
		tx(t, db, func(tx *store.Tx) error {
			taken, err := tx.TakeAgentResults(t.Context(), 100)
			for _, r := range taken {
				got = append(got, string(r.Body))
			}
			return err
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
