package view

import (
	"strings"
	"testing"
	"time"
)

func TestADayOfTwentyFiveHoursIsOneDay(t *testing.T) {
	t.Parallel()
	york := zone(t, "America/New_York")
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, york)
	}
	c := Calendar{ID: "c", Zone: york, From: at(10, 31, 0), To: at(11, 3, 0), Lanes: []Lane{
		{Label: "layer"},
		{Label: "final", Final: true, Shifts: []Shift{
			{From: at(10, 30, 9), To: at(11, 1, 9), Who: "ann"}, {From: at(11, 1, 9), To: at(11, 3, 9), Who: "ben"},
		}},
	}}
	days := c.Days()
	var got []string
	for _, day := range days {
		line := day.Date.Format("2")
		for _, shift := range day.Shifts {
			line += " " + shift.Who + hours(shift, day.Date, york)
		}
		got = append(got, line)
	}
	want := "31 ann, 1 ann00:00–09:00 ben09:00–24:00, 2 ben"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got %q, want %q", s, want)
	}
	if rows := c.weeks(); len(rows) != 2 || !rows[0][4].Date.IsZero() || rows[0][5].Date.Day() != 31 || rows[1][0].Date.Day() != 2 {
		t.Errorf("weeks: got %v, want Saturday the 31st in the first and Monday the 2nd in the second", rows)
	}
}

func TestACalendarWithoutSenseIsDrawnEmpty(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]Calendar{
		"nothing":   {},
		"backwards": {From: now, To: now.Add(-time.Hour), Lanes: []Lane{{Shifts: []Shift{{From: now, To: now.Add(time.Hour), Who: "ann"}}}}},
		"for ever":  {From: now, To: now.AddDate(100, 0, 0)},
		"outside":   {From: now, To: now.Add(time.Hour), Lanes: []Lane{{Shifts: []Shift{{From: now.Add(2 * time.Hour), To: now.Add(3 * time.Hour)}}}}},
	} {
		for _, component := range []func() error{
			func() error { return Lanes(Shell{Now: now}, c).Render(t.Context(), &strings.Builder{}) },
			func() error { return Agenda(Shell{Now: now}, c).Render(t.Context(), &strings.Builder{}) },
			func() error { return Month(Shell{Now: now}, c).Render(t.Context(), &strings.Builder{}) },
		} {
			if err := component(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestADrawingSaysInWordsWhatItShows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	c := Calendar{ID: "c", Title: `Who <is> "on"`, From: now.Add(-time.Hour), To: now.Add(23 * time.Hour), Lanes: []Lane{{Label: "a&b", Shifts: []Shift{
		{From: now.Add(-time.Hour), To: now.Add(time.Hour), Who: "<script>", Mine: true, Note: "instead of ann"},
		{From: now.Add(time.Hour), To: now.Add(23 * time.Hour), Gap: true},
	}}}}
	var b strings.Builder
	if err := drawing(Shell{Lang: "en", Now: now}, c).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`role="img"`, `<title>Who &lt;is&gt; &#34;on&#34;</title>`, `a&amp;b`, `class="now-line"`,
		`<title>&lt;script&gt; · Fri 20 Nov 02:00 – Fri 20 Nov 04:00 · your shift · instead of ann</title>`,
		`<title>nobody · Fri 20 Nov 04:00 – Sat 21 Nov 02:00</title>`, `class="shift gap"`, `fill="url(#hatch-c)"`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the drawing lacks %s:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "style=") || strings.Contains(b.String(), "<script>") {
		t.Errorf("got %s", b.String())
	}
}
