package oncall

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Zones whose clocks do something unusual: by half an hour (Lord Howe), at
// midnight (Santiago, Asuncion, Cairo, the Azores), back over midnight (St.
// John's), for Ramadan (Casablanca), by a whole day (Apia); and some that never
// do anything.
var oddZones = []string{
	"UTC", "Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Santiago",
	"America/Asuncion", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo", "Atlantic/Azores", "America/St_Johns",
}

func drawZone(t *rapid.T) *time.Location {
	loc, err := LoadZone(rapid.SampledFrom(oddZones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// drawInstant prefers the neighbourhood of a change of clocks.
func drawInstant(t *rapid.T, loc *time.Location) time.Time {
	from := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	at := time.Unix(from+rapid.Int64Range(0, 25*366*secondsPerDay).Draw(t, "at"), 0).In(loc)
	if _, end := at.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "near a change") {
		at = end.Add(time.Duration(rapid.IntRange(-36*60, 36*60).Draw(t, "minutes from the change")) * time.Minute)
	}
	return at
}

func drawDays(t *rapid.T) DaySet {
	var d DaySet
	for i := range d.Weekdays {
		d.Weekdays[i] = rapid.Bool().Draw(t, "weekday")
	}
	d.Working = rapid.Bool().Draw(t, "working")
	if rapid.Bool().Draw(t, "holidays") {
		d.Holidays = Japan
	}
	return d
}

func drawSpan(t *rapid.T) Span {
	clock := rapid.Custom(func(t *rapid.T) Clock { return Clock(5 * rapid.IntRange(0, 288).Draw(t, "clock")) })
	return Span{Days: drawDays(t), From: clock.Draw(t, "from"), To: clock.Draw(t, "to")}
}

func drawRotation(t *rapid.T) *Rotation {
	at := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 6000).Draw(t, "from"))
	return &Rotation{
		Every:   rapid.IntRange(1, 5).Draw(t, "every"),
		Unit:    rapid.SampledFrom([]Unit{Hour, Day, Week, Month}).Draw(t, "unit"),
		From:    Date{at.Year(), at.Month(), at.Day()},
		Handoff: Clock(rapid.IntRange(0, 1439).Draw(t, "handoff")),
	}
}

func drawSchedule(t *rapid.T, loc *time.Location) *Schedule {
	s := &Schedule{ID: "s", Zone: loc.String(), Holidays: rapid.SampledFrom([]string{"", Japan}).Draw(t, "country")}
	for i := range rapid.IntRange(0, 3).Draw(t, "layers") {
		l := Layer{Name: string(rune('a' + i))}
		l.Users = rapid.SliceOfN(rapid.SampledFrom([]UserID{"ann", "ben", "cho", "dan"}), 0, 4).Draw(t, "users")
		if rapid.Bool().Draw(t, "rotates") {
			l.Rotate = drawRotation(t)
		}
		if rapid.Bool().Draw(t, "restricted") {
			l.During = rapid.SliceOfN(rapid.Custom(drawSpan), 0, 3).Draw(t, "during")
		}
		s.Layers = append(s.Layers, l)
	}
	return s
}

func drawOverrides(t *rapid.T, near time.Time) []Override {
	minutes := rapid.IntRange(-5*24*60, 5*24*60)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Override {
		from := near.Add(time.Duration(minutes.Draw(t, "override from")) * time.Minute)
		return Override{
			Schedule: rapid.SampledFrom([]ScheduleID{"s", "s", "other"}).Draw(t, "schedule"), User: "eve",
			From: from, To: from.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "override minutes")) * time.Minute),
		}
	}), 0, 3).Draw(t, "overrides")
}

