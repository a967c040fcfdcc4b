package svg

import (
	"math"
	"time"
)

// scale is the axis of values: what its ends are and where it has lines.
type scale struct {
	low, high float64
	step      float64
	ticks     []float64
}

// lookCloser is the part of the highest value that all values have to lie within
// for an axis that does not begin at zero.
const lookCloser = 0.2

// values is the axis for values between low and high, with about n lines. It
// begins at zero unless that would press a small change flat.
func values(low, high float64, unit Unit, n int) scale {
	if math.IsInf(low, 0) || math.IsInf(high, 0) || low > high { // nothing is there
		low, high = 0, 1
	}
	if max(math.Abs(low), math.Abs(high)) < 1/beyond {
		low, high = 0, 0
	}
	switch {
	case low == high && low == 0:
		high = 1
	case low == high:
		low, high = min(0, low), max(0, high)
	case low > 0 && high-low > lookCloser*high:
		low = 0
	case high < 0 && high-low > lookCloser*-low:
		high = 0
	}
	s := scale{step: unit.nice((high - low) / float64(max(1, n)))}
	if s.step <= 0 || math.IsInf(s.step, 0) || math.IsNaN(s.step) || high+s.step == high || low-s.step == low { // closer together, or further apart, than numbers can be
		pad := max(math.Abs(high)*1e-9, 1e-300)
		return scale{low: low - pad, high: high + pad, step: pad, ticks: []float64{high}}
	}
	s.low, s.high = math.Floor(low/s.step+1e-9)*s.step, math.Ceil(high/s.step-1e-9)*s.step
	first := math.Round(s.low / s.step)
	for i := range int(math.Round(s.high/s.step)-first) + 1 {
		s.ticks = append(s.ticks, (first+float64(i))*s.step)
	}
	return s
}

// decimal is the next of 1, 2, 5, 10, … that is not below step.
func decimal(step float64) float64 {
	if step <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= step*(1-1e-9) {
			return n * power
		}
	}
	return 10 * power
}

const day = 24 * time.Hour

// spans are the distances of lines on the axis of time.
func spans() []time.Duration {
	return []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 7 * day, 14 * day, 28 * day,
	}
}

// moments are the lines of the axis of time, at round times of the clock in
// zone, at most about n.
func moments(from, to time.Time, zone *time.Location, n int) (ticks []time.Time, step time.Duration) {
	for _, step = range spans() {
		if to.Sub(from) <= step*time.Duration(max(1, n)) {
			break
		}
	}
	local := from.In(zone)
	y, m, d := local.Date()
	every, days := int(step/time.Second), max(1, int(step/day))
	const most = 400 // days; a longer axis has no more lines than this
	for past := 0; past <= most*days; past += days {
		for s := 0; s < int(day/time.Second); s += min(every, int(day/time.Second)) {
			t := time.Date(y, m, d+past, 0, 0, s, 0, zone) // by the clock, whatever that does in between
			switch {
			case t.After(to):
				return ticks, step
			case t.Before(from), len(ticks) > 0 && !t.After(ticks[len(ticks)-1]):
				continue
			}
			ticks = append(ticks, t)
		}
	}
	return ticks, step
}
