package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestMonitorsAndLocationsAreReadAsTheyWereApplied(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			_, _, err := tx.Apply(t.Context(), []store.Object{
				{Kind: store.ObjectMonitor, Name: "b", Body: []byte(`{"id":"b","kind":"http","every":15000000000}`)},
				{Kind: store.ObjectMonitor, Name: "a", Body: []byte(`{"id":"a","kind":"ping"}`)},
				{Kind: store.ObjectLocation, Name: "osaka", Body: []byte(`{"name":"osaka"}`)},
			})
			return err
		})
		read(t, db, func(tx *store.Tx) error {
			monitors, locations, err := tx.Monitors(t.Context())
			if len(monitors) != 2 || monitors[0].ID != "b" || monitors[0].Every != 15*time.Second || len(locations) != 1 || locations[0].Name != "osaka" {
				t.Errorf("got %+v %+v", monitors, locations)
			}
			if _, err := tx.Directory(t.Context()); err != nil {
				t.Errorf("the directory: %v", err)
			}
			return err
		})
	})
}

func TestAMonitorsStateIsWrittenByOneNodeAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.UnixMilli(1_795_000_000_123).UTC()
		var states []store.MonitorState
		var names []oncall.MonitorID
		for i := range 150 { // more than one statement
			name := oncall.MonitorID(fmt.Sprintf("m%03d", i))
			names = append(names, name)
			for _, location := range []string{"", "here"} {
				states = append(states, store.MonitorState{Monitor: name, Location: location, Status: oncall.MonitorUp, Since: at, State: []byte(`{"a":1}`)})
			}
		}
		save := func(states []store.MonitorState) (lost []store.MonitorState) {
			tx(t, db, func(tx *store.Tx) (err error) {
				lost, err = tx.SaveMonitorStates(t.Context(), states)
				return err
			})
			return lost
		}
		load := func(names ...oncall.MonitorID) (got []store.MonitorState) {
			read(t, db, func(tx *store.Tx) (err error) {
				got, err = tx.MonitorStates(t.Context(), names)
				return err
			})
			return got
		}
		if lost := save(states); lost != nil {
			t.Errorf("lost %v of new rows", lost)
		}
		for i := range states {
			states[i].Version = 1
		}
		if diff := cmp.Diff(states, load(names...)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		states[1].Status = oncall.MonitorDown
		if lost := save(states[:2]); lost != nil {
			t.Errorf("lost %v, the rows were those that were read", lost)
		}
		stale := states[1] // another node that does not know of it
		stale.Status = oncall.MonitorUnknown
		if lost := save([]store.MonitorState{stale, states[2]}); len(lost) != 1 || lost[0].Monitor != "m000" || lost[0].Location != "here" {
			t.Errorf("lost %v, want the one that another has written", lost)
		}
		if got := load("m000", "nothing"); len(got) != 2 || got[1].Status != oncall.MonitorDown || got[1].Version != 2 {
			t.Errorf("got %+v, want what was written first", got)
		}
		tx(t, db, func(tx *store.Tx) error { return tx.ForgetMonitors(t.Context(), names[1:]) })
		if got := load(names...); len(got) != 2 {
			t.Errorf("got %d rows, want those of one monitor", len(got))
		}
	})
}

func TestDaysAddUpAndGoAfterTheirTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		day := func(monitor oncall.MonitorID, day int64, location string) store.MonitorDay {
			return store.MonitorDay{Monitor: monitor, Day: day, Location: location, Up: time.Minute, Down: time.Second, Unknown: time.Millisecond, Checks: 4, Failures: 1}
		}
		tx(t, db, func(tx *store.Tx) error {
			return tx.AddMonitorDays(t.Context(), []store.MonitorDay{day("a", 1, ""), day("b", 2, ""), day("a", 2, "osaka"), day("a", 2, ""), day("a", 2, "")})
		})
		tx(t, db, func(tx *store.Tx) error { return tx.AddMonitorDays(t.Context(), []store.MonitorDay{day("a", 2, "")}) })
		get := func(from int64, monitors ...oncall.MonitorID) (list []store.MonitorDay) {
			read(t, db, func(tx *store.Tx) (err error) {
				list, err = tx.MonitorDays(t.Context(), monitors, from)
				return err
			})
			return list
		}
		want := []store.MonitorDay{
			{Monitor: "a", Day: 2, Up: 3 * time.Minute, Down: 3 * time.Second, Unknown: 3 * time.Millisecond, Checks: 12, Failures: 3},
			day("a", 2, "osaka"), day("b", 2, ""),
		}
		if diff := cmp.Diff(want, get(2, "a", "b", "c")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := get(0, "a"); len(got) != 3 {
			t.Errorf("got %v, want the day before, too", got)
		}
		for i, want := range []int{2, 1, 1, 0} {
			tx(t, db, func(tx *store.Tx) error {
				n, err := tx.SweepMonitorDays(t.Context(), 3, min(2, max(1, want)))
				if n != want {
					t.Errorf("sweep %d: got %d, want %d", i, n, want)
				}
				return err
			})
		}
	})
}

func TestADayIsThatOfTheInstallationsCalendar(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 23, 59, 0, 0, tokyo)
	day := store.DayOf(at, tokyo)
	if time.Unix(day*24*60*60, 0).UTC().Format(time.DateOnly) != "2026-11-20" || store.DayOf(at.Add(time.Minute), tokyo) != day+1 {
		t.Errorf("got %d", day)
	}
}

func TestTheLastTwentyFailuresOfAMonitorStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.UnixMilli(1_795_000_000_000).UTC()
		var all []store.MonitorFailure
		for i := range 50 {
			f := store.MonitorFailure{Monitor: "a", Location: "here", At: at.Add(time.Duration(i) * time.Minute), Reason: "status", Message: fmt.Sprint(i), Evidence: []byte(`{"tried":[]}`)}
			all = append(all, f)
		}
		other := store.MonitorFailure{Monitor: "b", At: at, Message: strings.Repeat("梅", 1000) + "\x00", Evidence: []byte(strings.Repeat("x", 100<<10))}
		for _, part := range [][]store.MonitorFailure{append(all[:30:30], other), all[30:], nil} {
			tx(t, db, func(tx *store.Tx) error { return tx.AddMonitorFailures(t.Context(), part) })
		}
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.MonitorFailures(t.Context(), "a")
			if err != nil {
				return err
			}
			if len(got) != store.KeepMonitorFailures {
				t.Fatalf("got %d, want %d", len(got), store.KeepMonitorFailures)
			}
			for i, f := range got {
				if diff := cmp.Diff(all[49-i], f, cmpopts.IgnoreFields(store.MonitorFailure{}, "ID")); diff != "" {
					t.Errorf("%d (-want +got):\n%s", i, diff)
				}
			}
			if got, err = tx.MonitorFailures(t.Context(), "b"); err != nil || len(got) != 1 || string(got[0].Evidence) != "{}" || len(got[0].Message) > 2<<10 {
				t.Errorf("got %+v %v, want one that was cut to size", got, err)
			}
			return err
		})
	})
}

func TestAThousandMonitorsDaysAreWrittenQuickly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		days := make([]store.MonitorDay, 1000)
		for i := range days {
			days[i] = store.MonitorDay{Monitor: oncall.MonitorID(fmt.Sprint("m", i)), Day: 20000, Up: time.Minute, Checks: 4}
		}
		tx(t, db, func(tx *store.Tx) error { return tx.AddMonitorDays(t.Context(), days) })
		start := time.Now()
		tx(t, db, func(tx *store.Tx) error { return tx.AddMonitorDays(t.Context(), days) })
		t.Logf("1,000 days in %s", time.Since(start))
	})
}
