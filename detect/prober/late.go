package prober

import (
	"slices"
	"sync"
	"time"
)

// lateness remembers how late the last checks began.
type lateness struct {
	mu   sync.Mutex
	ring [4096]time.Duration
	n    int // ever added
}

func (l *lateness) add(d time.Duration) {
	l.mu.Lock()
	l.ring[l.n%len(l.ring)] = d
	l.n++
	l.mu.Unlock()
}

func (l *lateness) percentiles() (p50, p99, worst time.Duration) {
	l.mu.Lock()
	all := slices.Clone(l.ring[:min(l.n, len(l.ring))])
	l.mu.Unlock()
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	last := len(all) - 1
	return all[last/2], all[last*99/100], all[last]
}
