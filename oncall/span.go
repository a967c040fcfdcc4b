package oncall

// horizon is how far ahead a change is looked for: every yearly pattern comes
// round within it.
const horizon = 400 * secondsPerDay

// within reports whether a moment lies in one of the spans, and until when that
// answer holds at least; forever = for longer than the horizon. holidays is the
// country whose holidays `weekdays` leaves out.
func within(spans []Span, w wall, holidays string, at int64) (in bool, until int64) {
	// An overnight span of yesterday may still run; where clocks go back over
	// midnight, one of tomorrow may have begun.
	today := floorDiv(w.local(at), secondsPerDay)
	until = at
	for day := today - 1; day <= today+1; day++ {
		for i := range spans {
			if !spans[i].Days.has(day, holidays) {
				continue
			}
			if begin, end := spans[i].on(w, day); begin <= at && at < end {
				in, until = true, max(until, end)
			}
		}
	}
	if in {
		return true, until
	}
	until = forever
	for day := today - 1; until == forever && day <= today+horizon/secondsPerDay; day++ {
		for i := range spans {
			if !spans[i].Days.has(day, holidays) {
				continue
			}
			if begin, end := spans[i].on(w, day); begin > at && begin < end {
				until = min(until, begin)
			}
		}
	}
	return false, until
}

// on returns when the span of that day begins and ends. A span that falls into
// a gap altogether is empty.
func (s *Span) on(w wall, day int64) (begin, end int64) {
	last := day
	if s.To <= s.From {
		last++
	}
	return w.begin(day*secondsPerDay + int64(s.From)*60), w.end(last*secondsPerDay + int64(s.To)*60)
}

// has reports whether the set has that day.
func (d *DaySet) has(day int64, holidays string) bool {
	if d.Weekdays[weekday(day)] && (!d.Working || !isHoliday(holidays, day)) {
		return true
	}
	return isHoliday(d.Holidays, day)
}
