package access

import (
	"sync"
	"time"
)

const (
	believed      = 5 * time.Second // how long a session or token is what it was found to be
	maxRemembered = 10_000
)

// memory remembers for a moment who a session is, by its hash, or a token, by
// its prefix and hash: one is never taken for the other.
type memory struct {
	mu    sync.Mutex
	round uint64
	who   map[string]remembered
}

type remembered struct {
	p     Principal
	until time.Time
}

func newMemory() *memory { return &memory{who: map[string]remembered{}} }

// of returns who that is; round is to be handed to keep.
func (m *memory) of(hash string, now time.Time) (p Principal, round uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.who[hash]
	if ok && now.Before(r.until) {
		return r.p, m.round, true
	}
	return Principal{}, m.round, false
}

// keep remembers p, unless something was forgotten since round: then p may have
// been read before that.
func (m *memory) keep(hash string, p Principal, until time.Time, round uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.round != round {
		return
	}
	if len(m.who) >= maxRemembered {
		clear(m.who)
	}
	m.who[hash] = remembered{p, until}
}

// forget forgets everything: changes are rare, and reading anew is cheap.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.round++
	clear(m.who)
}
