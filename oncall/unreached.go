package oncall

import (
	"slices"
	"strings"
	"time"
)

// outcome records how an attempt ended. No answer calls the same person once
// more at once, by the same contact method: the second call gets through a
// phone's do-not-disturb (R11).
func (s *step) outcome(in Input) {
	r := &s.r
	p, i := r.lane(in.Attempt)
	if p == nil {
		if strings.HasPrefix(string(in.Attempt), string(r.Incident)+".") { // long over, or not of this machine
			s.note(EntryOutcome, EntryData{Attempt: in.Attempt, Outcome: known(in.Outcome)})
		}
		return
	}
	l, out := &p.Lanes[i], known(in.Outcome)
	switch {
	case l.Method == Call && out == Sent: // a call is not over when the provider has taken it
		return
	case l.Outcome == Canceled && out != Canceled: // how what was hung up truly ended
		l.Outcome = out
		s.noteOutcome(p, l, "")
		return
	case l.Outcome != "": // providers say things twice
		return
	}
	l.Outcome = out
	s.noteOutcome(p, l, "")
	if l.Method != Call || out != NoAnswer || l.Nth > 1 || p.State == PageDone || r.Phase == Over {
		return
	}
	again := Lane{Due: s.now, Contact: l.Contact, Method: Call, Nth: 2}
	if r.Phase == WaitingForHours && r.Round > 0 && p.Level != AtResponder {
		again.Due = r.Start
	}
	p.Lanes = slices.Insert(p.Lanes, i+1, again)
}

// known reads an unknown outcome as undeliverable: whoever was meant was not
// reached.
func known(o Outcome) Outcome {
	switch o {
	case Sent, Busy, NoAnswer, Rejected, NoInput, Capped, Answered, Canceled, Folded:
		return o
	}
	return Undeliverable
}

func (s *step) noteOutcome(p *Page, l *Lane, why string) {
	s.note(EntryOutcome, EntryData{
		Attempt: l.Attempt, User: p.User, Method: l.Method, Contact: l.Contact, Nth: l.Nth, Outcome: l.Outcome, Why: why,
	})
}

// giveUp ends the attempts of which nothing was heard: whatever became of them,
// they may not stand in the way of the next.
func (s *step) giveUp() {
	r := &s.r
	var gone []AttemptID
	for i := range r.Pages {
		p := &r.Pages[i]
		for j := range p.Lanes {
			l := &p.Lanes[j]
			if !l.live() || !s.due(l.givenUpAt()) {
				continue
			}
			l.Outcome = Undeliverable
			gone = append(gone, l.Attempt)
			s.noteOutcome(p, l, WhyGaveUp)
		}
	}
	if gone != nil {
		s.fx = append(s.fx, CancelAttempts{gone})
	}
}

// judge finds the users that count as unreached now. They are called again where
// the level says so; otherwise the chain goes on without waiting for them.
func (s *step) judge() (changed bool) {
	r := &s.r
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.State != PageLive || !p.AgainAt.IsZero() || p.Level != AtResponder && (r.Phase != Escalating || !s.holds(p)) {
			continue
		}
		why, failed := p.failed()
		if !failed {
			continue
		}
		changed = true
		if at, ok := s.againAt(p); ok {
			p.AgainAt = at
			s.note(EntryUnreached, EntryData{User: p.User, Level: entryLevel(p.Level), Why: why, Until: &at})
			continue
		}
		s.unreached(p, why)
	}
	return changed
}

// failed reports whether all calls begun have failed and none is under way, the
// second call of a no answer among them; without any call, whether nothing is
// left to be tried and nothing has gone out (R11). One-way methods that went out
// leave it to the target's time.
func (p *Page) failed() (why string, yes bool) {
	why = WhyNoContact
	called, hope := (*Lane)(nil), false
	for i := range p.Lanes {
		switch l := &p.Lanes[i]; {
		case l.ringing():
			return "", false
		case l.Outcome == Sent || l.Outcome == "":
			hope = true
		case l.Method == Call && l.Outcome != Capped:
			if called == nil || !l.At.Before(called.At) {
				called = l
			}
		default:
			why = string(l.Outcome)
		}
	}
	if called != nil {
		return string(called.Outcome), true
	}
	return why, !hope
}

// againAt is when the user's rules start anew, if the level wants that and there
// is time for it (R10).
func (s *step) againAt(p *Page) (time.Time, bool) {
	if p.Level < 0 || !s.level().again {
		return time.Time{}, false
	}
	at := later(p.At.Add(minAgain), s.now)
	return at, at.Before(s.r.TargetEnd)
}

// unreached lets the chain go on without p. Its later lanes still go out, and
// its keys still count.
func (s *step) unreached(p *Page, why string) {
	p.State, p.AgainAt = PageTail, time.Time{}
	data := EntryData{User: p.User, Level: entryLevel(p.Level), Why: why}
	if p.Pager != "" {
		data.Target = p.target()
	}
	s.note(EntryUnreached, data)
}

// holds reports whether a page holds up the present level.
func (s *step) holds(p *Page) bool {
	return p.State == PageLive && p.Level == s.r.Level && p.Round == s.r.Round && s.r.Level >= AtFallback
}

func (s *step) holding() bool {
	for i := range s.r.Pages {
		if s.holds(&s.r.Pages[i]) {
			return true
		}
	}
	return false
}

// pass lets the chain go on without all that hold it up.
func (s *step) pass(why string) {
	for i := range s.r.Pages {
		if p := &s.r.Pages[i]; s.holds(p) {
			s.unreached(p, why)
		}
	}
}
