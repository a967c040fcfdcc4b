package store_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestTheFirstMomentOfADayMovesBackOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 6, 40, 24, 0, time.UTC)
		day := func(monitor oncall.MonitorID, first time.Time) store.MonitorDay {
			return store.MonitorDay{Monitor: monitor, Day: store.DayOf(at, time.UTC), Up: time.Second, First: first}
		}
		for _, days := range [][]store.MonitorDay{
			{day("a", at.Add(time.Minute)), day("a", at.Add(time.Second)), day("old", time.Time{})},
			{day("a", at), day("old", at)}, // of an older toban it is not known when the day began
			{day("a", at.Add(time.Hour)), day("a", time.Time{})},
		} {
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddMonitorDays(t.Context(), days) }); err != nil {
				t.Fatal(err)
			}
		}
		var list []store.MonitorDay
		err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
			list, err = tx.MonitorDays(t.Context(), []oncall.MonitorID{"a", "old"}, 0)
			return err
		})
		if err != nil || len(list) != 2 {
			t.Fatalf("got %+v %v", list, err)
		}
		if got := list[0]; !got.First.Equal(at) || got.Up != 5*time.Second {
			t.Errorf("got %s, %s up, want %s", got.First, got.Up, at)
		}
		if got := list[1].First; !got.IsZero() {
			t.Errorf("got %s of a day of which it was not known, want nothing", got)
		}
	})
}
