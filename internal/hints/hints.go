// Package hints says of which rows something may have to be done, so that it is
// done at once. They are in memory alone: one that gets lost is found by the timer
// of its row.
package hints

import "sync"

// Set is what has been hinted at and not taken yet.
type Set[K comparable] struct {
	mu    sync.Mutex
	keys  map[K]bool
	ready chan struct{}
}

// New returns an empty Set.
func New[K comparable]() *Set[K] {
	return &Set[K]{keys: map[K]bool{}, ready: make(chan struct{}, 1)}
}

// Add hints at keys; each is there once.
func (s *Set[K]) Add(keys ...K) {
	if len(keys) == 0 {
		return
	}
	s.mu.Lock()
	for _, key := range keys {
		s.keys[key] = true
	}
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default: // it is already on its way
	}
}

// Ready has something after keys were added. It may be that they are taken by
// then.
func (s *Set[K]) Ready() <-chan struct{} { return s.ready }

// Take takes out at most n of them, in any order.
func (s *Set[K]) Take(n int) (keys []K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.keys {
		if len(keys) == n {
			break
		}
		keys = append(keys, key)
		delete(s.keys, key)
	}
	return keys
}
