package view

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// ScheduleRow is a schedule in the list.
type ScheduleRow struct {
	Name, Path string
	Who        []string // on duty now; none = a gap
	Mine       bool
	Until      time.Time
	Next       []string
	Gaps       int // in the next 90 days
	Origin     Origin
}

// Schedule is one schedule over a span of time.
type Schedule struct {
	ID        oncall.ScheduleID
	Origin    Origin
	Zone      *time.Location
	Now       ScheduleRow
	Views     []Tab
	View      string // "week", "2weeks" or "month"
	From, To  time.Time
	Back, On  string // paths of the span before and after
	Today     string
	Calendar  Calendar
	Overrides []OverrideRow
	Gaps      []GapRow
	Doubles   []DoubleRow
	Loads     []LoadRow
	MayChange bool
}

// OverrideRow is an override that has not ended.
type OverrideRow struct {
	ID       string
	Who, By  string
	From, To time.Time
	Reason   string
}

// GapRow is a span without anybody on duty.
type GapRow struct {
	From, To time.Time
	Path     string // to fill it
}

// DoubleRow is somebody who is on duty on two schedules at the same time: how
// often, and when first.
type DoubleRow struct {
	Who   string
	With  Tab // the other schedule
	Spans []GapRow
}

// LoadRow is what a schedule asks of one person.
type LoadRow struct {
	Who      string
	Mine     bool
	Shifts   int
	Hours    int
	Nights   int // nights on duty at three by the schedule's clock
	Weekends int // Saturdays and Sundays on duty at noon
}

// daysAhead is how far gaps, double duties and the balance look (R34).
const daysAhead = 90

// ahead is from this minute to the end of a day by the schedule's clock: it says the
// same of one schedule until something changes, and cuts no shift of its last day.
func ahead(now time.Time, zone *time.Location) (from, until time.Time) {
	day := now.In(zone)
	return now.Truncate(time.Minute), time.Date(day.Year(), day.Month(), day.Day()+daysAhead+1, 0, 0, 0, 0, zone)
}

// mostListed bounds the lists beside a calendar, of which fewGaps are seen at
// once.
const (
	mostListed = 50
	fewGaps    = 5
	mostDrawn  = 250 // shifts in a calendar
)

// ScheduleRowsOf are all schedules with who is on duty at s.Now.
func ScheduleRowsOf(s Shell, dir *oncall.Directory, me oncall.UserID, origins map[string]Origin) []ScheduleRow {
	var rows []ScheduleRow
	for _, id := range sortedKeys(dir.Schedules) {
		rows = append(rows, scheduleRow(s, dir, dir.Schedules[id], me, origins[string(id)]))
	}
	return rows
}

func scheduleRow(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, me oncall.UserID, origin Origin) ScheduleRow {
	d := dutyOf{s: s, dir: dir, names: i18n.Names{Directory: dir}}
	users, until := schedule.OnDuty(dir, s.Now)
	now, later := ahead(s.Now, schedule.Location())
	row := ScheduleRow{
		Name: string(schedule.ID), Path: SchedulePath(schedule.ID), Who: d.said(users), Mine: me != "" && slices.Contains(users, me), Until: until,
		Gaps: len(gapsOf(dir, schedule, now, later)), Origin: origin,
	}
	if !until.IsZero() {
		next, _ := schedule.OnDuty(dir, until)
		row.Next = d.said(next)
	}
	return row
}

