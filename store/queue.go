package store

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// maxBatch is how many signals are committed at once, at most. There is no
// waiting for more: a committer takes what is there.
const maxBatch = 256

// slow is how long a signal may have waited before the store counts as
// overloaded.
const slow = 2 * time.Second

// queue holds signals that wait for a committer.
type queue struct {
	mu     sync.Mutex
	items  []*item
	closed bool
	wake   chan struct{} // holds a token while the committer has something to look at
	oldest atomic.Int64  // when the longest waiting one came, Unix nanoseconds; zero = none waits
}

// push adds items unless more than limit would wait.
func (q *queue) push(limit int, items ...*item) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if len(q.items)+len(items) > limit && len(q.items) > 0 {
		return ErrOverloaded
	}
	if len(q.items) == 0 {
		q.oldest.Store(items[0].call.came.UnixNano())
	}
	q.items = append(q.items, items...)
	q.notify()
	return nil
}

func (q *queue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes at most n items, those that came first. An item whose caller has
// given up meanwhile is left out: nobody was told that it is kept.
func (q *queue) take(n int) []*item {
	runtime.Gosched() // let the callers of the batch before come back: they go into this one

	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.items))
	taken := make([]*item, 0, n)
	for _, it := range q.items[:n] {
		if it.call.begin() {
			taken = append(taken, it)
		}
	}
	clear(q.items[:n])
	if q.items = q.items[n:]; len(q.items) == 0 {
		q.items = nil
		q.oldest.Store(0)
	} else {
		q.oldest.Store(q.items[0].call.came.UnixNano())
	}
	return taken
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// close refuses what comes from now on; what waits is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.notify()
}

// finished reports whether nothing waits and nothing will.
func (q *queue) finished() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.items) == 0
}

// late reports whether something has waited for too long.
func (q *queue) late() bool {
	since := q.oldest.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > slow
}

// call is one caller of Accept who waits for all of its items.
type call struct {
	came    time.Time
	state   atomic.Int32 // fresh, begun or left
	pending atomic.Int32
	done    chan struct{} // closed when no item is pending
	results []Accepted
	errs    []error
}

const (
	fresh = iota
	begun // some item is or was in a batch
	left  // the caller gave up before any was
)

// begin reports whether the caller still waits, and keeps it from leaving
// without a word from now on.
func (c *call) begin() bool {
	return c.state.CompareAndSwap(fresh, begun) || c.state.Load() == begun
}

// leave gives up unless an item has begun.
func (c *call) leave() bool { return c.state.CompareAndSwap(fresh, left) }

// finish says what became of the item.
func (it *item) finish(err error) {
	if err != nil {
		it.call.errs[it.at] = err
		it.result = Accepted{}
	}
	it.call.results[it.at] = it.result
	if it.call.pending.Add(-1) == 0 {
		close(it.call.done)
	}
}
