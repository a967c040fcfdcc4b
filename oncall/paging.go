package oncall

import (
	"slices"
	"time"
)

// moveOn takes the next thing that the present level wants, and reports whether
// there was one (R11, R12).
func (s *step) moveOn() bool {
	r := &s.r
	l := s.level()
	switch {
	case r.Level == AtRest:
		if !s.due(r.Floor) {
			return false
		}
		s.beginRound()
	case s.due(r.LevelEnd):
		s.pass(WhyTimeout)
		s.nextLevel()
	case !r.WatchEnd.IsZero() && s.due(r.WatchEnd):
		s.lookAgain(l)
	case !r.TargetEnd.IsZero() && s.due(r.TargetEnd):
		s.pass(WhyTimeout)
		s.nextTarget(l)
	case !s.holding():
		s.nextTarget(l)
	default:
		return false
	}
	return true
}

// nextTarget starts the next target of a level, or all of them (R10). When there
// is none left, the next level starts at once (R11).
func (s *step) nextTarget(l rung) {
	r := &s.r
	r.Target = max(r.Target, 0)
	if r.Target >= len(l.targets) {
		s.nextLevel()
		return
	}
	r.TargetEnd = s.now.Add(l.each)
	if r.LevelEnd.Before(r.TargetEnd) {
		r.TargetEnd = r.LevelEnd
	}
	for r.Target < len(l.targets) {
		t := l.at(r.Target)
		r.Target++
		s.start(t)
		if !l.all {
			return
		}
	}
}

// at returns the i-th target in the order of this incident's turn.
func (l rung) at(i int) *Target { return &l.targets[(l.turn+i)%len(l.targets)] }

// start pages a target: a user, whoever is on duty now (R14), or another pager.
func (s *step) start(t *Target) {
	why := ""
	switch s.r.Level {
	case AtFirst:
		why = WhyFirst
	case AtFallback:
		why = WhyFallback
	}
	switch t.Kind {
	case TargetUser:
		s.pageUser(UserID(t.Name), s.r.Level, why)
	case TargetPager:
		s.pagePager(PagerID(t.Name), why)
	case TargetSchedule:
		duty := s.onDuty(ScheduleID(t.Name))
		s.watch(duty)
		switch {
		case duty.Unknown:
			s.skip(t, WhyUnknownSchedule)
		case len(duty.Users) == 0:
			s.skip(t, WhyNobodyOnDuty)
		}
		for _, u := range duty.Users {
			s.pageUser(u, s.r.Level, why)
		}
	default:
		s.skip(t, WhyUnknownTarget)
	}
}

// watch remembers when the answer about a schedule changes during this level.
func (s *step) watch(d Duty) {
	r := &s.r
	if d.Until.After(s.now) && d.Until.Before(r.LevelEnd) && (r.WatchEnd.IsZero() || d.Until.Before(r.WatchEnd)) {
		r.WatchEnd = d.Until
	}
}

// lookAgain asks anew who is on duty for the targets that have been started.
// Whoever is new is paged (R14); whoever's shift has ended holds nothing up any
// more.
func (s *step) lookAgain(l rung) {
	r := &s.r
	r.WatchEnd = time.Time{}
	var wanted []UserID
	for i := range min(max(r.Target, 0), len(l.targets)) {
		switch t := l.at(i); t.Kind {
		case TargetUser:
			wanted = append(wanted, UserID(t.Name))
		case TargetSchedule:
			duty := s.onDuty(ScheduleID(t.Name))
			s.watch(duty)
			wanted = append(wanted, duty.Users...)
		}
	}
	for i := range r.Pages {
		if p := &r.Pages[i]; s.holds(p) && p.Pager == "" && !slices.Contains(wanted, p.User) {
			s.unreached(p, WhyOffDuty)
		}
	}
	for _, u := range wanted {
		if !s.pagedHere(u, "") && len(s.reach(u, r.Level).Ways) > 0 {
			s.pageUser(u, r.Level, WhyShift)
		}
	}
}

// pagedHere reports whether this level of this round has paged them already.
func (s *step) pagedHere(u UserID, pager PagerID) bool {
	return slices.ContainsFunc(s.r.Pages, func(p Page) bool {
		return p.User == u && p.Pager == pager && p.Level == s.r.Level && p.Round == s.r.Round
	})
}

// pageUser starts to reach a user by their rules (R20). What the rules name and
// can't be used is said once, in the first round.
func (s *step) pageUser(id UserID, level int, why string) {
	reach := s.reach(id, level)
	t := &Target{Kind: TargetUser, Name: string(id)}
	if reach.Unknown {
		s.skip(t, WhyUnknownUser)
		return
	}
	if s.r.Round <= 1 {
		for _, k := range reach.Skipped {
			s.note(EntrySkipped, EntryData{Level: entryLevel(s.r.Level), Target: t, Contact: k.Contact, Why: k.Why})
		}
	}
	if len(reach.Ways) == 0 {
		s.skip(t, WhyNoContact)
		return
	}
	s.page(Page{User: id, Level: level}, reach.Ways, why)
}

func (s *step) pagePager(id PagerID, why string) {
	s.page(Page{Pager: id, Level: s.r.Level}, []Way{{Contact: string(id), Method: Events}}, why)
}

