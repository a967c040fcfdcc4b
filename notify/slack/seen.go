package slack

import (
	"sync"
	"time"
)

// seen remembers what Slack has said, since it says it again when it is not
// answered in time.
type seen struct {
	mu   sync.Mutex
	when map[string]time.Time
}

const (
	seenFor = 10 * time.Minute // longer than Slack repeats anything
	maxSeen = 20_000
)

// first reports whether key is heard for the first time.
func (s *seen) first(key string) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.when[key]; ok && now.Sub(at) < seenFor {
		return false
	}
	if s.when == nil {
		s.when = map[string]time.Time{}
	}
	if len(s.when) >= maxSeen {
		for k, at := range s.when {
			if now.Sub(at) >= seenFor || len(s.when) >= maxSeen {
				delete(s.when, k)
			}
		}
	}
	s.when[key] = now
	return true
}
