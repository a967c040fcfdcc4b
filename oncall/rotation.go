package oncall

import "time"

// turn returns which turn of the rotation runs at a moment (0 = the first shift
// of Users[0], negative before From) and when the next one begins.
//
// A turn lasts until the next one begins, so an unrestricted layer covers every
// moment exactly once whatever the clocks do; a turn whose beginning and end
// both fall into a gap (a daily rotation on the day that Apia skipped) is empty.
func (r *Rotation) turn(w wall, at int64) (k, until int64) {
	k = r.guess(w.local(at))
	for w.begin(r.start(k)) > at {
		k--
	}
	next := w.begin(r.start(k + 1))
	for next <= at {
		k++
		next = w.begin(r.start(k + 1))
	}
	return k, next
}

// start returns the wall-clock time at which turn k begins.
//
// Hours are those of the wall clock too: a rotation every 12 hours from 09:00
// changes at 09:00 and 21:00 in summer and in winter. A month begins on From's
// day, or on the last day of a month that is too short: from the 31st of
// January, turns begin on the 28th or 29th of February and the 31st of March.
func (r *Rotation) start(k int64) int64 {
	every := int64(max(r.Every, 1))
	clock := int64(r.Handoff) * 60
	switch r.Unit {
	case Hour:
		return r.From.days()*secondsPerDay + clock + k*every*60*60
	case Week:
		return (r.From.days()+k*every*7)*secondsPerDay + clock
	case Month:
		month := int64(r.From.Year)*12 + int64(r.From.Month) - 1 + k*every
		first := Date{Year: int(floorDiv(month, 12)), Month: time.Month(floorMod(month, 12) + 1), Day: 1}
		next := Date{Year: first.Year, Month: first.Month + 1, Day: 1}
		day := min(first.days()+int64(r.From.Day)-1, next.days()-1)
		return day*secondsPerDay + clock
	default: // Day
		return (r.From.days()+k*every)*secondsPerDay + clock
	}
}

// guess returns the turn that runs when the wall clock shows l, give or take
// what a change of clocks or a short month does.
func (r *Rotation) guess(l int64) int64 {
	every := int64(max(r.Every, 1))
	switch r.Unit {
	case Hour:
		return floorDiv(l-r.start(0), every*60*60)
	case Week:
		return floorDiv(l-r.start(0), every*7*secondsPerDay)
	case Month:
		d := dateOf(floorDiv(l, secondsPerDay))
		months := int64(d.Year-r.From.Year)*12 + int64(d.Month) - int64(r.From.Month)
		return floorDiv(months, every)
	default:
		return floorDiv(l-r.start(0), every*secondsPerDay)
	}
}

// user returns who has turn k.
func (r *Rotation) user(users []UserID, k int64) UserID {
	return users[floorMod(k, int64(len(users)))]
}
