package oncall

import (
	"slices"
	"time"
)

// reopened starts anew, with whoever had it last first (R4). One that has missed
// what became of its incident is brought up to date in the same way.
func (s *step) reopened(in Input) {
	r := &s.r
	first := in.Users
	if r.Phase == Over {
		r.Began = s.now // young again, for page_after
		if len(first) == 0 {
			first = []UserID{r.Holder}
		}
	} else if !s.raised {
		return
	}
	s.restart(first)
}

// declined is key 2: that user passes it on, and the next follows at once.
func (s *step) declined(in Input) {
	r := &s.r
	i := slices.IndexFunc(r.Pages, func(p Page) bool {
		if in.Attempt == "" {
			return p.User == in.By && p.User != "" && p.State != PageDone
		}
		return slices.ContainsFunc(p.Lanes, func(l Lane) bool { return l.Attempt == in.Attempt })
	})
	if i < 0 || r.Pages[i].State == PageDone {
		s.tooLate(in)
		return
	}
	user := r.Pages[i].User
	s.noteBy(in.By, EntryDeclined, EntryData{User: user, Attempt: in.Attempt})
	at := &r.Pages[i]
	s.end(func(p *Page) bool { return p == at }, in.Attempt)
}

// escalate starts the next level at once, whatever was waited for (R17). The
// holder of an acknowledged incident passes it on to the level after the one
// that reached them.
func (s *step) escalate(in Input) {
	r := &s.r
	s.byHand = true
	s.noteBy(in.By, EntryEscalated, EntryData{})
	switch {
	case r.Phase == Held:
		s.retrigger()
		r.Phase = Escalating
	case r.Round > 0:
		r.Phase, r.Start = Escalating, time.Time{}
		s.pass(WhyEscalated)
	}
	switch {
	case r.Level == AtFallback:
		s.leave(AtRest)
	case r.Round > 0:
		s.nextLevel()
	}
	if r.Round == 0 || r.Level == AtRest {
		s.beginRound()
	}
}

// redirect starts anew for other users, under another policy or at another
// urgency (R2, R6, R17). An urgency alone takes an incident from nobody.
func (s *step) redirect(in Input) {
	r := &s.r
	if in.By != "" || len(in.Users) > 0 || in.Policy != "" {
		s.noteBy(in.By, EntryRedirected, EntryData{Users: distinct(in.Users, maxNamed), Policy: in.Policy, Urgency: in.Urgency})
	}
	if in.Urgency == High || in.Urgency == Low && in.By != "" { // it never falls by itself
		r.Urgency = in.Urgency
	}
	if r.Phase == Held {
		if len(in.Users) == 0 && in.Policy == "" {
			return
		}
		if !s.raised {
			s.retrigger()
		}
	}
	if in.Policy == "" || in.Policy == r.Policy {
		s.restart(in.Users)
		return
	}
	// The world of this step has the old policy: the next step, due at once,
	// begins with the new one's.
	r.Policy, r.Turns = in.Policy, nil
	s.stopAll("")
	r.Phase, r.Round, r.Silent, r.Holder, r.First = WaitingForHours, 0, 0, "", distinct(in.Users, maxNamed)
	r.AskAt, r.HoldEnd, r.RemindAt, r.Floor = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.leave(AtFirst)
	r.Start = s.now
	s.halted = true
}

// responder pages more users, whatever phase it is in (R17). They hold nothing
// up.
func (s *step) responder(in Input) {
	users := distinct(in.Users, maxNamed)
	if len(users) == 0 {
		return
	}
	s.noteBy(in.By, EntryResponder, EntryData{Users: users})
	for _, u := range users {
		s.pageUser(u, AtResponder, WhyResponder)
	}
}

// worldChanged looks again at what a wait relies on: who is on duty, who can be
// reached, when the support hours begin (R14). A response that could ask nobody
// tries all of them again. It is noted only when something follows.
func (s *step) worldChanged(in Input) {
	r := &s.r
	before := len(s.fx)
	switch r.Phase {
	case WaitingForHours:
		s.hoursChanged()
	case Escalating:
		switch {
		case r.Level >= 0:
			s.lookAgain(s.level())
		case r.Level == AtRest && r.Silent > 0:
			s.beginRound()
		}
	}
	if len(s.fx) > before {
		s.note(EntryWorldChanged, EntryData{Why: in.Text})
		last := len(s.fx) - 1
		changed := s.fx[last]
		copy(s.fx[before+1:], s.fx[before:last])
		s.fx[before] = changed
	}
}

func (s *step) hoursChanged() {
	r := &s.r
	switch {
	case r.Round == 0:
		s.begin()
	case r.Urgency == Low:
		if open := s.open(); !open.Equal(r.Start) {
			s.putOff(open)
		}
	}
}
