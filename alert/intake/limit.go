package intake

import (
	"sync"

	"golang.org/x/time/rate"

	"toban/oncall"
)

// What a sender may do when its integration says nothing: requests a second,
// and how many at once. An alert storm fits; a runaway loop does not.
const (
	defaultRate  = 1000
	defaultBurst = 5000
)

// Wrong keys from one address: as many at once, and as many a second.
const (
	guessBurst = 20
	guessRate  = 1
)

// maxLimiters bounds the addresses and integrations that are counted.
const maxLimiters = 10_000

// limits holds the token buckets of senders and of addresses that guess keys.
type limits struct {
	mu      sync.Mutex
	senders map[oncall.IntegrationID]*rate.Limiter
	guesses map[string]*rate.Limiter
}

func newLimits() *limits {
	return &limits{senders: map[oncall.IntegrationID]*rate.Limiter{}, guesses: map[string]*rate.Limiter{}}
}

// allow takes one request off in's allowance.
func (l *limits) allow(in *oncall.Integration) bool {
	per, burst := in.Rate, in.Burst
	if per <= 0 {
		per = defaultRate
	}
	if burst <= 0 {
		burst = max(defaultBurst, int(per))
	}
	l.mu.Lock()
	bucket, ok := l.senders[in.ID]
	if !ok || bucket.Limit() != rate.Limit(per) || bucket.Burst() != burst {
		if len(l.senders) >= maxLimiters {
			clear(l.senders)
		}
		bucket = rate.NewLimiter(rate.Limit(per), burst)
		l.senders[in.ID] = bucket
	}
	l.mu.Unlock()
	return bucket.Allow()
}

// guess counts a wrong key from addr and reports whether it is still bearable.
func (l *limits) guess(addr string) bool {
	l.mu.Lock()
	bucket, ok := l.guesses[addr]
	if !ok {
		if len(l.guesses) >= maxLimiters {
			clear(l.guesses)
		}
		bucket = rate.NewLimiter(guessRate, guessBurst)
		l.guesses[addr] = bucket
	}
	l.mu.Unlock()
	return bucket.Allow()
}
