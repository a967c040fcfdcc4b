package view

import (
	"strings"
	"testing"
	"time"

	"toban/oncall"

	"github.com/google/go-cmp/cmp"
)

func TestAViewShowsWholeDaysFromMonday(t *testing.T) {
	t.Parallel()
	ny := zone(t, "America/New_York")
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 13, 5, 0, 0, ny) }
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, ny) }
	for _, tc := range []struct {
		name, kind       string
		at               time.Time
		begin, end, back time.Time
	}{
		{"a week from a Friday", "week", at(11, 20), day(11, 16), day(11, 23), day(11, 9)},
		{"a week from a Sunday", "week", at(11, 22), day(11, 16), day(11, 23), day(11, 9)},
		{"a week from a Monday", "week", at(11, 23), day(11, 23), day(11, 30), day(11, 16)},
		{"two weeks over the end of summer time", "2weeks", at(10, 30), day(10, 26), day(11, 9), day(10, 12)},
		{"a month", "month", at(2, 28), day(2, 1), day(3, 1), day(1, 1)},
		{"a month from the 31st", "month", at(12, 31), day(12, 1), time.Date(2027, 1, 1, 0, 0, 0, 0, ny), day(11, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			begin, end, back := span(tc.kind, tc.at)
			if !begin.Equal(tc.begin) || !end.Equal(tc.end) || !back.Equal(tc.back) {
				t.Errorf("got %s to %s after %s, want %s to %s after %s", begin, end, back, tc.begin, tc.end, tc.back)
			}
		})
	}
}

func TestACalendarHasWhoIsOnDutyThenWhatItComesFrom(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "ja", "responder")
	v := ScheduleOf(s, dir, dir.Schedules["infra"], "ume", "week", s.Now, Origin{})
	var labels []string
	for _, lane := range v.Calendar.Lanes {
		labels = append(labels, lane.Label)
	}
	if diff := cmp.Diff([]string{"当番（結果）", "代行", "平日日中", "夜間・休日"}, labels); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	final := v.Calendar.Lanes[0].Shifts
	for i, shift := range final {
		if i > 0 && !shift.From.Equal(final[i-1].To) {
			t.Errorf("shift %d begins at %s, want %s: the row has no holes", i, shift.From, final[i-1].To)
		}
		if past := !shift.To.After(s.Now); past != (shift.Path == "") {
			t.Errorf("shift %d to %s leads to %q, want only what is to come to be taken", i, shift.To, shift.Path)
		}
		if shift.Mine != (shift.Who == "梅さん") {
			t.Errorf("shift %d of %s: mine is %v", i, shift.Who, shift.Mine)
		}
	}

	s.Zone = zone(t, "America/New_York")
	abroad := ScheduleOf(s, dir, dir.Schedules["infra"], "ume", "week", s.Now, Origin{})
	last := abroad.Calendar.Lanes[len(abroad.Calendar.Lanes)-1]
	if last.Label != "Asia/Tokyo" || len(last.Shifts) != 8 || last.Shifts[1].Who != "11/17(火)" {
		t.Errorf("got %s with %d days, want the schedule's own days as a row", last.Label, len(last.Shifts))
	}
	if got := abroad.Gaps; len(got) != 0 {
		t.Errorf("got the gaps %v, want none", got)
	}
}

