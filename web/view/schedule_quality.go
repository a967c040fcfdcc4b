package view

import (
	"cmp"
	"slices"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// doubles are those who are on duty on this schedule and on another at the same
// time in [from, until) (R34).
func doubles(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, from, until time.Time) []DoubleRow {
	var rows []DoubleRow
	own := schedule.Shifts(dir, from, until)
	for _, id := range sortedKeys(dir.Schedules) {
		if id == schedule.ID || !shares(dir, schedule, dir.Schedules[id]) {
			continue
		}
		by := map[oncall.UserID][]GapRow{}
		for _, both := range overlaps(own, dir.Schedules[id].Shifts(dir, from, until)) {
			by[both.User] = append(by[both.User], GapRow{From: both.From, To: both.To})
		}
		for _, user := range sortedKeys(by) {
			rows = append(rows, DoubleRow{
				Who:  i18n.Names{Directory: dir}.User(i18n.In(s.Lang), user),
				With: Tab{Label: string(id), Path: SchedulePath(id)}, Spans: by[user],
			})
		}
	}
	return rows[:min(len(rows), mostListed)]
}

// shares reports whether somebody stands on both schedules: where nobody does,
// nothing has to be worked out.
func shares(dir *oncall.Directory, a, b *oncall.Schedule) bool {
	on := map[oncall.UserID]bool{}
	each := func(s *oncall.Schedule, f func(oncall.UserID)) {
		for _, layer := range s.Layers {
			for _, u := range layer.Users {
				f(u)
			}
		}
		for i := range dir.Overrides {
			if dir.Overrides[i].Schedule == s.ID {
				f(dir.Overrides[i].User)
			}
		}
	}
	each(a, func(u oncall.UserID) { on[u] = true })
	both := false
	each(b, func(u oncall.UserID) { both = both || on[u] })
	return both
}

// gapsOf are the gaps of a schedule in [from, until); one with a layer that
// always applies has none.
func gapsOf(dir *oncall.Directory, schedule *oncall.Schedule, from, until time.Time) []oncall.Gap {
	for i := range schedule.Layers {
		if schedule.Layers[i].During == nil && len(schedule.Layers[i].Users) > 0 {
			return nil
		}
	}
	return schedule.Gaps(dir, from, until)
}

// overlaps are the spans in which the same user has a shift in both lists, each
// in order of time.
func overlaps(a, b []oncall.Shift) []oncall.Shift {
	var all []oncall.Shift
	for i, j := 0, 0; i < len(a) && j < len(b); {
		from, to := latest(a[i].From, b[j].From), earliest(a[i].To, b[j].To)
		if from.Before(to) && a[i].User == b[j].User {
			if n := len(all); n > 0 && all[n-1].To.Equal(from) && all[n-1].User == a[i].User {
				all[n-1].To = to
			} else {
				all = append(all, oncall.Shift{User: a[i].User, From: from, To: to})
			}
		}
		if a[i].To.Before(b[j].To) {
			i++
		} else {
			j++
		}
	}
	return all
}

// night and noon are the hours at which somebody counts as on duty for the night
// or the day.
const (
	night = 3
	noon  = 12
)

// loads are the nights and weekends of each person in [from, until), who has most
// first.
func loads(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, me oncall.UserID, from, until time.Time) []LoadRow {
	zone := schedule.Location()
	type load struct {
		LoadRow
		on time.Duration
	}
	by := map[oncall.UserID]*load{}
	of := func(u oncall.UserID) *load {
		if by[u] == nil {
			by[u] = &load{LoadRow: LoadRow{Who: i18n.Names{Directory: dir}.User(i18n.In(s.Lang), u), Mine: u == me && me != ""}}
		}
		return by[u]
	}
	for _, layer := range schedule.Layers {
		for _, u := range layer.Users {
			of(u) // who has nothing to do is part of the balance, too
		}
	}
	var last oncall.Shift
	for _, x := range schedule.Shifts(dir, from, until) {
		l := of(x.User)
		if !last.To.Equal(x.From) || last.User != x.User { // of two layers, but one shift to who has it
			l.Shifts++
		}
		last = x
		l.on += x.To.Sub(x.From)
		l.Nights += times(x.From, x.To, zone, night, func(time.Weekday) bool { return true })
		l.Weekends += times(x.From, x.To, zone, noon, func(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday })
	}
	var rows []LoadRow
	for _, id := range sortedKeys(by) {
		l := by[id]
		l.Hours = int(l.on.Round(time.Hour) / time.Hour)
		rows = append(rows, l.LoadRow)
	}
	slices.SortStableFunc(rows, func(a, b LoadRow) int { return cmp.Or(b.Nights-a.Nights, b.Hours-a.Hours) })
	return rows
}

// times is how often the clock of zone strikes hour in [from, to) on days that
// count.
func times(from, to time.Time, zone *time.Location, hour int, counts func(time.Weekday) bool) int {
	day := from.In(zone)
	n := 0
	for i := 0; ; i++ {
		at := time.Date(day.Year(), day.Month(), day.Day()+i, hour, 0, 0, 0, zone)
		if !at.Before(to) {
			return n
		}
		if !at.Before(from) && counts(at.Weekday()) {
			n++
		}
	}
}
