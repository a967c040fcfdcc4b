package oncall

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	weekdays = DaySet{Weekdays: [7]bool{false, true, true, true, true, true, false}, Working: true}
	monToFri = DaySet{Weekdays: [7]bool{false, true, true, true, true, true, false}}
	weekends = DaySet{Weekdays: [7]bool{true, false, false, false, false, false, true}}
	everyDay = DaySet{Weekdays: [7]bool{true, true, true, true, true, true, true}}
)

// infra is the schedule of the documentation's example: nights, weekends and
// holidays rotate weekly, the day is Ume's.
func infra() *Schedule {
	return &Schedule{
		ID: "infra", Zone: "Asia/Tokyo", Holidays: Japan,
		Layers: []Layer{
			{
				Name: "off-hours", Users: []UserID{"matsu", "take", "ume"},
				Rotate: &Rotation{Every: 1, Unit: Week, From: Date{2026, time.November, 23}, Handoff: 9 * 60},
				During: []Span{
					{Days: weekdays, From: 18 * 60, To: 24 * 60},
					{Days: weekdays, From: 0, To: 9 * 60},
					{Days: weekends, From: 0, To: 24 * 60},
					{Days: DaySet{Holidays: Japan}, From: 0, To: 24 * 60},
				},
			},
			{Name: "day", Users: []UserID{"ume"}, During: []Span{{Days: weekdays, From: 9 * 60, To: 18 * 60}}},
		},
	}
}

func in(t *testing.T, zone string) func(text string) time.Time {
	t.Helper()
	loc, err := LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
}

func TestR30_WhoIsOnDuty(t *testing.T) {
	t.Parallel()
	at := in(t, "Asia/Tokyo")
	s := infra()
	for _, tc := range []struct {
		name, at string
		want     UserID
		until    string
	}{
		{"a working day is Ume's", "2026-11-24 10:00", "ume", "2026-11-24 18:00"},
		{"the evening is that week's", "2026-11-24 18:00", "matsu", "2026-11-25 09:00"},
		{"midnight changes nothing", "2026-11-25 00:00", "matsu", "2026-11-25 09:00"},
		{"a holiday is off-hours all day", "2026-11-23 10:00", "matsu", "2026-11-24 09:00"},
		{"until a hand-over on a working day the week before has it", "2026-11-20 20:00", "ume", "2026-11-23 09:00"},
		{"the weekend belongs to the week that ends", "2026-11-29 12:00", "matsu", "2026-11-30 09:00"},
		{"the next week is Take's", "2026-11-30 18:00", "take", "2026-12-01 09:00"},
		{"before From the rotation runs backwards", "2026-11-12 20:00", "take", "2026-11-13 09:00"},
		{"the last minute", "2026-11-30 08:59", "matsu", "2026-11-30 09:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			users, until := s.OnDuty(nil, at(tc.at))
			if diff := cmp.Diff([]UserID{tc.want}, users); diff != "" {
				t.Errorf("on duty (-want +got):\n%s", diff)
			}
			if !until.Equal(at(tc.until)) {
				t.Errorf("until = %s, want %s", until.In(at(tc.at).Location()), tc.until)
			}
		})
	}
}