// A week's calendar cuts the shifts that begin before it or go on behind it;
// whoever takes one gets the whole of it all the same.
func TestTakingAShiftTakesAllOfItAndNotThePartInView(t *testing.T) {
	t.Parallel()
	weekly := &oncall.Schedule{ID: "weekly", Zone: "Asia/Tokyo", Layers: []oncall.Layer{{
		Users: []oncall.UserID{"matsu", "take"}, Rotate: &oncall.Rotation{
			Every: 1, Unit: oncall.Week, From: oncall.Date{Year: 2026, Month: 11, Day: 16}, Handoff: 9 * 60,
		},
	}}}
	alone := &oncall.Schedule{ID: "alone", Zone: "Asia/Tokyo", Layers: []oncall.Layer{{Users: []oncall.UserID{"matsu"}}}}
	s := reader(t, "en", "responder")
	for _, tc := range []struct {
		name     string
		schedule *oncall.Schedule
		at       time.Time
		want     string
	}{
		{"this week's, from now on to its hand-over", weekly, s.Now, "from=2026-11-20T20%3A02&to=2026-11-23T09%3A00"},
		{"the first of next week, cut in front", weekly, s.Now.AddDate(0, 0, 7), "from=2026-11-20T20%3A02&to=2026-11-23T09%3A00"},
		{"the first of the week after, wholly", weekly, s.Now.AddDate(0, 0, 14), "from=2026-11-23T09%3A00&to=2026-11-30T09%3A00"},
		{"one that never ends, as it is seen", alone, s.Now, "from=2026-11-20T20%3A02&to=2026-11-23T00%3A00"},
	} {
		v := ScheduleOf(s, shop(t), tc.schedule, "ume", "week", tc.at, Origin{})
		got := ""
		for _, shift := range v.Calendar.Lanes[0].Shifts {
			if shift.Path != "" {
				got = shift.Path
				break
			}
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s: leads to %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestAViewerIsNotOfferedToTakeAShift(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "en", "viewer")
	page := htmlOf(t, SchedulePage(s, ScheduleOf(s, dir, dir.Schedules["office"], "", "week", s.Now, Origin{})))
	if strings.Contains(page, "/override") || strings.Contains(page, "delete") {
		t.Error("a viewer is offered to change the schedule")
	}
}

func TestAMonthOfHourlyTurnsIsShownAsAWeek(t *testing.T) {
	t.Parallel()
	hourly := &oncall.Schedule{ID: "hourly", Zone: "UTC", Layers: []oncall.Layer{{
		Users: []oncall.UserID{"matsu", "take"}, Rotate: &oncall.Rotation{Every: 1, Unit: oncall.Hour, From: oncall.Date{Year: 2026, Month: 1, Day: 1}},
	}}}
	s := reader(t, "en", "viewer")
	if v := ScheduleOf(s, shop(t), hourly, "", "month", s.Now, Origin{}); v.View != "week" {
		t.Errorf("got %s, want a week", v.View)
	}
}

func TestR34_GapsAndDoubleDutiesOfTheNext90DaysAreListed(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "en", "responder")
	office := ScheduleOf(s, dir, dir.Schedules["office"], "ume", "week", s.Now, Origin{})
	if len(office.Gaps) != mostListed {
		t.Errorf("got %d gaps, want the first %d of the nights", len(office.Gaps), mostListed)
	}
	if first := office.Gaps[0]; !first.From.Equal(s.Now.Truncate(time.Minute)) || !strings.Contains(first.Path, "/schedules/office/override?from=2026-11-20T20%3A02&to=2026-11-24T09%3A00") {
		t.Errorf("got %+v, want the gap from now on with the way to fill it", first)
	}
	if len(office.Doubles) != 1 || office.Doubles[0].With.Label != "infra" || len(office.Doubles[0].Spans) < 50 {
		t.Fatalf("got %+v, want Ume's working days on both", office.Doubles)
	}
	if first := office.Doubles[0].Spans[0]; first.From.In(zone(t, "Asia/Tokyo")).Format("01-02 15:04") != "11-24 09:00" || first.To.Sub(first.From) != 9*time.Hour {
		t.Errorf("got %+v, want the first working day", first)
	}
}

// A page that is drawn anew while nothing changes says the same (R34).
func TestWhatComesIsTheSameWhetherLookedAtNowOrSoon(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "en", "responder")
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, zone(t, "Asia/Tokyo")) // within the office's hours, as 90 days later
	draw := func(now time.Time) Schedule {
		s.Now = now
		return ScheduleOf(s, dir, dir.Schedules["infra"], "ume", "week", at, Origin{})
	}
	first, second := draw(at.Add(time.Millisecond)), draw(at.Add(59*time.Second))
	if diff := cmp.Diff(first.Doubles, second.Doubles); diff != "" {
		t.Errorf("double duties (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first.Loads, second.Loads); diff != "" {
		t.Errorf("the balance (-first +second):\n%s", diff)
	}
	spans := first.Doubles[0].Spans
	if last := spans[len(spans)-1]; last.To.Sub(last.From) != 9*time.Hour {
		t.Errorf("got %+v, want the last working day as it is", last)
	}
}

