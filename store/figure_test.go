package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestR41_WhatIsOpenAndWhatWaitsIsCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		past, now := time.Now().Add(-time.Hour), time.Now()
		err := db.Tx(ctx, func(tx *store.Tx) error {
			if err := tx.PutTimers(ctx, store.Timer{Kind: "late", Ref: "a", DueAt: past}, store.Timer{Kind: "late", Ref: "b", DueAt: past},
				store.Timer{Kind: "late", Ref: "c", DueAt: now.Add(time.Hour)}); err != nil {
				return err
			}
			return tx.AddOutbox(ctx, store.OutboxRow{ID: "inc_1.1", Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: past},
				store.OutboxRow{ID: "inc_1.2", Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxClaimed, DueAt: past})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got store.Standing
		if err := db.Read(ctx, func(tx *store.Tx) (err error) {
			got, err = tx.Standing(ctx, now, now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want := store.Standing{Incidents: map[string]int{}, Overdue: map[string]int{"late": 2}, Due: 1, Claimed: 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("got +, want -:\n%s", diff)
		}
		if n := db.Waiting(); n != 0 {
			t.Errorf("got %d that wait to be written, want 0", n)
		}
	})
}
