package web

import (
	"slices"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/web/view"
)

// ownShift is a time for which a user is on duty on a schedule.
type ownShift struct {
	schedule oncall.ScheduleID
	shift    oncall.Shift
}

// ownShifts are the shifts of a user from now on, on all schedules, the earliest
// first. A shift that began earlier keeps its end alone: it begins now.
func ownShifts(dir *oncall.Directory, user oncall.UserID, from, to time.Time) []ownShift {
	var all []ownShift
	for id, schedule := range dir.Schedules {
		if !takesPart(dir, schedule, user) {
			continue
		}
		for _, shift := range schedule.Shifts(dir, from, to) {
			if shift.User != user {
				continue
			}
			if n := len(all); n > 0 && all[n-1].schedule == id && all[n-1].shift.To.Equal(shift.From) && all[n-1].shift.Override == shift.Override {
				all[n-1].shift.To = shift.To // another layer, the same duty
				continue
			}
			all = append(all, ownShift{id, shift})
		}
	}
	slices.SortStableFunc(all, func(a, b ownShift) int {
		if c := a.shift.From.Compare(b.shift.From); c != 0 {
			return c
		}
		if a.schedule < b.schedule {
			return -1
		}
		return 1
	})
	return all
}

// takesPart reports whether a user stands on a schedule at all.
func takesPart(dir *oncall.Directory, schedule *oncall.Schedule, user oncall.UserID) bool {
	if slices.ContainsFunc(schedule.Layers, func(l oncall.Layer) bool { return slices.Contains(l.Users, user) }) {
		return true
	}
	return slices.ContainsFunc(dir.Overrides, func(o oncall.Override) bool { return o.Schedule == schedule.ID && o.User == user })
}

// lookAhead is how far the next shift is looked for.
const lookAhead = 60 * 24 * time.Hour

// duty is the sentence about the reader's own duty; "" for who never has any.
func (s *request) duty() string {
	user := s.who.User
	if user == "" || s.dir.Users[user] == nil {
		return ""
	}
	p := i18n.In(s.lang)
	when := func(t time.Time) string { return view.Absolute(s.lang, t, s.zone, s.zone) }
	shifts := ownShifts(s.dir, user, s.now, s.now.Add(lookAhead))
	if len(shifts) == 0 {
		return ""
	}
	first := shifts[0]
	if first.shift.From.After(s.now) {
		return s.t("duty.next", "schedule", string(first.schedule), "from", when(first.shift.From))
	}
	until := first.shift.To
	names := []string{string(first.schedule)}
	for _, other := range shifts[1:] {
		if !other.shift.From.After(s.now) && !slices.Contains(names, string(other.schedule)) {
			names = append(names, string(other.schedule))
			if other.shift.To.Before(until) {
				until = other.shift.To
			}
		}
	}
	if backup := backupOf(s.dir, first.schedule, user, s.now); backup != "" {
		return s.t("duty.now.backup", "schedule", p.List(names), "until", when(until), "user", s.names().User(p, backup))
	}
	return s.t("duty.now", "schedule", p.List(names), "until", when(until))
}

// backupOf is who is asked next when the user on duty does not answer: by the
// first policy that pages the schedule, "" when that can't be said.
func backupOf(dir *oncall.Directory, schedule oncall.ScheduleID, user oncall.UserID, at time.Time) oncall.UserID {
	names := make([]oncall.PolicyID, 0, len(dir.Policies))
	for id := range dir.Policies {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, id := range names {
		policy := dir.Policies[id]
		for i, level := range policy.Levels {
			if !slices.Contains(level.Targets, oncall.Target{Kind: oncall.TargetSchedule, Name: string(schedule)}) {
				continue
			}
			targets := append(slices.Clone(level.Targets), slices.Concat(targetsOf(policy.Levels[i+1:])...)...)
			for _, target := range append(targets, policy.Fallback) {
				if next := whoIs(dir, target, at); next != "" && next != user {
					return next
				}
			}
			return ""
		}
	}
	return ""
}

func targetsOf(levels []oncall.Level) (all [][]oncall.Target) {
	for _, l := range levels {
		all = append(all, l.Targets)
	}
	return all
}

// whoIs is whom a target means at a time.
func whoIs(dir *oncall.Directory, t oncall.Target, at time.Time) oncall.UserID {
	switch t.Kind {
	case oncall.TargetUser:
		return oncall.UserID(t.Name)
	case oncall.TargetSchedule:
		if schedule := dir.Schedules[oncall.ScheduleID(t.Name)]; schedule != nil {
			if users, _ := schedule.OnDuty(dir, at); len(users) > 0 {
				return users[0]
			}
		}
	}
	return ""
}
