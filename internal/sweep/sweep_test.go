package sweep_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/due"
	"toban/internal/sweep"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestWhatIsOverIsSweptEveryMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		q := due.New(db, slog.New(slog.DiscardHandler))
		if err := sweep.Start(t.Context(), db, q); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		defer work.Wait()
		defer cancel()
		work.Go(func() { _ = q.Run(ctx) })
		for round := range 2 {
			inc := &oncall.Incident{ID: "inc_x", Service: "checkout", GroupKey: "db-1"}
			err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.PutRecent(t.Context(), inc, tx.Now.Add(time.Minute)) })
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(130 * time.Second)
			err = db.Tx(t.Context(), func(tx *store.Tx) error {
				n, _, err := tx.Sweep(t.Context(), 10)
				if n != 0 {
					t.Errorf("round %d: %d rows were left over, want none", round, n)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
