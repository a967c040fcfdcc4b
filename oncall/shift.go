package oncall

import (
	"slices"
	"time"
)

// Override puts User on duty on a schedule for [From, To), whoever had it. Of
// two that overlap, the one made later wins: it stands later in the directory.
type Override struct {
	ID       string
	Schedule ScheduleID
	User     UserID
	From, To time.Time
	By       UserID
	Reason   string
}

// Shift is a computed span [From, To) of one user. Layer is the name of the
// layer it comes from, "" with Override set.
type Shift struct {
	User     UserID
	From, To time.Time
	Layer    string
	Override bool
}

// Gap is a span [From, To) in which nobody is on duty (R34).
type Gap struct{ From, To time.Time }

// maxShifts bounds what Shifts and Gaps return: an hourly rotation of eleven
// years.
const maxShifts = 100_000

// OnDuty returns who is on duty at an instant, nobody in a gap, and until when
// that holds: the instant at which the answer changes next, zero when it does
// not for a year or so. d gives the overrides; nil = none.
func (s *Schedule) OnDuty(d *Directory, at time.Time) (users []UserID, until time.Time) {
	cache := d.dutyCache(s)
	user, until, ok := cache.get(at)
	if !ok {
		user, until = s.onDuty(d.overrides(s.ID), at)
		cache.put(at, until, user)
	}
	if user == "" {
		return nil, until
	}
	return []UserID{user}, until
}

func (s *Schedule) onDuty(overrides []Override, at time.Time) (user UserID, until time.Time) {
	end := at.Add(horizon * time.Second)
	p := s.piece(overrides, wallIn(s.Zone, at), at)
	user = p.User
	for p.User == user {
		if p.To.IsZero() || p.To.After(end) {
			return user, time.Time{}
		}
		p = s.piece(overrides, p.wall, p.To)
	}
	return user, p.From
}

// Shifts returns who is on duty in [from, to) in order of time, cut at both
// ends. Nobody is on duty between two shifts that do not touch. It stops after
// 100,000 shifts.
func (s *Schedule) Shifts(d *Directory, from, to time.Time) []Shift {
	var all []Shift
	s.each(d, from, to, func(next Shift) bool {
		if next.User != "" {
			all = append(all, next)
		}
		return len(all) < maxShifts
	})
	return all
}

// Gaps returns when nobody is on duty in [from, to), cut at both ends. It stops
// after 100,000 gaps.
func (s *Schedule) Gaps(d *Directory, from, to time.Time) []Gap {
	var all []Gap
	s.each(d, from, to, func(next Shift) bool {
		if next.User == "" {
			all = append(all, Gap{From: next.From, To: next.To})
		}
		return len(all) < maxShifts
	})
	return all
}

// Location is the schedule's clock. An unknown zone was refused when the directory
// was compiled; UTC stands in for it.
func (s *Schedule) Location() *time.Location { return locationOf(s.Zone) }

// each hands every stretch of [from, to) to yield, those without User too, as
// long as it returns true. Pieces of one user, layer and kind that touch are
// one stretch.
func (s *Schedule) each(d *Directory, from, to time.Time, yield func(Shift) bool) {
	overrides := d.overrides(s.ID)
	var shift Shift
	w := wallIn(s.Zone, from)
	for at := from; at.Before(to); {
		p := s.piece(overrides, w, at)
		next, end := p.Shift, p.To
		if end.IsZero() || end.After(to) {
			end = to
		}
		next.From, next.To = at.UTC(), end.UTC()
		switch {
		case shift.To.Equal(at) && shift.User == next.User && shift.Layer == next.Layer && shift.Override == next.Override:
			shift.To = next.To
		case shift.To.IsZero():
			shift = next
		default:
			if !yield(shift) {
				return
			}
			shift = next
		}
		at, w = end, p.wall
	}
	if !shift.To.IsZero() {
		yield(shift)
	}
}

// piece is a stretch of time in which nothing changes: To is the next time at
// which anything might, zero = not within the horizon.
type piece struct {
	Shift
	wall wall
}

// piece looks from above: overrides, then the last layer, then those it covers.
func (s *Schedule) piece(overrides []Override, w wall, at time.Time) piece {
	now := at.Unix()
	w = w.around(now)
	p := piece{wall: w}
	p.From = at.UTC()
	for i := range overrides {
		o := &overrides[i]
		if !at.Before(o.From) && at.Before(o.To) {
			p.User, p.Override = o.User, true
		}
		for _, edge := range [...]time.Time{o.From, o.To} {
			if edge.After(at) && (p.To.IsZero() || edge.Before(p.To)) {
				p.To = edge.UTC()
			}
		}
	}
	if p.Override {
		return p
	}
	until := int64(forever)
	for i := range slices.Backward(s.Layers) {
		l := &s.Layers[i]
		user, change := l.at(w, s.Holidays, now)
		until = min(until, change)
		if user != "" {
			p.User, p.Layer = user, l.Name
			break
		}
	}
	if until != forever && (p.To.IsZero() || moment(until).Before(p.To)) {
		p.To = moment(until)
	}
	return p
}

// at returns whose turn it is in the layer, "" outside its restriction, and
// until when that holds at least.
func (l *Layer) at(w wall, holidays string, at int64) (user UserID, until int64) {
	if len(l.Users) == 0 {
		return "", forever
	}
	until = forever
	if l.During != nil {
		in, change := within(l.During, w, holidays, at)
		if !in {
			return "", change
		}
		until = change
	}
	if l.Rotate == nil || len(l.Users) == 1 {
		return l.Users[0], until
	}
	k, next := l.Rotate.turn(w, at)
	return l.Rotate.user(l.Users, k), min(until, next)
}
