package store_test

import (
	"fmt"
	"strings"
	"testing"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func subscription(id string, user oncall.UserID) store.Subscription {
	return store.Subscription{ID: id, User: user, Endpoint: "sealed-endpoint-" + id, P256dh: "sealed-key-" + id, Auth: "sealed-auth-" + id, Agent: "Firefox"}
}

func devices(t *testing.T, db *store.DB, user oncall.UserID) (list []store.Subscription) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Subscriptions(t.Context(), user)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestADeviceIsKeptUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := subscription("a", "matsu")
		tx(t, db, func(tx *store.Tx) error {
			want.CreatedAt = tx.Now
			return tx.AddSubscription(t.Context(), want)
		})
		tx(t, db, func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), subscription("b", "take")) })
		if diff := cmp.Diff([]store.Subscription{want}, devices(t, db, "matsu")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}

		tx(t, db, func(tx *store.Tx) error {
			want.UsedAt = tx.Now
			return tx.UseSubscription(t.Context(), "a")
		})
		if diff := cmp.Diff([]store.Subscription{want}, devices(t, db, "matsu")); diff != "" {
			t.Errorf("after a message (-want +got):\n%s", diff)
		}

		for range 2 { // twice is no error
			tx(t, db, func(tx *store.Tx) error { return tx.DeleteSubscription(t.Context(), "a") })
		}
		if got := devices(t, db, "matsu"); len(got) != 0 {
			t.Errorf("got %v, want no device", got)
		}
		if got := devices(t, db, "take"); len(got) != 1 {
			t.Errorf("got %v, want the other user's device", got)
		}
	})
}

func TestADeviceThatComesAgainIsRefreshedAndBelongsToWhoeverHoldsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), subscription("a", "matsu")) })
		again := subscription("a", "take")
		again.Endpoint, again.P256dh, again.Auth, again.Agent = "e2", "p2", "a2", strings.Repeat("梅", 400)+"\x00"
		tx(t, db, func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), again) })
		if got := devices(t, db, "matsu"); len(got) != 0 {
			t.Errorf("got %v, want none of the user before", got)
		}
		again.Agent = strings.Repeat("梅", 100)
		if diff := cmp.Diff([]store.Subscription{again}, devices(t, db, "take"), cmpopts.IgnoreFields(store.Subscription{}, "CreatedAt")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOfTooManyDevicesTheOldestGoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), subscription("other", "take")) })
		var want []string
		for i := range store.MaxSubscriptions + 3 { // the ids rise, so that what is as old is known too
			id := fmt.Sprintf("d%02d", i)
			want = append([]string{id}, want...)
			tx(t, db, func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), subscription(id, "matsu")) })
		}
		var got []string
		for _, s := range devices(t, db, "matsu") {
			got = append(got, s.ID)
		}
		if diff := cmp.Diff(want[:store.MaxSubscriptions], got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := devices(t, db, "take"); len(got) != 1 {
			t.Errorf("got %v, want the other user's device untouched", got)
		}
	})
}