// Every question has one answer, whichever way it is asked: shifts and gaps
// tile the time, and OnDuty at any instant is the shift that contains it.
func TestR31_ShiftsAndGapsTileTheTimeAndAgreeWithOnDuty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		from := drawInstant(t, loc).Add(-48 * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(1, 10*24*60).Draw(t, "length")) * time.Minute)
		s := drawSchedule(t, loc)
		d := &Directory{Schedules: map[ScheduleID]*Schedule{s.ID: s}, Overrides: drawOverrides(t, from.Add(48*time.Hour))}
		if rapid.Bool().Draw(t, "compiled") {
			if err := d.Compile(); err != nil {
				t.Fatal(err)
			}
		}

		shifts := s.Shifts(d, from, to)
		tiles := slices.Clone(shifts)
		for _, g := range s.Gaps(d, from, to) {
			tiles = append(tiles, Shift{From: g.From, To: g.To})
		}
		slices.SortFunc(tiles, func(a, b Shift) int { return a.From.Compare(b.From) })
		at := from
		for _, tile := range tiles {
			if !tile.From.Equal(at) || !tile.To.After(tile.From) {
				t.Fatalf("got a tile %v, want one from %s", tile, at)
			}
			at = tile.To
		}
		if !at.Equal(to) {
			t.Fatalf("tiles end at %s, want %s", at, to)
		}

		for range 20 {
			ask := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))-1).Draw(t, "ask")))
			i := slices.IndexFunc(tiles, func(tile Shift) bool { return !ask.Before(tile.From) && ask.Before(tile.To) })
			users, until := s.OnDuty(d, ask)
			got := UserID("")
			if len(users) > 0 {
				got = users[0]
			}
			if got != tiles[i].User {
				t.Fatalf("on duty at %s = %q, want that of %v", ask, got, tiles[i])
			}
			// The answer changes where the next tile with another user begins.
			want := time.Time{}
			for _, tile := range tiles[i:] {
				if tile.User != got {
					want = tile.From
					break
				}
			}
			if !want.IsZero() && !until.Equal(want) {
				t.Fatalf("until at %s = %s, want %s", ask, until, want)
			}
			if want.IsZero() && !until.IsZero() && until.Before(to) {
				t.Fatalf("until at %s = %s, want not before %s", ask, until, to)
			}
		}
	})
}

// The oracle knows only the clock on the wall: whoever reads a time inside the
// span on it is inside, whatever clocks did before. The other way round holds
// where clocks are left alone.
func TestR31_HoursAreWhatTheClockOnTheWallSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		at := drawInstant(t, loc)
		span := drawSpan(t)
		h := &Hours{Zone: loc.String(), During: []Span{span}}

		clock := Clock(at.Hour()*60 + at.Minute())
		day := func(d time.Time) bool {
			return span.Days.has(Date{d.Year(), d.Month(), d.Day()}.days(), "")
		}
		today := time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, time.UTC)
		var want bool
		if span.From < span.To {
			want = day(today) && span.From <= clock && clock < span.To
		} else {
			want = day(today) && span.From <= clock || day(today.AddDate(0, 0, -1)) && clock < span.To
		}
		start, end := at.ZoneBounds()
		calm := (start.IsZero() || at.Sub(start) > 50*time.Hour) && (end.IsZero() || end.Sub(at) > 50*time.Hour)
		if got := h.Contains(at); got != want && (want || calm) {
			t.Fatalf("%v contains %s = %t, want %t", span, at, got, want)
		}
	})
}

// Next is the first instant inside: nothing between lies inside, and just
// before it is outside.
func TestHoursBeginNextAtTheFirstInstantInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		at := drawInstant(t, loc)
		h := &Hours{Zone: loc.String(), Holidays: Japan, During: rapid.SliceOfN(rapid.Custom(drawSpan), 0, 3).Draw(t, "during")}
		next := h.Next(at)
		switch {
		case h.Contains(at):
			if !next.Equal(at) {
				t.Fatalf("Next(%s) = %s, want itself", at, next)
			}
			return
		case next.IsZero():
			next = at.AddDate(1, 0, 0)
		case !h.Contains(next):
			t.Fatalf("Next(%s) = %s, which is outside", at, next)
		case h.Contains(next.Add(-time.Second)):
			t.Fatalf("Next(%s) = %s, but a second before is inside too", at, next)
		}
		for range 20 {
			between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
			if h.Contains(between) {
				t.Fatalf("Next(%s) = %s, but %s is inside", at, next, between)
			}
		}
	})
}

