package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// delivery is the n-th call, as it is claimed.
func delivery(n int, change ...func(*store.Delivery)) store.Delivery {
	d := store.Delivery{
		ID: oncall.DeliveryID(fmt.Sprintf("dlv_%d", n)), Outbox: oncall.AttemptID(fmt.Sprintf("inc_1.%d", n)), Attempt: 1, User: "matsu",
		Channel: oncall.Call, AddressHash: "hash", Provider: "twilio", State: store.DeliveryClaimed, ClaimedAt: began(),
		GiveUpAt: began().Add(time.Minute), CostMicros: 1000,
	}
	for _, f := range change {
		f(&d)
	}
	return d
}

func TestR24_OneLiveCallPerNumber(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert := func(d store.Delivery) (ok bool) {
			tx(t, db, func(tx *store.Tx) (err error) {
				ok, err = tx.InsertDelivery(t.Context(), d)
				return err
			})
			return ok
		}
		first := delivery(1)
		if !insert(first) {
			t.Fatal("the first call was refused")
		}
		if insert(delivery(2)) {
			t.Error("a second live call to the number")
		}
		if !insert(delivery(3, func(d *store.Delivery) { d.Channel = oncall.SMS })) {
			t.Error("a message was refused because of a call")
		}
		if !insert(delivery(4, func(d *store.Delivery) { d.AddressHash = "other" })) {
			t.Error("a call to another number was refused")
		}
		if insert(delivery(3, func(d *store.Delivery) { d.ID, d.Channel = "dlv_30", oncall.SMS })) {
			t.Error("the same try of an attempt twice")
		}
		waiting := store.OutboxRow{ID: "inc_1.2", Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: began(), AddressHash: "hash"}
		tx(t, db, func(tx *store.Tx) error {
			live, err := tx.LiveCall(t.Context(), "hash")
			if err != nil || live == nil || live.ID != first.ID {
				return fmt.Errorf("live call %+v, %w", live, err)
			}
			if none, err := tx.LiveCall(t.Context(), "nobody"); none != nil || err != nil {
				t.Errorf("live call to nobody: %+v, %v", none, err)
			}
			if err := tx.AddOutbox(t.Context(), waiting); err != nil {
				return err
			}
			rows, err := tx.WaitingFor(t.Context(), "hash", 10)
			if len(rows) != 1 || rows[0].ID != waiting.ID {
				t.Errorf("waiting %+v, want %s", rows, waiting.ID)
			}
			if err != nil {
				return err
			}
			live.State, live.EndedAt, live.Outcome = store.DeliveryEnded, tx.Now, oncall.Busy
			return tx.SaveDelivery(t.Context(), live)
		})
		if !insert(delivery(2)) {
			t.Error("the number is free and the call was refused")
		}
	})
}

func TestADeliveryComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := delivery(1)
		tx(t, db, func(tx *store.Tx) error {
			if _, err := tx.InsertDelivery(t.Context(), d); err != nil {
				return err
			}
			d.ProviderID, d.State, d.SentAt, d.CancelAt, d.CostMicros = "CA1", store.DeliveryRinging, tx.Now, tx.Now, 2500
			if err := tx.SaveDelivery(t.Context(), &d); err != nil {
				return err
			}
			told := []store.Told{
				{Delivery: d.ID, Incident: "inc_1", Attempt: "inc_1.1", Epoch: 1},
				{Delivery: d.ID, Incident: "inc_2", Attempt: "inc_2.4", Epoch: 3},
			}
			if err := tx.AddTold(t.Context(), told...); err != nil {
				return err
			}
			if err := tx.AddTold(t.Context(), told[0]); err != nil {
				return err
			}
			got, err := tx.Told(t.Context(), d.ID)
			if diff := cmp.Diff(told, got); diff != "" {
				t.Errorf("told differs (-want +got):\n%s", diff)
			}
			return err
		})
		tx(t, db, func(tx *store.Tx) error {
			for name, find := range map[string]func() (*store.Delivery, error){
				"by id":       func() (*store.Delivery, error) { return tx.Delivery(t.Context(), d.ID) },
				"by provider": func() (*store.Delivery, error) { return tx.DeliveryByProvider(t.Context(), "twilio", "CA1") },
				"live": func() (*store.Delivery, error) {
					list, err := tx.LiveDeliveries(t.Context(), "inc_2")
					if len(list) != 1 {
						return nil, fmt.Errorf("%d live deliveries (%w)", len(list), err)
					}
					return &list[0], err
				},
				"of the attempt": func() (*store.Delivery, error) {
					list, err := tx.DeliveriesOf(t.Context(), d.Outbox)
					if len(list) != 1 {
						return nil, fmt.Errorf("%d deliveries (%w)", len(list), err)
					}
					return &list[0], err
				},
			} {
				got, err := find()
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if diff := cmp.Diff(&d, got); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", name, diff)
				}
			}
			spent, err := tx.Spent(t.Context(), d.ClaimedAt)
			if spent != 2500 {
				t.Errorf("spent %d, want 2500", spent)
			}
			if err != nil {
				return err
			}
			spent, err = tx.Spent(t.Context(), d.ClaimedAt.Add(time.Millisecond))
			if spent != 0 {
				t.Errorf("spent %d since later, want 0", spent)
			}
			return err
		})
	})
}

func TestR23_DeliveriesWhoseFateIsUnknownAreFoundAfterAStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for n := 1; n <= 3; n++ {
				d := delivery(n, func(d *store.Delivery) { d.AddressHash = fmt.Sprint(n) })
				row := store.OutboxRow{ID: d.Outbox, Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxClaimed, DueAt: tx.Now}
				if err := tx.AddOutbox(t.Context(), row); err != nil {
					return err
				}
				if _, err := tx.InsertDelivery(t.Context(), d); err != nil {
					return err
				}
				if n == 2 {
					d.ProviderID, d.State = "CA2", store.DeliverySent
					if err := tx.SaveDelivery(t.Context(), &d); err != nil {
						return err
					}
				}
			}
			open, err := tx.OpenDeliveries(t.Context(), 10)
			if len(open) != 2 || open[0].ID != "dlv_1" && open[0].ID != "dlv_3" {
				t.Errorf("open %+v, want those whose provider's id is not known", open)
			}
			return err
		})
	})
}
