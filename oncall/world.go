package oncall

import (
	"slices"
	"time"
)

// World is everything a response may ask about: the directory and what is known
// about this one incident. It is a value and answers for any time, so that a
// forecast asks it about tomorrow as the response asks about now.
type World struct {
	Directory *Directory
	Policy    *Policy       // the response's snapshot (R14)
	Turns     map[int]int64 // round-robin turn per level, needed by the first step only
	// CappedUntil is when paid attempts may go out again; zero = now (R12).
	CappedUntil time.Time
	// Given answers a replay in place of all of the above but Policy.
	Given *Answers
}

// Answers keeps what the World said to a step: only what was asked. They are on
// the timeline with the input, so that the step can be replayed after the
// directory has changed.
type Answers struct {
	Version     int64               `json:"version,omitempty"` // of the directory
	OnDuty      map[ScheduleID]Duty `json:"on_duty,omitempty"`
	Reach       map[UserID]Reach    `json:"reach,omitempty"`
	Open        time.Time           `json:"open,omitzero"` // when support hours allow paging: at once, or later
	PageAfter   time.Duration       `json:"page_after,omitempty"`
	CappedUntil time.Time           `json:"capped_until,omitzero"`
	Turns       map[int]int64       `json:"turns,omitempty"`
	// Fallback stands in for the policy's where that can't be used any more; Last
	// is Reach on the last rung of a service that does not call (R13).
	Fallback *Target          `json:"fallback,omitempty"`
	Last     map[UserID]Reach `json:"last,omitempty"`
}