// ScheduleOf is a schedule from that day on, for a week, two or a month. A day is
// one of the reader's calendar.
func ScheduleOf(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, me oncall.UserID, kind string, from time.Time, origin Origin) Schedule {
	zone := schedule.Location()
	begin, end, back := span(kind, from.In(s.Location()))
	if kind != "week" && len(schedule.Shifts(dir, begin, end)) > mostDrawn {
		kind = "week" // of hourly turns a month would be a wall
		begin, end, back = span(kind, from.In(s.Location()))
	}
	out := Schedule{
		ID: schedule.ID, Origin: origin, Zone: zone, Now: scheduleRow(s, dir, schedule, me, origin), View: kind, From: begin, To: end, MayChange: s.Acts(),
	}
	path := SchedulePath(schedule.ID)
	at := func(kind string, day time.Time) string {
		return path + "?" + url.Values{"view": {kind}, "from": {day.Format(time.DateOnly)}}.Encode()
	}
	for _, k := range []string{"week", "2weeks", "month"} {
		out.Views = append(out.Views, Tab{Label: s.T("schedule.view." + k), Path: at(k, begin), Active: k == kind})
	}
	out.Back, out.On, out.Today = at(kind, back), at(kind, end), path+"?view="+kind
	out.Calendar = calendarOf(s, dir, schedule, me, begin, end, out.MayChange)
	names := i18n.Names{Directory: dir}
	p := i18n.In(s.Lang)
	for _, o := range dir.Overrides {
		if o.Schedule == schedule.ID && o.To.After(s.Now) && len(out.Overrides) < mostListed {
			row := OverrideRow{ID: o.ID, Who: names.User(p, o.User), From: o.From, To: o.To, Reason: o.Reason}
			if o.By != "" {
				row.By = names.Actor(p, string(o.By))
			}
			out.Overrides = append(out.Overrides, row)
		}
	}
	now, until := ahead(s.Now, zone)
	for _, gap := range gapsOf(dir, schedule, now, until) {
		if len(out.Gaps) < mostListed {
			out.Gaps = append(out.Gaps, GapRow{From: gap.From, To: gap.To, Path: OverridePath(schedule, zone, "", latest(gap.From, s.Now), gap.To)})
		}
	}
	out.Doubles = doubles(s, dir, schedule, now, until)
	out.Loads = loads(s, dir, schedule, me, now, until)
	return out
}

// span is what a view shows: the days from begin to end, and where the one
// before it begins.
func span(kind string, from time.Time) (begin, end, back time.Time) {
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, from.Location())
	if kind == "month" {
		begin = time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, day.Location())
		return begin, begin.AddDate(0, 1, 0), begin.AddDate(0, -1, 0)
	}
	days := 7
	if kind == "2weeks" {
		days = 14
	}
	begin = day.AddDate(0, 0, -(int(day.Weekday())+6)%7) // from Monday on
	return begin, begin.AddDate(0, 0, days), begin.AddDate(0, 0, -days)
}

// OverridePath leads to the form for that span, by the schedule's clock; user ""
// leaves open who it is.
func OverridePath(schedule *oncall.Schedule, zone *time.Location, user oncall.UserID, from, to time.Time) string {
	q := url.Values{"from": {local(from, zone)}, "to": {local(to, zone)}}
	if user != "" {
		q.Set("user", string(user))
	}
	return SchedulePath(schedule.ID) + "/override?" + q.Encode()
}

// local is a moment as a form has it. What would fall between two minutes is
// carried to the next, so that a span never begins before what it was made of.
func local(t time.Time, zone *time.Location) string {
	return t.In(zone).Add(time.Minute - time.Nanosecond).Truncate(time.Minute).Format("2006-01-02T15:04")
}

// calendarOf draws a schedule as lanes: who is really on duty, then what that
// comes from. A reader in another zone sees the schedule's days as a row of
// their own.
func calendarOf(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, me oncall.UserID, from, to time.Time, change bool) Calendar {
	zone := schedule.Location()
	tones := map[oncall.UserID]int{}
	for _, layer := range schedule.Layers {
		for _, u := range layer.Users {
			if _, ok := tones[u]; !ok {
				tones[u] = len(tones)
			}
		}
	}
	l := lanesOf{s: s, names: i18n.Names{Directory: dir}, tones: tones, me: me}
	c := Calendar{
		ID: "calendar", From: from, To: to, Zone: s.Location(),
		Title: s.T("schedule.calendar", "name", string(schedule.ID), "from", Date(s.Lang, from, true), "to", Date(s.Lang, to.AddDate(0, 0, -1), true)),
	}
	final := Lane{Label: s.T("schedule.final"), Final: true, Shifts: l.shifts(schedule.Shifts(dir, from, to))}
	for _, gap := range schedule.Gaps(dir, from, to) {
		final.Shifts = append(final.Shifts, Shift{From: gap.From, To: gap.To, Gap: true})
	}
	slices.SortFunc(final.Shifts, func(a, b Shift) int { return a.From.Compare(b.From) })
	if change {
		for i := range final.Shifts {
			if x := &final.Shifts[i]; x.To.After(s.Now) {
				begin, end := wholeShift(dir, schedule, s.Now, *x, from, to)
				x.Path = OverridePath(schedule, zone, me, latest(begin, s.Now), end)
			}
		}
	}
	c.Lanes = append(c.Lanes, final)
	if lane := l.overrides(dir, schedule, from, to); len(lane.Shifts) > 0 {
		c.Lanes = append(c.Lanes, lane)
	}
	for i, layer := range slices.Backward(schedule.Layers) {
		alone := &oncall.Schedule{Zone: schedule.Zone, Holidays: schedule.Holidays, Layers: []oncall.Layer{layer}}
		label := layer.Name
		if label == "" {
			label = s.T("schedule.layer", "n", strconv.Itoa(i+1))
		}
		c.Lanes = append(c.Lanes, Lane{Label: label, Shifts: l.shifts(alone.Shifts(nil, from, to))})
	}
	if foreign(from.In(zone), s.Location()) || foreign(to.In(zone), s.Location()) {
		c.Lanes = append(c.Lanes, zoneLane(s, zone, from, to))
	}
	return c
}

