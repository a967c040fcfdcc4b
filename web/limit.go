package web

import (
	"sync"
	"time"
)

// limiter counts what is asked by key, in windows of a minute. It is bounded:
// with too many keys in one window the rest is refused as well. So what anybody
// can make keys of has a limiter of its own.
type limiter struct {
	mu    sync.Mutex
	since time.Time
	n     map[string]int
}

const (
	limitWindow = time.Minute
	limitKeys   = 20_000
)

func newLimiter() *limiter { return &limiter{n: map[string]int{}} }

// allow counts one more of key, and reports whether that is at most most in this
// window; if not, wait says until when.
func (l *limiter) allow(key string, most int, at time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Sub(l.since) >= limitWindow || at.Before(l.since) {
		l.since, l.n = at, map[string]int{}
	}
	if _, known := l.n[key]; !known && len(l.n) >= limitKeys {
		return false, limitWindow - at.Sub(l.since)
	}
	l.n[key]++
	return l.n[key] <= most, limitWindow - at.Sub(l.since)
}
