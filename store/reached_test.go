package store_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestTheLatestDeliveriesComeFirstAndNoOlderOnes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		begin := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
		tx(t, db, func(tx *store.Tx) error {
			for i, id := range []oncall.DeliveryID{"dlv_a", "dlv_b", "dlv_c"} {
				d := store.Delivery{
					ID: id, Outbox: oncall.AttemptID("inc_1." + string(id)), Attempt: 1, User: "matsu", Channel: oncall.SMS, AddressHash: "h",
					Provider: "sim", State: store.DeliveryEnded, ClaimedAt: begin.Add(time.Duration(i) * time.Hour),
				}
				if ok, err := tx.InsertDelivery(t.Context(), d); err != nil || !ok {
					t.Fatalf("%s: %v %v", id, ok, err)
				}
			}
			return nil
		})
		read := func(since time.Time, limit int) (got []oncall.DeliveryID) {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				list, err := tx.LatestDeliveries(t.Context(), since, limit)
				for _, d := range list {
					got = append(got, d.ID)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if diff := cmp.Diff([]oncall.DeliveryID{"dlv_c", "dlv_b"}, read(begin.Add(time.Minute), 10)); diff != "" {
			t.Errorf("since (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]oncall.DeliveryID{"dlv_c"}, read(begin, 1)); diff != "" {
			t.Errorf("limit (-want +got):\n%s", diff)
		}
	})
}

func TestDevicesAreCountedByUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for id, user := range map[string]oncall.UserID{"a": "matsu", "b": "matsu", "c": "take"} {
				if err := tx.AddSubscription(t.Context(), subscription(id, user)); err != nil {
					return err
				}
			}
			return nil
		})
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			got, err := tx.CountDevices(t.Context())
			if diff := cmp.Diff(map[oncall.UserID]int{"matsu": 2, "take": 1}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheLatestSignalIsOneFromOutside(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
		latest := func() (from oncall.IntegrationID, when time.Time) {
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				from, when, err = tx.LatestSignal(t.Context())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return from, when
		}
		insert := func(id oncall.SignalID, from oncall.IntegrationID, incident oncall.IncidentID, when time.Time) {
			tx(t, db, func(tx *store.Tx) error {
				s := oncall.Signal{ID: id, Integration: from, Service: "checkout", Key: "k", Action: oncall.Trigger, Severity: oncall.Info, ReceivedAt: when}
				_, err := tx.InsertSignal(t.Context(), s, incident)
				return err
			})
		}
		if from, when := latest(); from != "" || !when.IsZero() {
			t.Errorf("got %q at %s, want none", from, when)
		}
		insert("sig_1", "prometheus", "inc_1", at)
		insert("sig_2", "", "inc_2", at.Add(time.Minute)) // by hand
		if from, when := latest(); from != "prometheus" || !when.Equal(at) {
			t.Errorf("got %q at %s, want prometheus at %s", from, when, at)
		}
	})
}

func TestTheLatestChatComesFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for _, ref := range []string{"inc_1", "inc_3", "inc_2"} {
				if err := tx.SaveChat(t.Context(), &store.Chat{Ref: ref}); err != nil {
					return err
				}
			}
			return nil
		})
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			list, err := tx.LatestChats(t.Context(), 2)
			if err == nil && (len(list) != 2 || list[0].Ref != "inc_3" || list[1].Ref != "inc_2") {
				t.Errorf("got %v, want inc_3 and inc_2", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