func TestR30_OverridesCoverAllAndTheLaterMadeWins(t *testing.T) {
	t.Parallel()
	at := in(t, "Asia/Tokyo")
	s := infra()
	d := &Directory{
		Schedules: map[ScheduleID]*Schedule{s.ID: s},
		Overrides: []Override{
			{Schedule: "infra", User: "take", From: at("2026-11-24 20:00"), To: at("2026-11-25 02:00")},
			{Schedule: "other", User: "kiku", From: at("2026-11-24 00:00"), To: at("2026-11-26 00:00")},
			{Schedule: "infra", User: "kiku", From: at("2026-11-24 22:00"), To: at("2026-11-24 23:00")},
		},
	}
	want := []Shift{
		{User: "ume", From: at("2026-11-24 12:00"), To: at("2026-11-24 18:00"), Layer: "day"},
		{User: "matsu", From: at("2026-11-24 18:00"), To: at("2026-11-24 20:00"), Layer: "off-hours"},
		{User: "take", From: at("2026-11-24 20:00"), To: at("2026-11-24 22:00"), Override: true},
		{User: "kiku", From: at("2026-11-24 22:00"), To: at("2026-11-24 23:00"), Override: true},
		{User: "take", From: at("2026-11-24 23:00"), To: at("2026-11-25 02:00"), Override: true},
		{User: "matsu", From: at("2026-11-25 02:00"), To: at("2026-11-25 09:00"), Layer: "off-hours"},
		{User: "ume", From: at("2026-11-25 09:00"), To: at("2026-11-25 12:00"), Layer: "day"},
	}
	for range 2 { // the second time compiled
		got := s.Shifts(d, at("2026-11-24 12:00"), at("2026-11-25 12:00"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("shifts (-want +got):\n%s", diff)
		}
		users, until := s.OnDuty(d, at("2026-11-24 23:30"))
		if len(users) != 1 || users[0] != "take" || !until.Equal(at("2026-11-25 02:00")) {
			t.Errorf("on duty = %v until %s, want take until 02:00", users, until)
		}
		if err := d.Compile(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestR34_GapsAreFoundWithTheirTimes(t *testing.T) {
	t.Parallel()
	at := in(t, "Asia/Tokyo")
	s := &Schedule{ID: "office", Zone: "Asia/Tokyo", Holidays: Japan, Layers: []Layer{
		{Name: "day", Users: []UserID{"ume"}, During: []Span{{Days: weekdays, From: 9 * 60, To: 18 * 60}}},
	}}
	got := s.Gaps(nil, at("2026-11-20 12:00"), at("2026-11-25 12:00"))
	want := []Gap{
		{at("2026-11-20 18:00"), at("2026-11-24 09:00")}, // weekend and 23 November
		{at("2026-11-24 18:00"), at("2026-11-25 09:00")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	users, until := s.OnDuty(nil, at("2026-11-21 12:00"))
	if users != nil || !until.Equal(at("2026-11-24 09:00")) {
		t.Errorf("on duty = %v until %s, want nobody until Tuesday 09:00", users, until)
	}
}

func TestAnAnswerThatNeverChangesHasNoEnd(t *testing.T) {
	t.Parallel()
	at := in(t, "UTC")("2026-11-23 00:00")
	always := &Schedule{Zone: "America/New_York", Layers: []Layer{{Users: []UserID{"ume"}}}}
	parts := &Schedule{Zone: "America/New_York", Layers: []Layer{{Users: []UserID{"ume"}}, {Users: []UserID{"ume"}, During: []Span{{Days: weekdays, From: 0, To: 60}}}}}
	for _, s := range []*Schedule{always, parts, {}, {Layers: []Layer{{During: []Span{}}}}} {
		d := &Directory{Schedules: map[ScheduleID]*Schedule{"s": s}}
		for range 3 {
			if _, until := s.OnDuty(d, at); !until.IsZero() {
				t.Errorf("until = %s, want never", until)
			}
			if err := d.Compile(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if users, _ := (&Schedule{}).OnDuty(nil, at); users != nil {
		t.Errorf("an empty schedule has %v on duty", users)
	}
}

func TestASpanOverMidnightBelongsToTheDayItStartsOn(t *testing.T) {
	t.Parallel()
	at := in(t, "Asia/Tokyo")
	h := &Hours{Zone: "Asia/Tokyo", Holidays: Japan, During: []Span{{Days: weekdays, From: 22 * 60, To: 6 * 60}}}
	for _, tc := range []struct {
		name, at string
		want     bool
	}{
		{"Friday night", "2026-11-20 23:00", true},
		{"Saturday morning is still Friday's", "2026-11-21 05:59", true},
		{"Saturday night", "2026-11-21 23:00", false},
		{"Monday morning would be Sunday's", "2026-11-16 05:00", false},
		{"the night before a working day, begun on a holiday", "2026-11-24 05:00", false},
		{"the first working night", "2026-11-24 22:00", true},
		{"its end", "2026-11-25 06:00", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := h.Contains(at(tc.at)); got != tc.want {
				t.Errorf("Contains(%s) = %t, want %t", tc.at, got, tc.want)
			}
		})
	}
}

func TestR6_SupportHoursSayWhenTheyBeginNext(t *testing.T) {
	t.Parallel()
	at := in(t, "Asia/Tokyo")
	working := &Hours{Zone: "Asia/Tokyo", Holidays: Japan, During: []Span{{Days: weekdays, From: 9 * 60, To: 18 * 60}}}
	mondays := &Hours{Zone: "Asia/Tokyo", Holidays: Japan, During: []Span{{Days: monToFri, From: 9 * 60, To: 18 * 60}}}
	for _, tc := range []struct {
		name     string
		h        *Hours
		at, want string
	}{
		{"itself while they run", working, "2026-11-20 09:00", "2026-11-20 09:00"},
		{"over the weekend and a holiday", working, "2026-11-20 18:00", "2026-11-24 09:00"},
		{"Mon-Fri knows no holidays", mondays, "2026-11-20 18:00", "2026-11-23 09:00"},
		{"the same morning", working, "2026-11-24 03:00", "2026-11-24 09:00"},
		{"nil is always", nil, "2026-11-24 03:00", "2026-11-24 03:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.h.Next(at(tc.at)); !got.Equal(at(tc.want)) {
				t.Errorf("Next(%s) = %s, want %s", tc.at, got, tc.want)
			}
		})
	}
	never := &Hours{Zone: "UTC", During: []Span{{Days: DaySet{Holidays: "xx"}, To: 24 * 60}}}
	if got := never.Next(at("2026-11-24 03:00")); !got.IsZero() {
		t.Errorf("hours that never occur begin at %s", got)
	}
	if !(*Hours)(nil).Contains(at("2026-11-24 03:00")) {
		t.Error("nil hours do not contain a time")
	}
}
