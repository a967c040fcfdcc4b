package store_test

import (
	"fmt"
	"testing"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestASweepRemovesWhatIsLongOverAndNothingElse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		opened := accept(t, db, trigger("db-1"))[0].Incident
		old := time.Now().Add(-40 * 24 * time.Hour).Truncate(time.Millisecond)
		before := oncall.IncidentID(id.At(id.Incident, old))
		row := func(incident oncall.IncidentID, n int, at time.Time, state store.OutboxState) store.OutboxRow {
			return store.OutboxRow{
				ID: oncall.AttemptID(fmt.Sprintf("%s.%d", incident, n)), Incident: incident, Epoch: 1, Kind: oncall.Call, State: state, DueAt: at,
			}
		}
		delivery := func(of store.OutboxRow, at, ended time.Time) store.Delivery {
			return store.Delivery{
				ID: oncall.DeliveryID(id.At(id.Delivery, at)), Outbox: of.ID, Attempt: 1, Channel: oncall.Call, AddressHash: string(of.ID),
				Provider: "p", State: store.DeliveryEnded, ClaimedAt: at, EndedAt: ended,
			}
		}
		stay := []store.OutboxRow{
			row(before, 3, old, store.OutboxDue), row(before, 4, old, store.OutboxClaimed), row(before, 5, time.Now(), store.OutboxDone),
			row(opened, 1, time.Now(), store.OutboxDone),
		}
		go1, go2 := row(before, 1, old, store.OutboxDone), row(before, 2, old, store.OutboxDropped)
		gone, kept, live := delivery(go1, old, old), delivery(stay[3], time.Now(), time.Now()), delivery(stay[1], old, time.Time{})
		live.State = store.DeliverySent
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.AddOutbox(t.Context(), append(stay, go1, go2)...); err != nil {
				return err
			}
			for _, d := range []store.Delivery{gone, kept, live} {
				if ok, err := tx.InsertDelivery(t.Context(), d); err != nil || !ok {
					return fmt.Errorf("delivery %s: %v %w", d.ID, ok, err)
				}
				if err := tx.AddTold(t.Context(), store.Told{Delivery: d.ID, Incident: before, Attempt: d.Outbox, Epoch: 1}); err != nil {
					return err
				}
			}
			return nil
		})
		late := resolve("never seen") // a signal of then; a numbered one is kept whatever it says
		late.Signal.ID, late.Signal.SenderKey, late.Signal.ReceivedAt = oncall.SignalID(id.At(id.Signal, old)), "n", old
		accept(t, db, late)
		var removed int
		for more := true; more; {
			tx(t, db, func(tx *store.Tx) (err error) {
				var n int
				n, more, err = tx.Sweep(t.Context(), 1)
				removed += n
				return err
			})
		}
		if removed != 4 { // two outbox rows, a delivery, a signal
			t.Errorf("swept %d, want 4", removed)
		}
		tx(t, db, func(tx *store.Tx) error {
			for _, o := range stay {
				if got, err := tx.OutboxRow(t.Context(), o.ID); got == nil || err != nil {
					t.Errorf("row %s (%s): got %v %v, want it kept", o.ID, o.State, got, err)
				}
			}
			for _, d := range []store.Delivery{kept, live} {
				if _, err := tx.Delivery(t.Context(), d.ID); err != nil {
					t.Errorf("delivery %s: %v, want it kept", d.ID, err)
				}
			}
			if told, err := tx.Told(t.Context(), gone.ID); len(told) != 0 || err != nil {
				t.Errorf("told by a delivery that is gone: %v %v, want nothing", told, err)
			}
			return nil
		})
	})
}
