package oncall

import (
	"slices"
	"time"
)

const (
	defaultWait  = 5 * time.Minute // of a level that does not say
	firstWait    = 2 * time.Minute // for those paged before level 1
	fallbackWait = 5 * time.Minute
	daily        = 24 * time.Hour
	maxSilence   = time.Hour // between two rounds that can ask nobody
)

// restart begins anew at round 1, with these users before level 1. It is what a
// lapse, a reopening, a reassignment and a raised urgency have in common.
func (s *step) restart(first []UserID) {
	r := &s.r
	s.stopAll("")
	r.Phase, r.Round, r.Silent, r.Holder = WaitingForHours, 0, 0, ""
	r.AskAt, r.HoldEnd, r.RemindAt, r.Start = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	s.leave(AtFirst)
	r.First = distinct(first, maxNamed)
	s.begin()
}

// begin starts paging, or says until when it waits: for the incident's age
// (R15), and with low urgency for the support hours (R6).
func (s *step) begin() {
	r := &s.r
	s.takeTurns()
	start, why := s.now, ""
	if old := r.Began.Add(s.pageAfter()); old.After(s.now) {
		start, why = old, WhyPageAfter
	} else if r.Urgency == Low {
		start, why = s.open(), WhySupportHours
	}
	if start.After(s.now) {
		s.waitUntil(start, why)
		return
	}
	s.beginRound()
}

func (s *step) waitUntil(start time.Time, why string) {
	r := &s.r
	if r.Phase == WaitingForHours && r.Start.Equal(start) {
		return
	}
	r.Phase, r.Start = WaitingForHours, start
	if s.due(start) {
		return // the hours were edited: they run
	}
	s.note(EntryWaiting, EntryData{Until: &start, Why: why})
}

// startOrGoOn ends a wait for hours: of a response that has not begun, or of
// one that the end of the hours found in the middle of a round.
func (s *step) startOrGoOn() {
	r := &s.r
	if r.Round == 0 {
		s.begin()
		return
	}
	if r.Urgency == Low {
		if open := s.open(); open.After(s.now) {
			s.putOff(open)
			return
		}
	}
	r.Phase, r.Start = Escalating, time.Time{}
}

// freeze puts all that is still to come of a low urgency off to the next support
// hours (R6). What is under way goes on.
func (s *step) freeze() {
	if open := s.open(); open.After(s.now) {
		s.putOff(open)
	}
}

// putOff moves all that is to come to the support hours that begin then; what is
// overdue counts as due then. What an earlier wait has put off already stays.
func (s *step) putOff(to time.Time) {
	r := &s.r
	from, waits := s.now, false
	if r.Phase == WaitingForHours && r.Start.After(s.now) { // the hours were edited
		from, waits = r.Start, true
	}
	move := func(t *time.Time) {
		if !t.IsZero() && (waits || t.Before(to)) {
			*t = instant(later(*t, from).Add(to.Sub(from)))
		}
	}
	for _, t := range []*time.Time{&r.LevelEnd, &r.TargetEnd, &r.Floor} {
		move(t)
	}
	if r.Level >= 0 {
		r.WatchEnd = to // whose shift it is then is looked up then
	}
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.Level == AtResponder {
			continue
		}
		move(&p.AgainAt)
		for j := range p.Lanes {
			if p.Lanes[j].pending() {
				move(&p.Lanes[j].Due)
			}
		}
	}
	s.waitUntil(to, WhySupportHours)
}

// takeTurns fixes where each round robin starts, once per incident (R10).
func (s *step) takeTurns() {
	if s.r.Turns != nil {
		return
	}
	for i, l := range s.p.Levels {
		if l.Strategy != RoundRobin || len(l.Targets) == 0 {
			continue
		}
		if s.r.Turns == nil {
			s.r.Turns = make([]int, len(s.p.Levels))
		}
		n := int64(len(l.Targets))
		s.r.Turns[i] = int(((s.turn(i) % n) + n) % n)
	}
}

// beginRound starts at the top: First in round 1, then the levels.
func (s *step) beginRound() {
	r := &s.r
	r.Phase, r.Start, r.RemindAt = Escalating, time.Time{}, time.Time{}
	r.Round = max(r.Round, 0) + 1
	r.Floor = s.now.Add(minRound)
	r.CapTold = false
	s.takeTurns()
	s.forget()
	s.note(EntryRound, EntryData{Round: r.Round})
	s.leave(AtFirst)
	if r.Round == 1 && len(r.First) > 0 {
		s.startLevel(AtFirst)
		return
	}
	s.nextLevel()
}

// forget drops the pages that are done. One that was stopped a moment ago stays
// for what its provider says.
func (s *step) forget() {
	kept := s.r.Pages[:0]
	for _, p := range s.r.Pages {
		if p.State == PageDone {
			if !p.stoppedSince(s.now.Add(-giveUp)) {
				continue
			}
			p.Round = 0 // it is no page of this round
		}
		kept = append(kept, p)
	}
	clear(s.r.Pages[len(kept):])
	s.r.Pages = kept
}