// page begins a page. Somebody who is being called already is not called a
// second time: that page counts for this level too. What is left of an older one
// is dropped, because the rules begin anew.
func (s *step) page(p Page, ways []Way, why string) {
	r := &s.r
	p.Round, p.At, p.State, p.Why = r.Round, s.now, PageLive, why
	for i := range r.Pages {
		old := &r.Pages[i]
		switch {
		case old.User != p.User || old.Pager != p.Pager || old.State == PageDone:
		case old.State == PageLive || slices.ContainsFunc(old.Lanes, Lane.ringing):
			if p.Level != AtResponder {
				old.State, old.Round, old.Level = PageLive, p.Round, p.Level
			}
			s.notePage(&p, WhyJoined)
			return
		}
	}
	if p.Level != AtResponder && s.pagedHere(p.User, p.Pager) {
		s.skip(p.target(), WhyAlreadyPaged)
		return
	}
	for i := range r.Pages {
		if old := &r.Pages[i]; old.User == p.User && old.Pager == p.Pager {
			old.dropPending()
		}
	}
	p.add(ways, s.now)
	r.Pages = append(r.Pages, p)
	s.notePage(&p, why)
}

func (s *step) notePage(p *Page, why string) {
	data := EntryData{User: p.User, Round: s.r.Round, Level: entryLevel(p.Level), Why: why}
	if p.Pager != "" {
		data.Target = p.target()
	}
	s.note(EntryPage, data)
}

// again starts the rules of a user anew who could not be reached (R10). A later
// step of them that is still to come is not put off by that.
func (s *step) again() (changed bool) {
	r := &s.r
	if r.Phase != Escalating || s.due(r.LevelEnd) || !r.TargetEnd.IsZero() && s.due(r.TargetEnd) ||
		!r.WatchEnd.IsZero() && s.due(r.WatchEnd) {
		return false // that comes first
	}
	for i := range r.Pages {
		p := &r.Pages[i]
		if !s.holds(p) || p.AgainAt.IsZero() || !s.due(p.AgainAt) {
			continue
		}
		changed = true
		p.AgainAt = time.Time{}
		if slices.ContainsFunc(p.Lanes, Lane.ringing) {
			continue // a later step of the rules: judge sees its end
		}
		ways := []Way{{Contact: string(p.Pager), Method: Events}}
		if p.Pager == "" {
			ways = s.reach(p.User, p.Level).Ways
		}
		p.Lanes = slices.DeleteFunc(p.Lanes, func(l Lane) bool { return !l.open() })
		ways = slices.DeleteFunc(slices.Clone(ways), func(w Way) bool {
			return slices.ContainsFunc(p.Lanes, func(l Lane) bool {
				return l.pending() && l.Contact == w.Contact && !l.Due.After(s.now.Add(w.After))
			})
		})
		p.At, p.Why = s.now, WhyAgain
		p.add(ways, s.now)
		s.notePage(p, WhyAgain)
	}
	return changed
}

// startLanes asks for the attempts that are due. A contact method that is in use
// for the same user waits for its end; where the spend cap stands, what costs
// money is not tried (R12).
func (s *step) startLanes() {
	r := &s.r
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.State == PageDone {
			continue
		}
		for j := range p.Lanes {
			l := &p.Lanes[j]
			if !l.pending() || !s.due(l.Due) || r.inUse(p, l.Contact) {
				continue
			}
			if l.Method.Paid() && s.capped() {
				l.Outcome = Capped
				s.sayCapped(p, l)
				continue
			}
			s.contact(p, l)
		}
	}
}

func (s *step) contact(p *Page, l *Lane) {
	r := &s.r
	l.Attempt, l.At = s.nextAttempt(), s.now
	if p.Pager != "" && !slices.Contains(r.Pagers, p.Pager) {
		r.Pagers = append(r.Pagers, p.Pager)
	}
	if p.User != "" && !slices.Contains(r.Paged, p.User) {
		r.Paged = append(r.Paged, p.User)
	}
	why := p.Why
	if l.Nth > 1 {
		why = string(NoAnswer)
	}
	s.note(EntryContact, EntryData{
		Attempt: l.Attempt, User: p.User, Method: l.Method, Contact: l.Contact, Nth: l.Nth,
		Round: p.Round, Level: entryLevel(p.Level), Why: why,
	})
	s.fx = append(s.fx, ContactUser{
		Attempt: l.Attempt, User: p.User, Pager: p.Pager, Contact: l.Contact, Method: l.Method, Nth: l.Nth,
	})
}

// sayCapped is loud: a line for each attempt that is not made, and once a round
// everybody concerned is told until when (R12).
func (s *step) sayCapped(p *Page, l *Lane) {
	until := s.cappedUntil()
	s.noteOutcome(p, l, "")
	if s.r.CapTold {
		return
	}
	s.r.CapTold = true
	s.note(EntryCapped, EntryData{Until: &until})
	s.tell(Tell{Users: s.r.Paged, Why: TellCapped, Until: until})
}

func (s *step) skip(t *Target, why string) {
	s.note(EntrySkipped, EntryData{Round: s.r.Round, Level: entryLevel(s.r.Level), Target: t, Why: why})
}

// entryLevel is a level as entries count it: from 1, or AtFirst or AtFallback.
func entryLevel(level int) int {
	switch {
	case level >= 0:
		return level + 1
	case level < AtFallback:
		return 0
	}
	return level
}
