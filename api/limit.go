package api

import (
	"sync"

	"golang.org/x/time/rate"

	"toban/access"
)

// What one token or session may ask for, and how often an address may show one
// that is none.
const (
	perSecond   = 50
	atOnce      = 200
	guessRate   = 1
	guessAtOnce = 30
	// maxBuckets bounds the memory of who asked; a bucket that is full again is
	// as good as none.
	maxBuckets = 10_000
)

// limits are the token buckets of who asks.
type limits struct {
	mu      sync.Mutex
	callers map[string]*rate.Limiter
	guesses map[string]*rate.Limiter
}

func newLimits() *limits {
	return &limits{callers: map[string]*rate.Limiter{}, guesses: map[string]*rate.Limiter{}}
}

// allow reports whether p may ask again now.
func (l *limits) allow(p access.Principal) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return take(l.callers, identity(p), perSecond, atOnce)
}

// guess reports whether an address may be told again that what it showed is no
// token.
func (l *limits) guess(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return take(l.guesses, address, guessRate, guessAtOnce)
}

func take(buckets map[string]*rate.Limiter, name string, per rate.Limit, burst int) bool {
	bucket := buckets[name]
	if bucket == nil {
		if len(buckets) >= maxBuckets {
			for name, b := range buckets {
				if b.Tokens() >= float64(burst) {
					delete(buckets, name)
				}
			}
		}
		if len(buckets) >= maxBuckets { // that many are busy at this moment: no room for another
			return false
		}
		bucket = rate.NewLimiter(per, burst)
		buckets[name] = bucket
	}
	return bucket.Allow()
}

// identity tells callers apart: tokens and sessions are each one of its own.
func identity(p access.Principal) string {
	switch {
	case p.Token != "":
		return "token " + p.Token
	case p.Session != "":
		return "session " + p.Session
	}
	return "account " + p.Account
}
