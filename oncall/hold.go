package oncall

import (
	"slices"
	"time"
)

const (
	defaultHold = 30 * time.Minute // of a high urgency (R16)
	lowHold     = 24 * time.Hour
	askBefore   = 5 * time.Minute
)

// MaxHold is the longest that an acknowledgement or snooze lasts; Advance cuts
// what is longer.
const MaxHold = 31 * 24 * time.Hour

// HoldFor returns how long an acknowledgement lasts under p, which may be nil:
// its acknowledgement time-out, or 30 min, for high urgency (R16); at least a day
// for low.
func (p *Policy) HoldFor(u Urgency) time.Duration {
	hold := defaultHold
	if p != nil && p.AcknowledgementTimeout > 0 {
		hold = span(p.AcknowledgementTimeout, MaxHold)
	}
	if u == Low {
		return max(hold, lowHold)
	}
	return hold
}

// hold is an acknowledgement, a snooze or a renewal. The first two take an
// incident that nobody has: everything stops, and those already reached are told
// (R15). On a held one the holder stays, a renewal never shortens, and whoever
// says so is not paged for help any more.
func (s *step) hold(in Input) {
	r := &s.r
	until := s.until(in)
	if r.Phase == Held {
		s.stop(in.By, in.Attempt)
		if in.Kind != InSnoozed {
			until = later(until, r.HoldEnd)
		}
		s.holdUntil(until)
		return
	}
	if in.Kind == InRenewed {
		return // a note does not take an incident
	}
	s.stopAll(in.Attempt)
	r.Phase, r.Holder = Held, in.By
	r.Start, r.RemindAt, r.Floor = time.Time{}, time.Time{}, time.Time{}
	s.leave(r.Level) // for an escalation by hand
	s.holdUntil(until)
	s.tell(Tell{Users: r.Paged, Pagers: r.Pagers, Why: TellTaken, By: in.By, Until: until})
	r.Paged = nil
}

// until reads the end that an input asks for; one that has passed or is missing
// is replaced by the policy's.
func (s *step) until(in Input) time.Time {
	until := instant(in.Until)
	if !until.After(s.now) {
		until = s.now.Add(s.p.HoldFor(s.r.Urgency))
	}
	if last := s.now.Add(MaxHold); until.After(last) {
		return last
	}
	return until
}

// holdUntil sets the end and the early question: five minutes before, or half
// way through a hold of less than ten (R16).
func (s *step) holdUntil(until time.Time) {
	left := until.Sub(s.now)
	ask := until.Add(-askBefore)
	if left < 2*askBefore {
		ask = s.now.Add((left / 2).Truncate(time.Millisecond))
	}
	s.r.HoldEnd, s.r.AskAt = until, ask
}

// holdDue asks the holder, and lets the acknowledgement lapse: the incident is
// triggered again, its holder is paged first, then the policy from level 1.
func (s *step) holdDue() {
	r := &s.r
	if s.due(r.HoldEnd) {
		holder := r.Holder
		s.note(EntryLapsed, EntryData{User: holder})
		s.retrigger()
		s.restart([]UserID{holder})
		return
	}
	if !r.AskAt.IsZero() && s.due(r.AskAt) {
		r.AskAt = time.Time{}
		until := r.HoldEnd
		s.note(EntryAsked, EntryData{User: r.Holder, Until: &until})
		s.tell(Tell{Users: []UserID{r.Holder}, Why: TellStillOn, Until: until})
	}
}

// retrigger takes the incident from its holder under a new epoch.
func (s *step) retrigger() {
	r := &s.r
	r.Epoch++
	s.fx = append(s.fx, Retrigger{Holder: r.Holder, Epoch: r.Epoch})
	s.stopAll("")
	r.Holder, r.AskAt, r.HoldEnd = "", time.Time{}, time.Time{}
}

// resolved ends it: everything stops and those who know of it are told (R15).
func (s *step) resolved(in Input) {
	r := &s.r
	s.stopAll(in.Attempt)
	told := r.Paged
	if r.Phase == Held {
		told = append(told, r.Holder)
	}
	s.tell(Tell{Users: told, Pagers: r.Pagers, Why: TellHealed, By: in.By})
	holder, pages := r.Holder, r.Pages
	*r = Response{
		Incident: r.Incident, Service: r.Service, Epoch: r.Epoch, Policy: r.Policy, Urgency: r.Urgency,
		Phase: Over, Began: r.Began, Round: r.Round, Level: AtRest, Turns: r.Turns,
		Holder: holder, Pages: pages, Attempts: r.Attempts, // for the outcomes that still come, and a reopening
	}
}

// hangUp ends every attempt under way but keep.
func (s *step) hangUp(keep AttemptID) {
	s.cancel(func(*Page) bool { return true }, keep)
}

func (s *step) cancel(of func(*Page) bool, keep AttemptID) {
	var gone []AttemptID
	for i := range s.r.Pages {
		p := &s.r.Pages[i]
		for j := range p.Lanes {
			if l := &p.Lanes[j]; l.live() && l.Attempt != keep && of(p) {
				l.Outcome = Canceled
				gone = append(gone, l.Attempt)
			}
		}
	}
	if gone != nil {
		s.fx = append(s.fx, CancelAttempts{gone})
	}
}

// stopAll hangs up and drops everything. The call on which the key was pressed
// says its last words and counts as answered.
func (s *step) stopAll(pressed AttemptID) { s.end(func(*Page) bool { return true }, pressed) }

// stop does so for one user.
func (s *step) stop(u UserID, pressed AttemptID) {
	s.end(func(p *Page) bool { return u != "" && p.User == u }, pressed)
}

func (s *step) end(of func(*Page) bool, pressed AttemptID) {
	s.cancel(of, pressed)
	for i := range s.r.Pages {
		p := &s.r.Pages[i]
		if !of(p) {
			continue
		}
		p.dropPending()
		for j := range p.Lanes {
			if p.Lanes[j].live() { // only the one that was pressed
				p.Lanes[j].Outcome = Answered
			}
		}
		p.State, p.AgainAt = PageDone, time.Time{}
	}
}

// tell informs, never whoever did it.
func (s *step) tell(t Tell) {
	t.Users = slices.DeleteFunc(distinct(t.Users, len(t.Users)), func(u UserID) bool { return u == t.By })
	if len(t.Users) == 0 {
		t.Users = nil
	}
	t.Pagers = slices.Clone(t.Pagers)
	s.fx = append(s.fx, t)
}

// maxNamed bounds whom one input can name.
const maxNamed = 100

// distinct returns the users of a list in their order, each once.
func distinct(users []UserID, most int) []UserID {
	var out []UserID
	for _, u := range users {
		if u != "" && len(out) < most && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}
