package oncall

import "time"

// Next returns the next thing that happens by itself: the driver gives InDue at
// that time. It is zero only when the response is over. A time that was lost is
// long past, so that the next step mends it.
func (r Response) Next() (at time.Time, why Reason) {
	if r.Phase == Over {
		return time.Time{}, ""
	}
	consider := func(t time.Time, reason Reason) {
		if t.IsZero() {
			t = earliest()
		}
		if at.IsZero() || t.Before(at) {
			at, why = t, reason
		}
	}
	optional := func(t time.Time, reason Reason) {
		if !t.IsZero() {
			consider(t, reason)
		}
	}
	switch r.Phase {
	case Held:
		consider(r.HoldEnd, NextLapse)
		optional(r.AskAt, NextAsk)
	case Unanswered:
		consider(r.RemindAt, NextRemind)
	case Escalating:
		if r.Level == AtRest {
			consider(r.Floor, NextRound)
			break
		}
		consider(r.LevelEnd, NextLevel)
		optional(r.TargetEnd, NextTarget)
		optional(r.WatchEnd, NextShift)
	default:
		consider(r.Start, NextStart)
	}
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.State == PageDone {
			continue
		}
		if r.Phase == Escalating {
			optional(p.AgainAt, NextAgain)
		}
		for j := range p.Lanes {
			switch l := &p.Lanes[j]; {
			case l.live():
				consider(l.givenUpAt(), NextOutcome)
			case l.pending() && l.Due.Before(at) && !r.inUse(p, l.Contact):
				consider(l.Due, NextContact)
			}
		}
	}
	return at, why
}
