package due

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// maxTrouble bounds how long nothing is tried while the store takes nothing.
	maxTrouble = time.Second
	// suspect is how often the store may refuse a batch before its refs are tried
	// one by one: perhaps one of them is what it cannot take.
	suspect = 3
	// secondLook is when a row is looked at again that was due and could not be
	// taken, because another transaction has it locked.
	secondLook = 20 * time.Millisecond
)

// failure is what is remembered of a ref until it has succeeded.
type failure struct {
	times     int
	single    bool // to be tried by itself
	notBefore time.Time
}

// alone reports whether ref makes a batch by itself.
func (k *kind) alone(ref string) bool {
	f := k.failing[ref]
	return f != nil && f.single
}

// trouble is the state of a store that takes nothing.
type trouble struct {
	times int
	until time.Time
}

// fireTimers takes the rows of batch and has them handled, in one transaction;
// what fails is taken apart until what cannot be handled is alone.
func (q *Queue) fireTimers(ctx context.Context, k *kind, batch []*wait) {
	if ctx.Err() != nil {
		return // the rows stay and are loaded at the next start
	}
	var at time.Time
	var taken []string
	var left []store.Timer
	var handled error // what the handler said
	called := false
	err := func() error {
		// A transaction that has begun may end; waiting for its turn has a bound of
		// its own, so that who hangs does not use up the time of who waits for him.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
		defer cancel()
		return q.db.Tx(ctx, func(tx *store.Tx) (err error) {
			ctx, cancel := context.WithTimeout(ctx, handlerTime)
			defer cancel()
			called, handled, left, at = false, nil, nil, tx.Now // it may run again
			if taken, err = tx.TakeTimers(ctx, k.name, refsOf(batch)); err != nil {
				return err
			}
			var rest []string
			if taken, rest = split(batch, taken); len(rest) > 0 {
				if left, err = tx.TimersOf(ctx, k.name, rest); err != nil {
					return err
				}
			}
			if len(taken) == 0 {
				return nil
			}
			called = true
			handled = safely(func() error { return k.handle(ctx, tx, taken) })
			return handled
		})
	}()
	switch {
	case err == nil:
		q.fired(k, batch, taken, at)
		q.lookAgain(k, left)
	case !called || handled == nil:
		q.refused(k, batch, err)
	case len(batch) == 1:
		q.failed(k, batch[0], err)
	case errors.Is(err, context.DeadlineExceeded):
		// Halving would wait for the one that hangs at each step.
		q.putBack(k, batch, time.Now(), func(f *failure) { f.single = true })
		q.log.Warn("due work took too long; it is tried one by one", "kind", k.name, "refs", len(batch), "err", err)
	default:
		half := len(batch) / 2
		q.fireTimers(ctx, k, batch[:half])
		q.fireTimers(ctx, k, batch[half:])
	}
}

// fireOutbox calls h, which claims the rows itself.
func (q *Queue) fireOutbox(ctx context.Context, k *kind, batch []*wait, h func(context.Context, []oncall.AttemptID)) {
	ids := make([]oncall.AttemptID, len(batch))
	for i, each := range batch {
		ids[i] = oncall.AttemptID(each.ref)
	}
	at := time.Now()
	err := safely(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handlerTime)
		defer cancel()
		h(ctx, ids)
		return nil
	})
	switch {
	case err == nil:
		q.fired(k, batch, refsOf(batch), at)
	case len(batch) == 1:
		q.failed(k, batch[0], err)
	default:
		// What it claimed before it panicked is claimed; the others are tried again.
		q.putBack(k, batch, time.Now().Add(firstRetry), func(f *failure) { f.single = true })
		q.log.Error("claiming failed; it is tried one by one", "kind", k.name, "refs", len(batch), "err", err)
	}
}

// fired notes that taken, a part of batch, was handled at at.
func (q *Queue) fired(k *kind, batch []*wait, taken []string, at time.Time) {
	were := make(map[string]bool, len(taken))
	for _, ref := range taken {
		were[ref] = true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trouble = trouble{}
	for _, each := range batch {
		delete(k.failing, each.ref)
		if were[each.ref] {
			k.stats.Late.observe(at.Sub(each.due))
		}
	}
	k.stats.Fired += int64(len(taken))
	k.stats.Gone += int64(len(batch) - len(taken))
}

// lookAgain takes the hints that follow from what could not be taken: rows that
// are due later than was thought, and rows that another transaction has locked.
func (q *Queue) lookAgain(k *kind, left []store.Timer) {
	soonest := time.Now().Add(secondLook)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range left {
		at := t.DueAt
		switch {
		case at.After(q.horizon):
			continue
		case at.Before(soonest):
			at = soonest
		}
		k.waits.put(t.Ref, t.DueAt, at)
	}
}

// failed puts back the one ref whose handler fails.
func (q *Queue) failed(k *kind, each *wait, err error) {
	q.mu.Lock()
	k.stats.Failed++
	f := q.remember(k, each.ref)
	f.times++
	f.single = true
	delay := retryDelay(f.times)
	f.notBefore = time.Now().Add(delay)
	k.waits.put(each.ref, each.due, f.notBefore)
	q.mu.Unlock()
	q.log.Warn("due work failed", "kind", k.name, "ref", each.ref, "again_in", delay, "err", err)
}

// refused puts back a batch whose transaction did not come about or was not
// committed, for no fault of the handler, and lets the store rest a moment.
func (q *Queue) refused(k *kind, batch []*wait, err error) {
	now := time.Now()
	q.mu.Lock()
	first := now.After(q.trouble.until)
	if first {
		q.trouble.times++
		q.trouble.until = now.Add(min(retryDelay(q.trouble.times), maxTrouble))
	}
	until := q.trouble.until
	q.mu.Unlock()
	q.putBack(k, batch, until, func(f *failure) {
		f.times++
		f.single = f.single || f.times >= suspect
	})
	if first {
		q.log.Warn("the store does not take due work", "kind", k.name, "refs", len(batch), "again_in", until.Sub(now), "err", err)
	}
}

// putBack puts batch back to be tried at at.
func (q *Queue) putBack(k *kind, batch []*wait, at time.Time, change func(*failure)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, each := range batch {
		change(q.remember(k, each.ref))
		k.waits.put(each.ref, each.due, at)
	}
}

func (q *Queue) remember(k *kind, ref string) *failure {
	f := k.failing[ref]
	if f == nil {
		f = &failure{}
		k.failing[ref] = f
	}
	return f
}

// retryDelay is how long to wait after the n-th failure in a row: 100 ms, then
// twice as long each time, at most 30 s.
func retryDelay(n int) time.Duration {
	if n > 9 { // 100 ms doubled 9 times is more than 30 s
		return lastRetry
	}
	return min(firstRetry<<(max(n, 1)-1), lastRetry)
}

// safely turns a panic of f into an error with its stack.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

func refsOf(batch []*wait) []string {
	refs := make([]string, len(batch))
	for i, each := range batch {
		refs[i] = each.ref
	}
	return refs
}

// split divides the refs of batch, in its order, into those in taken and the
// rest.
func split(batch []*wait, taken []string) (in, rest []string) {
	were := make(map[string]bool, len(taken))
	for _, ref := range taken {
		were[ref] = true
	}
	for _, each := range batch {
		if were[each.ref] {
			in = append(in, each.ref)
		} else {
			rest = append(rest, each.ref)
		}
	}
	return in, rest
}
