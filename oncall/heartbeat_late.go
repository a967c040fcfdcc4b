package oncall

import "time"

// sayAgain is how often at most a heartbeat that stays down is said again, so
// that one whose incident somebody closed too early is heard of once more.
const sayAgain = time.Hour

func (p HeartbeatPlan) next(t time.Time) time.Time {
	switch {
	case p.Next != nil:
		return p.Next(t)
	case p.Period > 0:
		return t.Add(p.Period)
	}
	return time.Time{}
}

// Expected is when the next report is expected; zero when none is: it is paused
// or down, or its calendar has come to an end. A new one is expected at the first
// moment of its plan, and nothing is expected at a time before the plan was made.
func (p HeartbeatPlan) Expected(s HeartbeatState) time.Time {
	from := s.Ended
	switch s.Status {
	case HeartbeatNew:
		from = s.Planned
	case HeartbeatUp:
	default:
		return time.Time{}
	}
	at := p.next(from)
	if !at.IsZero() && at.Before(s.Planned) {
		at = p.next(s.Planned)
	}
	return at
}

// Deadline is when Expire has something to decide if nothing is heard until
// then: the end of the grace after the expected report or after the last start,
// whichever is first. Of one that is down it is when that is said again: after
// another report that did not come. It is zero when there is none.
func (p HeartbeatPlan) Deadline(s HeartbeatState) time.Time {
	at, _ := p.deadline(s)
	return at
}

func (p HeartbeatPlan) deadline(s HeartbeatState) (at time.Time, why HeartbeatWhy) {
	if s.Status == HeartbeatPaused || s.Status == "" || p.Paused {
		return time.Time{}, ""
	}
	if s.Status == HeartbeatDown {
		if at = p.next(s.Said.Add(sayAgain)); at.IsZero() || !s.Alerting {
			return time.Time{}, ""
		}
		return at.Add(p.Grace), s.Why
	}
	why = HeartbeatSilent
	if s.Status == HeartbeatNew {
		why = HeartbeatNever
	}
	if at = p.Expected(s); !at.IsZero() {
		at = at.Add(p.Grace)
	}
	if !s.Started.IsZero() {
		if end := s.Started.Add(max(p.Grace, leastRun)); at.IsZero() || end.Before(at) {
			return end, HeartbeatOverrun
		}
	}
	return at, why
}

// Expire judges at now. Before the Deadline it changes nothing; behind it the
// heartbeat is down, and Trigger says so.
func (p HeartbeatPlan) Expire(s HeartbeatState, now time.Time) (HeartbeatState, Action) {
	at, why := p.deadline(s)
	if at.IsZero() || now.Before(at) {
		return s, ""
	}
	switch {
	case s.Status == HeartbeatDown:
		s.Said = now
		return s, Trigger
	case why == HeartbeatOverrun:
		s.Missed = s.Started
	default:
		s.Missed = p.Expected(s)
	}
	return s.fall(why, now), Trigger
}

// Now is what the heartbeat is taken for at now: as saved, or late.
func (p HeartbeatPlan) Now(s HeartbeatState, now time.Time) HeartbeatStatus {
	if at := p.Expected(s); !at.IsZero() && !now.Before(at) {
		return HeartbeatLate
	}
	return s.Status
}

// Define says what becomes of s when the heartbeat is defined as p from now on,
// and what there is to say then. Another calendar expects nothing at moments that
// have passed. One that is silent, and would not be by the new plan, is up again;
// a paused one has no alert, and begins anew when the pause ends.
func (p HeartbeatPlan) Define(s HeartbeatState, now time.Time) (HeartbeatState, Action) {
	was := s
	moved := s.Plan.Period != p.Period || s.Plan.Cron != p.Cron || s.Plan.Zone != p.Zone
	s.Plan = p.Heartbeat
	if moved || s.Status == "" {
		s.Planned = now
	}
	switch {
	case p.Paused && s.Status != HeartbeatPaused:
		s.Started, s.Run, s.Begun = time.Time{}, "", nil
		s = s.rise(now)
		s.Status, s.Since = HeartbeatPaused, now
	case p.Paused:
	case s.Status == "", s.Status == HeartbeatPaused:
		s.Planned = now
		s.Status, s.Since = s.fresh(), now
	case s.Status == HeartbeatDown && s.Why != HeartbeatFailed && was.Plan != p.Heartbeat:
		// Judged as if it had always been so: by what it has said, not by today.
		again := was
		again.Status = was.fresh()
		if at := p.Deadline(again); at.IsZero() || now.Before(at) {
			status := s.fresh()
			s = s.rise(now)
			s.Status = status
		}
	}
	if was.Alerting && !s.Alerting {
		return s, Resolve
	}
	return s, ""
}

// fresh is the status of a heartbeat of which nothing is known but whether it was
// ever heard of.
func (s HeartbeatState) fresh() HeartbeatStatus {
	if s.Ended.IsZero() {
		return HeartbeatNew
	}
	return HeartbeatUp
}
