package respond_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
)

// Two batches that share calls lock them in one order, or PostgreSQL would find
// them waiting for each other. Here somebody holds the first call: whoever hangs
// up both waits for it, and leaves the second alone, whatever the order of the
// incidents.
func TestR18_CallsAreHungUpInOneOrder(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), storetest.DSN(t, "postgres"), store.Options{Node: "one"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := respondtest.Move(t, db, respondtest.Config{})
	ids := []oncall.IncidentID{h.Open("a", oncall.Critical), h.Open("b", oncall.Critical)}
	calls := []oncall.DeliveryID{"dlv_2", "dlv_1"} // of a, of b
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		for i, id := range ids {
			attempt := oncall.AttemptID(string(id) + ".1")
			d := store.Delivery{
				ID: calls[i], Outbox: attempt, Attempt: 1, Channel: oncall.Call, AddressHash: fmt.Sprint(i), Provider: "test",
				State: store.DeliveryRinging, GiveUpAt: tx.Now.Add(time.Minute),
			}
			if _, err := tx.InsertDelivery(t.Context(), d); err != nil {
				return err
			}
			if err := tx.AddTold(t.Context(), store.Told{Delivery: d.ID, Incident: id, Attempt: attempt, Epoch: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	err = db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Delivery(ctx, "dlv_1"); err != nil {
			return err
		}
		about := make(chan struct{})
		var once sync.Once
		work.Go(func() {
			if err := resolveAll(ctx, h, ids, func() { once.Do(func() { close(about) }) }); err != nil {
				t.Errorf("resolving: %v", err)
			}
		})
		<-about
		for began := time.Now(); time.Since(began) < 300*time.Millisecond; {
			if err := lockable(ctx, db, "dlv_2"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("the second call is held while the first is waited for: %v", err)
	}
	work.Wait()
	for _, id := range calls {
		if l := delivery(t, db, id); l.CancelAt.IsZero() {
			t.Errorf("%s is not hung up", id)
		}
	}
}

func lockable(ctx context.Context, db *store.DB, id oncall.DeliveryID) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Delivery(ctx, id)
		return err
	})
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

func delivery(t *testing.T, db *store.DB, id oncall.DeliveryID) (l *store.Delivery) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		l, err = tx.DeliveryUnlocked(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// resolveAll resolves incidents as one set; locked is called when it has them.
func resolveAll(ctx context.Context, h *respondtest.House, ids []oncall.IncidentID, locked func()) error {
	return h.DB.Tx(ctx, func(tx *store.Tx) error {
		var all []respond.Taken
		for _, id := range ids {
			inc, err := tx.Incident(ctx, id)
			if err != nil {
				return err
			}
			said := inc.Resolve("ann", tx.Now, "api")
			all = append(all, respond.Taken{Incident: inc, Input: oncall.Input{Kind: oncall.InResolved, By: "ann"}, Said: said})
		}
		locked()
		return h.Driver.TakeAll(ctx, tx, all)
	})
}
