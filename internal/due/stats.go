package due

import (
	"time"
)

// Stats is what a queue can say about itself.
type Stats struct {
	Waiting int // hints in memory, up to 10 min ahead
	Overdue int // of those, due and not yet in hand
	InHand  int // refs that handlers are at
	Failing int // refs that have failed and are tried again
	Kinds   map[string]KindStats
}

// Outbox is the kind under which outbox rows are counted.
const Outbox = "outbox"

// KindStats count what became of a kind since the start, but for Waiting; Outbox
// is one.
type KindStats struct {
	Waiting int   // hints in memory now
	Fired   int64 // refs handled and committed; ids given to whoever claims
	Gone    int64 // hints whose row was gone, another's or not due
	Failed  int64 // failures of single refs
	Late    Lateness
}

// bounds are the upper bounds of the buckets of Lateness; the last bucket has
// none.
var bounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Lateness counts how late refs were handled: from when they were due until the
// beginning of the transaction that handled them.
type Lateness struct {
	Counts [len(bounds) + 1]int64 // by bucket, see Bound
	Sum    time.Duration
}

// Bound returns the upper bound of the i-th bucket, which is included; ok is
// false for the last one, which has none.
func (l Lateness) Bound(i int) (d time.Duration, ok bool) {
	if i < len(bounds) {
		return bounds[i], true
	}
	return 0, false
}

// Bounds are the upper bounds of the buckets of a Lateness, in seconds; the last
// bucket has none.
func Bounds() []float64 {
	all := make([]float64, len(bounds))
	for i, b := range bounds {
		all[i] = b.Seconds()
	}
	return all
}

func (l *Lateness) observe(d time.Duration) {
	d = max(d, 0) // both ends are cut to the millisecond
	l.Sum += d
	for i, b := range bounds {
		if d <= b {
			l.Counts[i]++
			return
		}
	}
	l.Counts[len(bounds)]++
}

// Stats returns the counts of now.
func (q *Queue) Stats() Stats {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{Kinds: make(map[string]KindStats, len(q.order))}
	for _, k := range q.order {
		s.Waiting += k.waits.len()
		s.Overdue += k.waits.overdue(now)
		s.InHand += len(k.inHand)
		s.Failing += len(k.failing)
		of := k.stats
		of.Waiting = k.waits.len()
		s.Kinds[k.name] = of
	}
	return s
}
