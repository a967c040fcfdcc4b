package chaos

import (
	"slices"
	"time"
)

// judgeHeard measures how long it took until the program knew that a call had
// ended: so long its number is taken for engaged and its person for being
// called. Time before the program was ready does not count. It is a figure, not
// a promise: what the provider does not say has to be asked for.
func judgeHeard(r *record, v *verdict) {
	for _, q := range r.creations() {
		if q.call == nil || q.call.Ended.IsZero() {
			continue
		}
		heard := r.heard[q.delivery]
		if heard.IsZero() {
			v.unheard++
			continue
		}
		from := q.call.Ended
		if ready := r.readySince(heard); ready.After(from) {
			from = ready
		}
		v.heard = append(v.heard, max(heard.Sub(from), 0))
	}
	slices.Sort(v.heard)
}

// quantile returns the value below which that share of sorted durations lies.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)].Round(time.Millisecond)
}