// wholeShift is a span of a calendar as it is, where the calendar's ends cut it:
// whoever takes a shift takes all that is left of it at now, not what is in view.
// What goes on for more than daysAhead beyond the view is taken as it is seen.
func wholeShift(dir *oncall.Directory, schedule *oncall.Schedule, now time.Time, x Shift, begin, end time.Time) (from, to time.Time) {
	from, to = x.From, x.To
	at := func(t time.Time) oncall.UserID {
		if users, _ := schedule.OnDuty(dir, t); len(users) > 0 {
			return users[0]
		}
		return ""
	}
	user := at(from)
	if to.Equal(end) && at(end) == user {
		if _, until := schedule.OnDuty(dir, end); !until.IsZero() && !until.After(end.AddDate(0, 0, daysAhead)) {
			to = until
		}
	}
	if from.Equal(begin) && begin.After(now) {
		before := spansOf(dir, schedule, latest(now, begin.AddDate(0, 0, -daysAhead)), begin)
		if n := len(before); n > 0 && before[n-1].User == user {
			from = before[n-1].From
		}
	}
	return from, to
}

// zoneLane is a row of the days of another zone.
func zoneLane(s Shell, zone *time.Location, from, to time.Time) Lane {
	lane := Lane{Label: zone.String()}
	at := from.In(zone)
	for n := 0; ; n++ {
		begin := time.Date(at.Year(), at.Month(), at.Day()+n, 0, 0, 0, 0, zone)
		if !begin.Before(to) {
			return lane
		}
		end := time.Date(at.Year(), at.Month(), at.Day()+n+1, 0, 0, 0, 0, zone)
		lane.Shifts = append(lane.Shifts, Shift{From: latest(begin, from), To: earliest(end, to), Who: Date(s.Lang, begin, false)})
	}
}

type lanesOf struct {
	s     Shell
	names i18n.Names
	tones map[oncall.UserID]int
	me    oncall.UserID
}

func (l lanesOf) shifts(all []oncall.Shift) []Shift {
	var spans []Shift
	for _, x := range all {
		one := Shift{From: x.From, To: x.To, Who: l.names.User(i18n.In(l.s.Lang), x.User), Tone: l.tones[x.User], Mine: x.User == l.me && l.me != ""}
		if x.Override {
			one.Note = l.s.T("schedule.override")
		}
		spans = append(spans, one)
	}
	return spans
}

func (l lanesOf) overrides(dir *oncall.Directory, schedule *oncall.Schedule, from, to time.Time) Lane {
	lane := Lane{Label: l.s.T("schedule.overrides")}
	for _, o := range dir.Overrides {
		if o.Schedule == schedule.ID && o.From.Before(to) && o.To.After(from) {
			lane.Shifts = append(lane.Shifts, Shift{
				From: latest(o.From, from), To: earliest(o.To, to), Who: l.names.User(i18n.In(l.s.Lang), o.User), Note: o.Reason,
				Tone: l.tones[o.User], Mine: o.User == l.me && l.me != "",
			})
		}
	}
	slices.SortFunc(lane.Shifts, func(a, b Shift) int { return a.From.Compare(b.From) })
	return lane
}
