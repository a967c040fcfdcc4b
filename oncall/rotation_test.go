package oncall

import (
	"testing"
	"time"
)

func rotating(zone string, r Rotation, users ...UserID) *Schedule {
	return &Schedule{Zone: zone, Layers: []Layer{{Users: users, Rotate: &r}}}
}

func TestR31_HandOverKeepsItsWallClockTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, zone string
		r          Rotation
		at         string
		want       UserID
		until      string
	}{
		{"before From the last user has it", "America/New_York", Rotation{1, Week, Date{2026, 3, 2}, 9 * 60}, "2026-03-02 08:59", "cho", "2026-03-02 09:00"},
		{"first minute", "America/New_York", Rotation{1, Week, Date{2026, 3, 2}, 9 * 60}, "2026-03-02 09:00", "ann", "2026-03-09 09:00"},
		{"last minute before the week of the change", "America/New_York", Rotation{1, Week, Date{2026, 3, 2}, 9 * 60}, "2026-03-09 08:59", "ann", "2026-03-09 09:00"},
		{"stays 09:00 after clocks moved", "America/New_York", Rotation{1, Week, Date{2026, 3, 2}, 9 * 60}, "2026-03-09 09:00", "ben", "2026-03-16 09:00"},
		{"two weeks each", "Asia/Tokyo", Rotation{2, Week, Date{2026, 3, 2}, 9 * 60}, "2026-03-15 12:00", "ann", "2026-03-16 09:00"},
		{"days", "Asia/Tokyo", Rotation{1, Day, Date{2026, 3, 2}, 9 * 60}, "2026-03-04 12:00", "cho", "2026-03-05 09:00"},
		{"half days keep 09:00 and 21:00 in summer", "America/New_York", Rotation{12, Hour, Date{2026, 3, 7}, 9 * 60}, "2026-03-08 10:00", "cho", "2026-03-08 21:00"},
		{"months", "Asia/Tokyo", Rotation{1, Month, Date{2026, 1, 15}, 9 * 60}, "2026-03-15 08:00", "ben", "2026-03-15 09:00"},
		{"the 31st is the last day of a short month", "Asia/Tokyo", Rotation{1, Month, Date{2026, 1, 31}, 0}, "2026-02-28 00:00", "ben", "2026-03-31 00:00"},
		{"and the 29th in a leap year", "Asia/Tokyo", Rotation{1, Month, Date{2028, 1, 31}, 0}, "2028-02-28 23:59", "ann", "2028-02-29 00:00"},
		{"months backwards over a year's end", "Asia/Tokyo", Rotation{1, Month, Date{2026, 1, 31}, 0}, "2025-12-30 00:00", "ben", "2025-12-31 00:00"},
		{"a hand-over at 24:00 is the next midnight", "Asia/Tokyo", Rotation{1, Day, Date{2026, 3, 2}, 24 * 60}, "2026-03-03 00:00", "ann", "2026-03-04 00:00"},
		{"a time in the gap begins behind it", "America/New_York", Rotation{1, Day, Date{2026, 3, 7}, 2*60 + 30}, "2026-03-08 03:00", "ben", "2026-03-09 02:30"},
		{"before the gap the one before has it", "America/New_York", Rotation{1, Day, Date{2026, 3, 7}, 2*60 + 30}, "2026-03-08 01:59", "ann", "2026-03-08 03:00"},
		{"the skipped day is nobody's turn", "Pacific/Apia", Rotation{1, Day, Date{2011, 12, 28}, 0}, "2011-12-29 12:00", "ben", "2011-12-31 00:00"},
		{"and the next day has its own", "Pacific/Apia", Rotation{1, Day, Date{2011, 12, 28}, 0}, "2011-12-31 00:00", "ann", "2012-01-01 00:00"},
		{"midnight that does not exist", "America/Santiago", Rotation{1, Day, Date{2026, 9, 5}, 0}, "2026-09-06 01:00", "ben", "2026-09-07 00:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			at := in(t, tc.zone)
			users, until := rotating(tc.zone, tc.r, "ann", "ben", "cho").OnDuty(nil, at(tc.at))
			if len(users) != 1 || users[0] != tc.want {
				t.Errorf("on duty at %s = %v, want %s", tc.at, users, tc.want)
			}
			if !until.Equal(at(tc.until)) {
				t.Errorf("until = %s, want %s", until.In(at(tc.at).Location()), tc.until)
			}
		})
	}
}