// The k-th hand-over is k turns of the calendar after the first, at the same
// time on the wall, whatever the zone does with its clocks in between.
func TestR31_DutyChangesExactlyAtTheHandOver(t *testing.T) {
	t.Parallel()
	users := []UserID{"ann", "ben", "cho"}
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		r := drawRotation(t)
		r.From.Day = min(r.From.Day, 28) // AddDate carries over where a turn of ours ends with the month
		k := rapid.IntRange(-200, 300).Draw(t, "k")

		wall := time.Date(r.From.Year, r.From.Month, r.From.Day, 0, int(r.Handoff), 0, 0, time.UTC)
		switch r.Unit {
		case Hour:
			wall = wall.Add(time.Duration(k*r.Every) * time.Hour)
		case Day:
			wall = wall.AddDate(0, 0, k*r.Every)
		case Week:
			wall = wall.AddDate(0, 0, 7*k*r.Every)
		case Month:
			wall = wall.AddDate(0, k*r.Every, 0)
		}
		at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, loc)
		start, end := at.ZoneBounds()
		if !start.IsZero() && at.Sub(start) < 26*time.Hour || !end.IsZero() && end.Sub(at) < 26*time.Hour {
			return // a change of clocks: the table test's
		}
		s := rotating(loc.String(), *r, users...)
		user := func(k int) UserID { return users[(k%3+3)%3] }
		if got, _ := s.OnDuty(nil, at); got[0] != user(k) {
			t.Fatalf("at hand-over %d (%s): %s, want %s", k, at, got, user(k))
		}
		got, until := s.OnDuty(nil, at.Add(-time.Second))
		if got[0] != user(k-1) {
			t.Fatalf("a second before hand-over %d (%s): %s, want %s", k, at, got, user(k-1))
		}
		if !until.Equal(at) {
			t.Fatalf("a second before hand-over %d the shift ends at %s, want %s", k, until, at)
		}
	})
}

// An unrestricted layer covers every instant exactly once.
func TestR31_AnUnrestrictedLayerHasNoGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		s := rotating(loc.String(), *drawRotation(t), "ann", "ben", "cho")
		from := drawInstant(t, loc).Add(-72 * time.Hour)
		if gaps := s.Gaps(nil, from, from.AddDate(0, 0, 10)); gaps != nil {
			t.Fatalf("gaps = %v", gaps)
		}
	})
}

func TestR30_AnOverrideChangesNothingOutsideItsSpan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		at := drawInstant(t, loc)
		s := drawSchedule(t, loc)
		d := &Directory{Overrides: drawOverrides(t, at)}
		covered := slices.ContainsFunc(d.Overrides, func(o Override) bool {
			return o.Schedule == s.ID && !at.Before(o.From) && at.Before(o.To)
		})
		with, _ := s.OnDuty(d, at)
		without, _ := s.OnDuty(nil, at)
		if covered {
			without = []UserID{"eve"}
		}
		if !slices.Equal(with, without) {
			t.Fatalf("on duty at %s = %v, want %v", at, with, without)
		}
	})
}

// What a wall-clock time begins and ends at, against a search minute by minute.
func TestR31_WallClockTimesAgainstASearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := drawZone(t)
		at := drawInstant(t, loc).Unix() / 60 * 60
		w := newZone(loc).wall(at)
		l := w.local(at) + int64(rapid.IntRange(-120, 120).Draw(t, "minutes"))*60

		var occurs []int64
		var gap int64
		was := time.Unix(l-30*3600, 0).In(loc)
		for m := l - 30*3600; m <= l+30*3600; m += 60 {
			now := time.Unix(m, 0).In(loc)
			_, off := now.Zone()
			_, before := was.Zone()
			if m+int64(off) == l {
				occurs = append(occurs, m)
			}
			if m-60+int64(before) < l && m+int64(off) > l {
				gap = m
			}
			was = now
		}
		begin, end := w.begin(l), w.end(l)
		if len(occurs) == 0 {
			occurs = []int64{gap}
		}
		if begin != occurs[0] || end != occurs[len(occurs)-1] {
			t.Fatalf("%s: begins at %d and ends at %d, want %v", time.Unix(l, 0).UTC(), begin, end, occurs)
		}
	})
}
