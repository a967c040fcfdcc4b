package notify

import (
	"slices"
	"strings"
	"time"
)

// Health is how a provider has done since the process started (R25).
type Health struct {
	Provider  string
	Sent      int64 // messages that it took
	Refused   int64 // for good: bad address, bad configuration
	Throttled int64
	Failed    int64    // transient and ambiguous
	Failures  Failures // the same by class
	Undone    int64    // messages that were given up
	Looked    int64    // times that the fate of a message was looked up
	Sending   int      // under way now
	LastSent  time.Time
	LastError time.Time
	LastCode  string
	Slowest   time.Duration // of the requests that were answered
}

// Failures are requests that a provider did not take, by Class.
type Failures struct {
	BadAddress, BadConfig, Throttled, Transient, Ambiguous int64
}

// Each calls f with every class and its count.
func (n Failures) Each(f func(class Class, n int64)) {
	f(BadAddress, n.BadAddress)
	f(BadConfig, n.BadConfig)
	f(Throttled, n.Throttled)
	f(Transient, n.Transient)
	f(Ambiguous, n.Ambiguous)
}

// Healths returns the health of every provider that was used, by name.
func (d *Dispatcher) Healths() []Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Health, 0, len(d.providers))
	for _, p := range d.providers {
		h := p.health
		h.Sending = p.sending
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Health) int { return strings.Compare(a.Provider, b.Provider) })
	return all
}

// note counts what a provider answered.
func (d *Dispatcher) note(p Provider, took time.Duration, f *Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(p).health.Note(took, f)
}

// Note counts an answer that took so long; f is nil where the provider took the
// message.
func (h *Health) Note(took time.Duration, f *Failure) {
	if f == nil {
		h.Sent++
		h.LastSent = time.Now()
		h.Slowest = max(h.Slowest, took)
		return
	}
	h.LastError, h.LastCode = time.Now(), f.Code
	switch f.Class {
	case BadAddress:
		h.Refused++
		h.Failures.BadAddress++
	case BadConfig:
		h.Refused++
		h.Failures.BadConfig++
	case Throttled:
		h.Throttled++
		h.Failures.Throttled++
	case Transient:
		h.Failed++
		h.Failures.Transient++
	default:
		h.Failed++
		h.Failures.Ambiguous++
	}
}

func (d *Dispatcher) count(p Provider, add func(h *Health)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	add(&d.of(p).health)
}