func TestR31_ATimeThatExistsTwiceBeginsAtItsFirstAndEndsAtItsLast(t *testing.T) {
	t.Parallel()
	// New York, 1 November 2026: 01:00 to 02:00 happens twice.
	first := time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC)
	second := first.Add(time.Hour)

	until := &Hours{Zone: "America/New_York", During: []Span{{Days: everyDay, From: 0, To: 90}}}
	from := &Hours{Zone: "America/New_York", During: []Span{{Days: everyDay, From: 90, To: 180}}}
	for _, tc := range []struct {
		at              time.Time
		early, late     bool
		turnOfTheSunday bool
	}{
		{first.Add(-time.Second), true, false, false},
		{first, true, true, true},
		{second.Add(-time.Second), true, true, true},
		{second, false, true, true},
	} {
		if got := until.Contains(tc.at); got != tc.early {
			t.Errorf("00:00-01:30 contains %s = %t, want %t", tc.at, got, tc.early)
		}
		if got := from.Contains(tc.at); got != tc.late {
			t.Errorf("01:30-03:00 contains %s = %t, want %t", tc.at, got, tc.late)
		}
		// A hand-over happens once, at the first.
		s := rotating("America/New_York", Rotation{1, Day, Date{2026, 11, 1}, 90}, "ann", "ben")
		want := UserID("ben")
		if tc.turnOfTheSunday {
			want = "ann"
		}
		if got, _ := s.OnDuty(nil, tc.at); len(got) != 1 || got[0] != want {
			t.Errorf("on duty at %s = %v, want %s", tc.at, got, want)
		}
	}
}

// In St. John's clocks went from 00:01 back to 23:01: Sunday had begun, was
// Saturday again for an hour, and is one Sunday.
func TestR31_ADayThatBeginsTwiceIsOneDay(t *testing.T) {
	t.Parallel()
	h := &Hours{Zone: "America/St_Johns", During: []Span{{Days: DaySet{Weekdays: [7]bool{time.Sunday: true}}, From: 0, To: 120}}}
	begin := time.Date(2010, 11, 7, 2, 30, 0, 0, time.UTC) // the first 00:00
	end := time.Date(2010, 11, 7, 5, 30, 0, 0, time.UTC)
	for at := begin.Add(-time.Hour); at.Before(end.Add(time.Hour)); at = at.Add(time.Minute) {
		if got, want := h.Contains(at), !at.Before(begin) && at.Before(end); got != want {
			t.Errorf("Contains(%s) = %t, want %t", at, got, want)
		}
	}
	if got := h.Next(begin.Add(-time.Hour)); !got.Equal(begin) {
		t.Errorf("Next = %s, want %s", got, begin)
	}
}

func TestTheSkippedDayOfApiaHasNoHours(t *testing.T) {
	t.Parallel()
	friday := DaySet{Weekdays: [7]bool{time.Friday: true}}
	h := &Hours{Zone: "Pacific/Apia", During: []Span{{Days: friday, From: 9 * 60, To: 17 * 60}}}
	at := in(t, "Pacific/Apia")
	if got, want := h.Next(at("2011-12-24 00:00")), at("2012-01-06 09:00"); !got.Equal(want) {
		t.Errorf("Next = %s, want %s: there was no 30 December 2011", got, want)
	}
}

func TestAnyInstantHasAnAnswer(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Asia/Tokyo", "America/New_York", "Australia/Lord_Howe"} {
		s := infra()
		s.Zone = zone
		for _, year := range []int{2, 1887, 1900, 1969, 2037, 2040, 2149, 2150, 2151, 9999} {
			for _, at := range []time.Time{
				time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC), time.Date(year, 7, 1, 3, 0, 0, 1, time.UTC), time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC),
			} {
				users, until := s.OnDuty(nil, at)
				if len(users) != 1 || !until.After(at) || until.Sub(at) > 8*24*time.Hour {
					t.Errorf("on duty in %s at %s = %v until %s", zone, at, users, until)
				}
			}
		}
	}
}

func BenchmarkOnDuty(b *testing.B) {
	s := infra()
	d := &Directory{Schedules: map[ScheduleID]*Schedule{s.ID: s}}
	if err := d.Compile(); err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	b.Run("same shift", func(b *testing.B) {
		for b.Loop() {
			s.OnDuty(d, start)
		}
	})
	b.Run("another shift each time", func(b *testing.B) {
		at := start
		for b.Loop() {
			at = at.Add(11 * time.Hour)
			s.OnDuty(d, at)
		}
	})
	b.Run("zone with clock changes", func(b *testing.B) {
		s := infra()
		s.Zone = "America/New_York"
		at := start
		for b.Loop() {
			at = at.Add(11 * time.Hour)
			s.OnDuty(nil, at)
		}
	})
}
