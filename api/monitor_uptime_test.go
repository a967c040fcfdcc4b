package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"toban/api"
	"toban/store"
	"toban/store/storetest"
)

func TestAMonitorSaysHowMuchOfTheTimeItWasUpAndSinceWhen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		if got := i.as("manager", "PUT", "/api/v1/monitors/shop", `{"http":"https://shop.example.jp/health"}`); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		now := time.Now()
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.AddMonitorTimes(t.Context(), store.MonitorTimes{
				Days:  []store.MonitorDay{{Monitor: "shop", Day: store.DayOf(now, time.FixedZone("JST", 9*60*60)), Up: 9 * time.Minute, Down: time.Minute}},
				Hours: []store.MonitorHour{{Monitor: "shop", Hour: store.HourOf(now), Up: 9 * time.Minute, Down: time.Minute}},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		of := func(path string) (m api.Monitor) {
			t.Helper()
			var list api.MonitorList
			got := i.as("viewer", "GET", path, "")
			if err := json.Unmarshal(got.body, &list); err != nil {
				t.Fatal(err)
			}
			if len(list.Monitors) > 0 {
				return list.Monitors[0]
			}
			if err := json.Unmarshal(got.body, &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		for _, path := range []string{"/api/v1/monitors/shop", "/api/v1/monitors?uptime=true"} {
			u := of(path).Uptime
			if u == nil || u.Since == nil || u.Day == nil || *u.Day != .9 || u.Month != nil || u.Quarter != nil {
				t.Errorf("%s: got %+v, want 0.9 since it is watched, and nothing of longer spans", path, u)
			} else if ago := now.Sub(*u.Since); ago < 9*time.Minute || ago > 11*time.Minute {
				t.Errorf("%s: got since %s, want ten minutes ago", path, u.Since)
			}
		}
		if u := of("/api/v1/monitors").Uptime; u != nil {
			t.Errorf("a list that is not asked for it has %+v", u)
		}
	})
}