// Duty is who is on duty, and until when that holds; zero = for good.
type Duty struct {
	Users   []UserID  `json:"users,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Unknown bool      `json:"unknown,omitempty"` // there is no such schedule
}

// ask returns the answers being kept for this step.
func (s *step) ask() *Answers {
	if s.asked == nil {
		s.asked = &Answers{}
		if s.w.Directory != nil {
			s.asked.Version = s.w.Directory.Version
		}
	}
	return s.asked
}

// answers is what goes to the timeline with the input.
func (s *step) answers() *Answers {
	if s.w.Given != nil {
		return s.w.Given
	}
	return s.asked
}

func (s *step) service() *Service {
	if s.w.Directory == nil {
		return nil
	}
	return s.w.Directory.Service(s.r.Service)
}

func (s *step) onDuty(id ScheduleID) Duty {
	if s.w.Given != nil {
		return s.w.Given.OnDuty[id]
	}
	a := s.ask()
	if d, ok := a.OnDuty[id]; ok {
		return d
	}
	d := Duty{Unknown: true}
	if s.w.Directory != nil {
		if schedule := s.w.Directory.Schedules[id]; schedule != nil {
			users, until := schedule.OnDuty(s.w.Directory, s.now)
			d = Duty{Users: slices.Clone(users)}
			if !until.IsZero() {
				d.Until = instant(until)
			}
		}
	}
	if a.OnDuty == nil {
		a.OnDuty = map[ScheduleID]Duty{}
	}
	a.OnDuty[id] = d
	return d
}

// reach returns how a user can be reached at a level.
func (s *step) reach(id UserID, level int) Reach {
	last := level == AtFallback
	if g := s.w.Given; g != nil {
		if reach, ok := g.Last[id]; ok && last {
			return reach
		}
		return g.Reach[id]
	}
	a := s.ask()
	kept := &a.Reach
	if last && s.noCalls() && s.r.Urgency != Low {
		kept = &a.Last
	}
	if reach, ok := (*kept)[id]; ok {
		return reach
	}
	reach := s.rules(id, last)
	if *kept == nil {
		*kept = map[UserID]Reach{}
	}
	(*kept)[id] = reach
	return reach
}

// rules asks the directory. A service that does not call does so all the same
// for the last rung of a high urgency, if there is no other way to that user:
// quiet is not silent (R13).
func (s *step) rules(id UserID, last bool) Reach {
	if s.w.Directory == nil || s.w.Directory.Users[id] == nil {
		return Reach{Unknown: true}
	}
	u := s.w.Directory.Users[id]
	reach := reachOf(u, s.r.Urgency, s.noCalls(), s.capped())
	if last && len(reach.Ways) == 0 && s.noCalls() && s.r.Urgency != Low {
		return reachOf(u, s.r.Urgency, false, s.capped())
	}
	return reach
}

func (s *step) noCalls() bool {
	service := s.service()
	return service != nil && service.NoCalls
}

// fallback returns who stands on the last rung: the policy's own, or, where that
// can't be used any more, that of the service's policy as it is now, else the
// catch-all's (R13, R14).
func (s *step) fallback() Target {
	own := s.p.Fallback
	if g := s.w.Given; g != nil {
		if g.Fallback != nil {
			return *g.Fallback
		}
		return own
	}
	if s.last != nil {
		return *s.last
	}
	s.last = &own
	if s.w.Directory == nil || s.usable(own) {
		return own
	}
	for _, t := range s.w.Directory.Fallbacks(s.r.Service) {
		if t != own && s.usable(t) {
			s.last, s.ask().Fallback = &t, &t
			break
		}
	}
	return *s.last
}

// usable reports whether the last rung reaches somebody by t, as far as the
// directory knows.
func (s *step) usable(t Target) bool {
	switch t.Kind {
	case TargetUser:
		return len(s.rules(UserID(t.Name), true).Ways) > 0
	case TargetPager:
		return s.w.Directory.Pagers[PagerID(t.Name)] != nil
	case TargetSchedule: // no check lets it through
		return len(s.onDuty(ScheduleID(t.Name)).Users) > 0
	}
	return false
}

// dutyChanges returns when one of the schedules that this step asked about has
// somebody else on duty; zero = not known.
func (s *step) dutyChanges() (at time.Time) {
	a := s.answers()
	if a == nil {
		return at
	}
	for _, d := range a.OnDuty {
		if d.Until.After(s.now) && (at.IsZero() || d.Until.Before(at)) {
			at = d.Until
		}
	}
	return at
}

// open returns the first instant from now on at which a response of low urgency
// may page (R6). Hours that never begin do not silence anything.
func (s *step) open() time.Time {
	if s.w.Given != nil {
		return later(s.w.Given.Open, s.now)
	}
	a := s.ask()
	if a.Open.IsZero() {
		a.Open = s.now
		if service := s.service(); service != nil && service.SupportHours != nil {
			a.Open = later(instant(service.SupportHours.Next(s.now)), s.now)
		}
	}
	return a.Open
}

// pageAfter returns how old the incident has to be before anybody is paged (R15).
func (s *step) pageAfter() time.Duration {
	if s.w.Given != nil {
		return s.w.Given.PageAfter
	}
	service := s.service()
	if service == nil || service.PageAfter <= 0 {
		return 0
	}
	after := min(service.PageAfter, maxWait).Truncate(time.Millisecond)
	s.ask().PageAfter = after
	return after
}

// capped reports whether the spend cap stands (R12).
func (s *step) capped() bool {
	if s.w.Given != nil {
		return s.w.Given.CappedUntil.After(s.now)
	}
	if !s.w.CappedUntil.After(s.now) {
		return false
	}
	s.ask().CappedUntil = instant(s.w.CappedUntil)
	return true
}

func (s *step) cappedUntil() time.Time {
	if s.w.Given != nil {
		return s.w.Given.CappedUntil
	}
	return instant(s.w.CappedUntil)
}

// turn returns the round-robin turn of a level (R10).
func (s *step) turn(level int) int64 {
	if s.w.Given != nil {
		return s.w.Given.Turns[level]
	}
	a := s.ask()
	if a.Turns == nil {
		a.Turns = map[int]int64{}
	}
	a.Turns[level] = s.w.Turns[level]
	return s.w.Turns[level]
}

// instant is a time as a response keeps it: UTC, cut to the millisecond, within
// the years that JSON can write.
func instant(t time.Time) time.Time {
	switch t = t.UTC().Truncate(time.Millisecond); {
	case t.Before(earliest()):
		return earliest()
	case t.Year() > 9000:
		return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// earliest is where a wait stands whose time was lost: due at once.
func earliest() time.Time { return time.UnixMilli(0).UTC() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
