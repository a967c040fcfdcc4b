package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func in(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestTheNextMomentOfANext(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, cron, zone string
		from             string
		want             []string
	}{
		{"every night in Tokyo", "0 3 * * *", "Asia/Tokyo", "2026-11-20T03:00:00+09:00", []string{"2026-11-21T03:00:00+09:00", "2026-11-22T03:00:00+09:00"}},
		{"a moment before it", "0 3 * * *", "Asia/Tokyo", "2026-11-20T02:59:59+09:00", []string{"2026-11-20T03:00:00+09:00"}},
		{"no zone is UTC", "30 14 * * *", "", "2026-11-20T15:00:00+09:00", []string{"2026-11-20T14:30:00Z"}},
		{"by a word", "@daily", "Asia/Tokyo", "2026-11-20T03:00:00+09:00", []string{"2026-11-21T00:00:00+09:00"}},
		{"every so often", "@every 90m", "Asia/Tokyo", "2026-11-20T03:00:00+09:00", []string{"2026-11-20T04:30:00+09:00"}},
		{"day of the month or of the week", "0 0 13 * fri", "UTC", "2026-11-20T00:00:00Z", []string{"2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"}},
		{"Sunday is 7 too", "0 9 * * 7", "UTC", "2026-11-20T00:00:00Z", []string{"2026-11-22T09:00:00Z"}},
		{"to Sunday", "0 9 * * 6-7", "UTC", "2026-11-20T00:00:00Z", []string{"2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z", "2026-11-28T09:00:00Z"}},
		{"every other day to Sunday", "0 9 * * 3-7/2,1", "UTC", "2026-11-18T10:00:00Z", []string{"2026-11-20T09:00:00Z", "2026-11-22T09:00:00Z", "2026-11-23T09:00:00Z"}},

		{"a time that is left out runs right behind the gap", "30 2 * * *", "America/New_York", "2026-03-07T02:30:00-05:00", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"two that are left out are one", "0,30 2 * * *", "America/New_York", "2026-03-07T02:30:00-05:00", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"}},
		{"a time that comes twice runs once", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"seen from within the second hour", "45 1 * * *", "America/New_York", "2026-11-01T01:10:00-05:00", []string{"2026-11-02T01:45:00-05:00"}},
		{"every hour goes on through the gap", "0 * * * *", "America/New_York", "2026-03-08T01:00:00-05:00", []string{"2026-03-08T03:00:00-04:00", "2026-03-08T04:00:00-04:00"}},
		{"every hour comes twice", "0 * * * *", "America/New_York", "2026-11-01T00:00:00-04:00", []string{"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
		{"every minute of an hour", "*/20 1 * * *", "America/New_York", "2026-11-01T01:30:00-04:00", []string{"2026-11-01T01:40:00-04:00", "2026-11-01T01:00:00-05:00"}},
		{"midnight that does not exist", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T00:00:00-03:00", []string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"half an hour's change", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"half an hour twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T01:45:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			next, err := Next(tc.cron, tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			for _, each := range tc.want {
				want, err := time.Parse(time.RFC3339, each)
				if err != nil {
					t.Fatal(err)
				}
				if at = next(at); !at.Equal(want) {
					t.Fatalf("got %s, want %s", at.In(in(t, tc.zone)), want.In(in(t, tc.zone)))
				}
			}
		})
	}
}

func TestACalendarThatCannotBeReadIsSaidAndNoPanic(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ cron, zone string }{
		{"", ""},
		{"0 3 * *", ""},
		{"0 3 * * * *", ""},
		{"CRON_TZ=Asia/Tokyo 0 3 * * *", ""},
		{"61 3 * * *", ""},
		{"0 3 * * 8", ""},
		{"0 3 * * 3-7/0", ""},
		{"0 3 30 2 *", ""},
		{"@reboot", ""},
		{"0 3 * * *", "Asia/Edo"},
	} {
		if next, err := Next(tc.cron, tc.zone); err == nil {
			t.Errorf("%q in %q: got %s, want an error", tc.cron, tc.zone, next(time.Now()))
		}
	}
}

// Every zone and year has its oddities; what holds in all of them is this.
func TestAFixedTimeComesOnceADayInEveryZone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "UTC"}).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		minute, hour := rapid.SampledFrom([]string{"0", "15", "30", "59"}).Draw(t, "minute"), rapid.SampledFrom([]string{"0", "1", "2", "3", "23"}).Draw(t, "hour")
		next, err := Next(minute+" "+hour+" * * *", zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2005+rapid.IntRange(0, 22).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 12, 0, 0, 0, loc)
		for range 20 {
			from := at
			if at = next(at); !at.After(from) {
				t.Fatalf("%s is not behind %s", at, from)
			}
			if gap := at.In(loc).YearDay() - from.In(loc).YearDay(); gap > 1 {
				t.Fatalf("%s follows %s: a day is left out", at.In(loc), from.In(loc))
			}
		}
	})
}

func FuzzACalendarNeverPanicsAndAlwaysGoesOn(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "*/5 1-7/2 1,15 jan-mar mon-fri", "0 9 * * 3-7/2,1", "@every 1h", "TZ=0", "CRON_TZ=Asia/Tokyo 0 3 * * *", "0 0 30 2 *", "? ? ? ? ?", "@daily @daily"} {
		f.Add(seed, "America/New_York", int64(1_772_949_600))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, unix int64) {
		next, err := Next(expression, zone)
		if err != nil {
			return
		}
		at := time.Unix(unix%4_102_444_800, 0) // to the year 2100
		for range 5 {
			from := at
			if at = next(from); at.IsZero() {
				return
			}
			if !at.After(from) {
				t.Fatalf("%q in %q: %s is not behind %s", expression, zone, at, from)
			}
		}
	})
}