// nextLevel goes to the next rung: levels in order, then the fallback in every
// round of a high urgency and in the last of a low one (R13), then the next
// round or, with low urgency, none (R12).
func (s *step) nextLevel() {
	r := &s.r
	next := r.Level + 1 // AtFirst + 1 is level 0
	switch {
	case r.Level >= AtFirst && next < len(s.p.Levels):
		s.startLevel(next)
	case r.Level >= AtFirst && (r.Urgency != Low || s.lastRound()):
		s.startLevel(AtFallback)
	case r.Level == AtFallback && r.Urgency == Low && s.lastRound():
		s.judgeRound()
		s.unanswered()
	case r.Level == AtFallback:
		s.judgeRound()
		s.leave(AtRest)
	default:
		s.leave(AtRest)
	}
}

// judgeRound says aloud that a round could ask nobody at all. The next one of a
// high urgency then follows later each time, or when somebody else comes on duty;
// whatever is edited begins it at once (see worldChanged).
func (s *step) judgeRound() {
	r := &s.r
	if slices.ContainsFunc(r.Pages, func(p Page) bool { return p.Round == r.Round && p.Level != AtResponder }) {
		r.Silent = 0
		return
	}
	r.Silent = max(r.Silent, 0) + 1
	data := EntryData{Round: r.Round}
	if r.Urgency != Low {
		next := s.now.Add(min(minRound<<min(r.Silent-1, 6), maxSilence))
		if shift := s.dutyChanges(); !shift.IsZero() && shift.Before(next) {
			next = shift
		}
		r.Floor = later(r.Floor, next)
		next = r.Floor
		data.Until = &next
	}
	s.note(EntryUnreachable, data)
}

func (s *step) lastRound() bool { return s.r.Round >= s.p.Rounds }

// leave stands at a level at which nothing is started yet.
func (s *step) leave(level int) {
	r := &s.r
	r.Level, r.Target = level, 0
	r.LevelEnd, r.TargetEnd, r.WatchEnd = time.Time{}, time.Time{}, time.Time{}
}

func (s *step) startLevel(level int) {
	r := &s.r
	s.leave(level)
	l := s.level()
	r.LevelEnd = s.now.Add(l.wait)
	switch level {
	case AtFallback:
		data := EntryData{Round: r.Round, Level: level}
		if l.targets != nil {
			data.Target = &l.targets[0]
		}
		s.note(EntryFallback, data)
		if l.targets == nil {
			s.skip(nil, WhyNoFallback)
		}
	case AtFirst:
		s.note(EntryLevel, EntryData{Round: r.Round, Level: level, Users: r.First})
	default:
		end := r.LevelEnd
		s.note(EntryLevel, EntryData{Round: r.Round, Level: level + 1, Until: &end})
		if len(l.targets) == 0 {
			s.skip(nil, WhyEmptyLevel)
		}
	}
}

// rung is what a level asks for, whether it is one of the policy's or not.
type rung struct {
	targets    []Target
	turn       int
	all, again bool
	wait, each time.Duration
}

// level returns the present rung.
func (s *step) level() rung {
	r := &s.r
	switch i := r.Level; {
	case i == AtFirst:
		out := rung{all: true, wait: firstWait, each: firstWait}
		for _, u := range r.First {
			out.targets = append(out.targets, Target{Kind: TargetUser, Name: string(u)})
		}
		return out
	case i == AtFallback:
		out := rung{all: true, wait: fallbackWait, each: fallbackWait}
		if t := s.fallback(); t != (Target{}) {
			out.targets = []Target{t}
		}
		return out
	case i >= 0 && i < len(s.p.Levels):
		l := &s.p.Levels[i]
		out := rung{targets: l.Targets, all: l.Strategy == All, again: l.OnNoAnswer == GoAgain, wait: defaultWait}
		if l.Wait > 0 {
			out.wait = span(l.Wait, maxWait)
		}
		switch {
		case l.Each > 0:
			out.each = span(l.Each, out.wait)
		case out.all: // they are paged side by side: each has the whole wait
			out.each = out.wait
		default:
			out.each = span(out.wait/time.Duration(max(len(l.Targets), 1)), out.wait)
		}
		if l.Strategy == RoundRobin && i < len(r.Turns) && r.Turns[i] > 0 {
			out.turn = r.Turns[i]
		}
		return out
	}
	return rung{wait: time.Second, each: time.Second}
}

// span keeps a configured duration within a second and most.
func span(d, most time.Duration) time.Duration {
	return min(max(d, time.Second), most).Truncate(time.Millisecond)
}

// unanswered ends the rounds of a low urgency: it stays on the list, and
// somebody is reminded every day (R12).
func (s *step) unanswered() {
	s.leave(AtRest)
	s.r.Phase = Unanswered
	s.remindAgain()
}

func (s *step) remind() {
	r := &s.r
	if !s.due(r.RemindAt) {
		return
	}
	if open := s.open(); open.After(s.now) {
		r.RemindAt = open
		return
	}
	if r.Silent > 0 { // nobody knows of it: there is nobody to remind
		s.beginRound()
		return
	}
	s.remindAgain()
}

func (s *step) remindAgain() {
	next := instant(s.now.Add(daily))
	s.r.RemindAt = next
	s.note(EntryUnanswered, EntryData{Until: &next})
	s.tell(Tell{Users: s.r.Paged, Why: TellReminder, Until: next})
}
