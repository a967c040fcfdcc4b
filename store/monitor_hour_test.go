package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestHoursAddUpAndGoAfterTheirTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		hour := func(monitor oncall.MonitorID, hour int64) store.MonitorHour {
			return store.MonitorHour{Monitor: monitor, Hour: hour, Up: time.Minute, Down: time.Second, Unknown: time.Millisecond}
		}
		tx(t, db, func(tx *store.Tx) error {
			return tx.AddMonitorTimes(t.Context(), store.MonitorTimes{Hours: []store.MonitorHour{hour("a", 1), hour("b", 2), hour("a", 2), hour("a", 2)}})
		})
		tx(t, db, func(tx *store.Tx) error { return tx.AddMonitorHours(t.Context(), []store.MonitorHour{hour("a", 2)}) })
		get := func(from, to int64, monitors ...oncall.MonitorID) (list []store.MonitorHour) {
			read(t, db, func(tx *store.Tx) (err error) {
				list, err = tx.MonitorHours(t.Context(), monitors, from, to)
				return err
			})
			return list
		}
		want := []store.MonitorHour{{Monitor: "a", Hour: 2, Up: 3 * time.Minute, Down: 3 * time.Second, Unknown: 3 * time.Millisecond}, hour("b", 2)}
		if diff := cmp.Diff(want, get(2, 2, "a", "b", "c")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := get(0, 9, "a"); len(got) != 1 || got[0].Up != 4*time.Minute {
			t.Errorf("got %v, want both hours together", got)
		}
		read(t, db, func(tx *store.Tx) error {
			first, err := tx.FirstMonitorHours(t.Context(), []oncall.MonitorID{"a", "b", "c"})
			if diff := cmp.Diff([]store.MonitorHour{hour("a", 1), hour("b", 2)}, first); diff != "" {
				t.Errorf("the first ones (-want +got):\n%s", diff)
			}
			return err
		})
		for i, want := range []int{1, 1, 1, 0} {
			tx(t, db, func(tx *store.Tx) error {
				n, err := tx.SweepMonitorHours(t.Context(), 3, 1)
				if n != want {
					t.Errorf("sweep %d: got %d, want %d", i, n, want)
				}
				return err
			})
		}
	})
}
