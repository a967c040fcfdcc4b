package store

import "sync"

// publisher tells subscribers what commits have left to be done, in the order of
// the commits where that matters: of two transactions that wrote the same row
// the second could only do so after the first had committed, so a ticket drawn
// before the commit is lower in the first.
type publisher struct {
	mu          sync.Mutex
	drawn       int64
	told        int64
	waiting     map[int64]Wake // committed, but a lower ticket is still out
	subscribers map[int64]func(Wake)
	names       int64
}

// draw takes a ticket. Every ticket has to be handed to done.
func (p *publisher) draw() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drawn++
	return p.drawn
}

// done hands in the ticket of a transaction that committed, or with an empty
// Wake of one that did not.
func (p *publisher) done(ticket int64, w Wake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[int64]Wake{}
	}
	p.waiting[ticket] = w
	for {
		next, ok := p.waiting[p.told+1]
		if !ok {
			return
		}
		p.told++
		delete(p.waiting, p.told)
		if len(next.Timers) == 0 && len(next.Outbox) == 0 && len(next.Changes) == 0 {
			continue
		}
		for _, tell := range p.subscribers {
			tell(next)
		}
	}
}

func (p *publisher) subscribe(f func(Wake)) (cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subscribers == nil {
		p.subscribers = map[int64]func(Wake){}
	}
	p.names++
	name := p.names
	p.subscribers[name] = f
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subscribers, name)
	}
}
