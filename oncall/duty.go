package oncall

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// OwnShift is a time for which a user is on duty on a schedule.
type OwnShift struct {
	Schedule ScheduleID
	Shift
}

// ShiftsOf returns when a user is on duty in [from, to), on all schedules, the
// earliest first, cut at both ends. Duty that goes on in another layer is one
// shift.
func (d *Directory) ShiftsOf(user UserID, from, to time.Time) []OwnShift {
	var all []OwnShift
	for id, schedule := range d.Schedules {
		if !d.takesPart(schedule, user) {
			continue
		}
		for _, shift := range schedule.Shifts(d, from, to) {
			if shift.User != user {
				continue
			}
			if n := len(all); n > 0 && all[n-1].Schedule == id && all[n-1].To.Equal(shift.From) && all[n-1].Override == shift.Override {
				all[n-1].To = shift.To
				continue
			}
			all = append(all, OwnShift{id, shift})
		}
	}
	slices.SortStableFunc(all, func(a, b OwnShift) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Schedule, b.Schedule))
	})
	return all
}

// takesPart reports whether a user stands on a schedule at all.
func (d *Directory) takesPart(s *Schedule, user UserID) bool {
	if slices.ContainsFunc(s.Layers, func(l Layer) bool { return slices.Contains(l.Users, user) }) {
		return true
	}
	return slices.ContainsFunc(d.Overrides, func(o Override) bool { return o.Schedule == s.ID && o.User == user })
}

// NextHandover returns the first instant behind a time at which another user, or
// nobody, is on duty on any schedule; zero = none for a year or so.
func (d *Directory) NextHandover(behind time.Time) (at time.Time) {
	for _, s := range d.Schedules {
		_, until := s.OnDuty(d, behind)
		if !until.IsZero() && (at.IsZero() || until.Before(at)) {
			at = until
		}
	}
	return at
}

// MayPage returns the users whom p may page at one time or another, at most most
// of them, in the order of its levels.
func (d *Directory) MayPage(p *Policy, most int) []UserID {
	var all []UserID
	add := func(users ...UserID) {
		for _, id := range users {
			if d.Users[id] != nil && !slices.Contains(all, id) && len(all) < most {
				all = append(all, id)
			}
		}
	}
	for _, t := range p.targets() {
		switch t.Kind {
		case TargetUser:
			add(UserID(t.Name))
		case TargetSchedule:
			s := d.Schedules[ScheduleID(t.Name)]
			if s == nil {
				continue
			}
			for _, layer := range s.Layers {
				add(layer.Users...)
			}
			for _, o := range d.overrides(s.ID) {
				add(o.User)
			}
		}
	}
	return all
}

// targets are those of all levels, and the fallback.
func (p *Policy) targets() (all []Target) {
	for i := range p.Levels {
		all = append(all, p.Levels[i].Targets...)
	}
	return append(all, p.Fallback)
}

const (
	// backupWithin is how long after the user who is on duty somebody has to be
	// paged to be called their backup, and backupAmong how many policies are looked
	// at to find that out.
	backupWithin = 2 * time.Hour
	backupAmong  = 8
)

// Backup returns who is paged after a user who is on duty on a schedule and does
// not answer: whom the forecasts of incidents of high urgency name, one for each
// policy in use that pages the schedule. It is "" where they differ, where it
// depends on whose turn it is, and where nobody follows within two hours.
func (d *Directory) Backup(schedule ScheduleID, user UserID, at time.Time) (next UserID) {
	paging := map[PolicyID]*Service{}
	for _, s := range d.Services {
		p := d.Policies[s.Policy]
		if p != nil && paging[p.ID] == nil && slices.Contains(p.targets(), Target{Kind: TargetSchedule, Name: string(schedule)}) {
			paging[p.ID] = s
		}
	}
	if len(paging) > backupAmong {
		return ""
	}
	for _, id := range slices.Sorted(maps.Keys(paging)) {
		one := d.pagedAfter(paging[id], user, at)
		if one == "" || next != "" && one != next {
			return ""
		}
		next = one
	}
	return next
}

// pagedAfter is who is paged first after user for an incident of a service, ""
// when nobody is, or when it depends on whose turn it is.
func (d *Directory) pagedAfter(s *Service, user UserID, at time.Time) UserID {
	p := d.Policies[s.Policy]
	inc := &Incident{Service: s.ID, State: Triggered, Urgency: High, TriggeredAt: at, Epoch: 1, Count: 1}
	until := at.Add(min(max(s.PageAfter, 0), maxWait) + backupWithin)
	before := true
	for _, step := range Forecast(NewResponse(inc, p.Revision), World{Directory: d, Policy: p, Turns: map[int]int64{}}, Assumptions{From: at}, until) {
		e := step.Entry
		if e.Kind != EntryPage {
			continue
		}
		level := e.Data.Level - 1
		if level >= 0 && level < len(p.Levels) && p.Levels[level].Strategy == RoundRobin && len(p.Levels[level].Targets) > 1 {
			return ""
		}
		switch {
		case e.Data.User == user:
			before = false
		case !before && e.Data.User != "":
			return e.Data.User
		}
	}
	return ""
}
