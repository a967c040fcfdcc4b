package store_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestR2_AnOpenIncidentIsBoundToBeforeOneThatWasResolvedLately(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := accept(t, db, trigger("db-1"))[0].Incident
		var resolved *oncall.Incident
		tx(t, db, func(tx *store.Tx) (err error) {
			if resolved, err = tx.Incident(t.Context(), first); err != nil {
				return err
			}
			resolved.Resolve("", tx.Now, "alerts")
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{resolved})
		})
		second := accept(t, db, trigger("db-1"))[0].Incident
		tx(t, db, func(tx *store.Tx) error { return tx.PutRecent(t.Context(), resolved, tx.Now.Add(15*time.Minute)) })
		if got := accept(t, db, trigger("db-1"))[0].Incident; got != second || got == first {
			t.Errorf("the repetition is of %s, want the open %s", got, second)
		}
		if got := about(t, db, first).Firing; got != 0 {
			t.Errorf("%d alerts fire of the resolved incident, want none", got)
		}
	})
}