func TestTheBalanceCountsNightsWeekendsAndHours(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "en", "responder")
	tokyo := zone(t, "Asia/Tokyo")
	from := time.Date(2026, 11, 30, 9, 0, 0, 0, tokyo) // a Monday: two weeks without overrides or holidays
	s.Now = from
	by := map[string]LoadRow{}
	for _, row := range loads(s, dir, dir.Schedules["infra"], "ume", from, from.AddDate(0, 0, 14)) {
		by[row.Who] = row
	}
	for who, want := range map[string]LoadRow{
		"松": {Who: "松", Shifts: 5, Hours: 123, Nights: 7, Weekends: 2},
		"竹": {Who: "竹", Shifts: 5, Hours: 123, Nights: 7, Weekends: 2},
		"梅": {Who: "梅", Mine: true, Shifts: 10, Hours: 90},
	} {
		got := by[who]
		got.Shifts = want.Shifts // depends on where a week is cut
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", who, diff)
		}
	}
}

func TestOverlapsAreOfTheSamePersonAlone(t *testing.T) {
	t.Parallel()
	at := func(h int) time.Time { return evening().Add(time.Duration(h) * time.Hour) }
	shift := func(u oncall.UserID, from, to int) oncall.Shift {
		return oncall.Shift{User: u, From: at(from), To: at(to)}
	}
	for _, tc := range []struct {
		name       string
		a, b, want []oncall.Shift
	}{
		{"none", nil, []oncall.Shift{shift("a", 0, 9)}, nil},
		{"others", []oncall.Shift{shift("a", 0, 9)}, []oncall.Shift{shift("b", 0, 9)}, nil},
		{"touching", []oncall.Shift{shift("a", 0, 4)}, []oncall.Shift{shift("a", 4, 9)}, nil},
		{"a part", []oncall.Shift{shift("a", 0, 4), shift("b", 4, 8)}, []oncall.Shift{shift("a", 2, 6), shift("b", 7, 9)}, []oncall.Shift{shift("a", 2, 4), shift("b", 7, 8)}},
		{"one over two", []oncall.Shift{shift("a", 0, 4), shift("a", 4, 8)}, []oncall.Shift{shift("a", 1, 7)}, []oncall.Shift{shift("a", 1, 7)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, overlaps(tc.a, tc.b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, overlaps(tc.b, tc.a)); diff != "" {
				t.Errorf("the other way round (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePreviewOfAnOverrideSaysWhoGivesAndWhoGets(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	s := reader(t, "en", "responder")
	tokyo := zone(t, "Asia/Tokyo")
	at := func(day, hour int) time.Time { return time.Date(2026, 12, day, hour, 0, 0, 0, tokyo) }
	preview := func(schedule oncall.ScheduleID, user oncall.UserID, from, to time.Time) *OverridePreview {
		return OverridePreviewOf(s, dir, dir.Schedules[schedule], oncall.Override{Schedule: schedule, User: user, From: from, To: to})
	}
	for _, tc := range []struct {
		name     string
		got      *OverridePreview
		sums     []string
		lines    int
		warnings []string
	}{
		{"a night and a morning", preview("infra", "ume", at(2, 3), at(2, 12)), []string{"梅: +1 shift (6 h)", "竹: −6 h", "Nobody else changes."}, 2, []string{"They are on duty on the schedule office at the same time."}},
		{"their own shift", preview("infra", "ume", at(2, 10), at(2, 11)), []string{"Nothing changes: they have all of it already."}, 1, nil},
		{"a gap", preview("office", "take", at(5, 10), at(5, 12)), []string{"竹: +1 shift (2 h)", "Nobody else changes."}, 1, []string{"They are on duty on the schedule infra at the same time."}},
		{"over another override", preview("infra", "take", evening().Add(25*time.Hour), evening().Add(26*time.Hour)), []string{"竹: +1 shift (1 h)", "梅: −1 h", "Nobody else changes."}, 1, []string{"There is another override in this span. The later one wins."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.sums, tc.got.Sums); diff != "" {
				t.Errorf("sums (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, tc.got.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if len(tc.got.Lines) != tc.lines {
				t.Errorf("got %d lines, want %d: %+v", len(tc.got.Lines), tc.lines, tc.got.Lines)
			}
		})
	}
}

func TestAFormNeverBeginsBeforeWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	tokyo := zone(t, "Asia/Tokyo")
	for at, want := range map[time.Time]string{
		evening(): "2026-11-20T20:02", evening().Add(time.Millisecond): "2026-11-20T20:03", evening().Add(59 * time.Second): "2026-11-20T20:03",
	} {
		if got := local(at, tokyo); got != want {
			t.Errorf("local(%s) = %s, want %s", at, got, want)
		}
	}
}
