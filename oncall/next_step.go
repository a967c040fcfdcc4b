package oncall

import "time"

// NextStep is what people notice next if nobody does anything: who is called
// after the running call has failed, the level or round that begins, the holder
// being asked, the acknowledgement's end. It is a line of the forecast from that
// instant on, so lists, pages and the command line can say the same of one
// incident; Next, in contrast, is when the machine itself looks again, which
// may be the end of a call that has long been given up by then. Of several lines
// of one instant it is the one that reaches somebody. false: nothing more
// happens within 31 days.
func NextStep(r Response, w World, from time.Time) (Step, bool) {
	f := begin(r, w, Assumptions{From: from})
	end := f.from.Add(maxForecast)
	for seen := 0; len(f.steps) < maxSteps; {
		more := f.step(end)
		if s, ok := noticed(f.steps[seen:]); ok {
			return s, true
		}
		if !more {
			break
		}
		seen = len(f.steps)
	}
	return Step{}, false
}

// noticed is the line of one instant that tells people most, if any does.
func noticed(lines []Step) (best Step, ok bool) {
	rank := 0
	for _, s := range lines {
		if n := s.notice(); n > rank {
			best, rank = s, n
		}
	}
	return best, rank > 0
}

// notice is how much of a line people notice; 0 = only the timeline does.
func (s *Step) notice() int {
	switch s.Entry.Kind {
	case EntryContact:
		return 5
	case EntryPage, EntryShadow:
		return 4
	case EntryAsked, EntryLapsed, EntryUnanswered:
		return 3
	case EntryTold:
		switch TellWhy(s.Entry.Data.Why) {
		case TellStillOn, TellReminder:
			return 3
		}
	case EntryFallback, EntryLevel:
		return 2
	case EntryRound, EntryUnreachable, EntryWaiting:
		return 1
	}
	return 0
}
