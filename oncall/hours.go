package oncall

import "time"

// Contains reports whether at lies within the hours. Nil means always.
func (h *Hours) Contains(at time.Time) bool {
	if h == nil {
		return true
	}
	in, _ := within(h.During, wallIn(h.Zone, at), h.Holidays, at.Unix())
	return in
}

// Next returns the first instant at or after at that lies within the hours: at
// itself while they run, the zero time when they do not begin within the next
// 400 days.
func (h *Hours) Next(at time.Time) time.Time {
	if h == nil {
		return at
	}
	in, until := within(h.During, wallIn(h.Zone, at), h.Holidays, at.Unix())
	if in {
		return at
	}
	return moment(until)
}
