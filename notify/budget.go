package notify

import (
	"time"
)

// budget is what providers bear now, counted down within one transaction that
// claims: the transaction may run again, so nothing is taken from a provider
// before it is committed.
type budget struct {
	d    *Dispatcher
	now  time.Time
	left map[string]int
	next map[string]time.Time
}

func (d *Dispatcher) budget() *budget {
	return &budget{d: d, now: time.Now(), left: map[string]int{}, next: map[string]time.Time{}}
}

// busy is when a provider with too much under way is tried again.
const busy = 20 * time.Millisecond

// spend takes one message for p; false says when to try again. d.mu is held.
func (b *budget) spend(p Provider) (ok bool, next time.Time) {
	if _, known := b.left[p.Name]; !known {
		b.read(p)
	}
	if b.left[p.Name] <= 0 {
		return false, b.next[p.Name]
	}
	b.left[p.Name]--
	return true, time.Time{}
}

func (b *budget) read(p Provider) {
	known := b.d.of(p)
	left, next := b.d.o.Concurrency-known.sending, b.now.Add(busy)
	if l := known.limit; l != nil {
		tokens := l.TokensAt(b.now)
		if int(tokens) < left {
			left = int(tokens)
			missing := 1 - (tokens - float64(left))
			next = b.now.Add(max(time.Duration(missing/float64(l.Limit())*float64(time.Second)), time.Millisecond))
		}
	}
	b.left[p.Name], b.next[p.Name] = left, next
}

// begun notes that a message is about to be sent by p.
func (d *Dispatcher) begun(p Provider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.of(p)
	known.sending++
	if known.limit != nil {
		known.limit.AllowN(time.Now(), 1)
	}
}

// ended notes that the provider has answered, or never will.
func (d *Dispatcher) ended(p Provider) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(p).sending--
	d.nudge()
}
