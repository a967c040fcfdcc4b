package due

import (
	"context"
	"time"

	"toban/store"
)

const (
	// horizon is how far ahead waits are kept in memory; later ones are read in
	// time, so that a million far waits cost nothing.
	horizon = 10 * time.Minute
	// sweepEvery is how often rows that the heap has missed are looked for.
	sweepEvery = 5 * time.Second
	// pageSize is how many rows are read at a time when the heap is loaded.
	pageSize = 50_000
	// missedSize is how many missed rows a sweep finds at most.
	missedSize = 1000
)

// Reload reads this node's rows again, soon: after the node has joined anew,
// which may mean that others have taken rows of it meanwhile.
func (q *Queue) Reload() {
	select {
	case q.swept <- struct{}{}:
	default: // it is already on its way
	}
}

// sweep loads the heap, keeps it filled up to the horizon, and finds rows that
// are overdue without being known here.
func (q *Queue) sweep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	loaded := false // the rows up to the horizon have been read
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.swept:
			loaded = false
		case <-timer.C:
		}
		next := sweepEvery
		if err := q.sweepOnce(ctx, !loaded); err == nil {
			loaded = true
		} else if ctx.Err() == nil {
			next = time.Second
			q.log.Warn("due rows were not read", "again_in", next, "err", err)
		}
		timer.Reset(next)
	}
}

func (q *Queue) sweepOnce(ctx context.Context, load bool) error {
	now := time.Now()
	q.mu.Lock()
	if q.horizon.Sub(now) < horizon/2 {
		load = true
	}
	before, limit := now, missedSize
	if load {
		// First the horizon, then the rows: what is committed in between is hinted.
		q.horizon = now.Add(horizon)
		before, limit = q.horizon, q.page
	} else {
		limit += q.known(now) // those come first and must not hide the missed ones
	}
	q.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, handlerTime)
	defer cancel()
	var timers []store.Timer
	var outbox []store.OutboxHint
	err := q.db.Read(ctx, func(tx *store.Tx) (err error) {
		if timers, err = tx.OwnTimers(ctx, before, limit); err != nil {
			return err
		}
		if q.outbox != nil {
			outbox, err = tx.OwnOutbox(ctx, before, limit)
		}
		return err
	})
	if err != nil {
		return err
	}
	q.found(timers, outbox)
	if load && len(timers) >= limit {
		q.readTo(timers[len(timers)-1].DueAt)
	}
	if load && len(outbox) >= limit {
		q.readTo(outbox[len(outbox)-1].DueAt)
	}
	return nil
}

// readTo notes that not all rows were read, so that the next sweep reads on.
func (q *Queue) readTo(due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if due.Before(q.horizon) {
		q.horizon = due
	}
}

// known counts what is known to be overdue: waiting for a worker, in hand, or
// put back after a failure, or of a kind that has no handler here.
func (q *Queue) known(now time.Time) (n int) {
	n = q.foreign
	for _, k := range q.order {
		n += k.waits.overdue(now) + len(k.inHand) + len(k.failing)
	}
	return n
}

// found takes rows that were read a moment ago. One that has been handled since
// costs a look for nothing.
func (q *Queue) found(timers []store.Timer, outbox []store.OutboxHint) {
	q.mu.Lock()
	defer q.mu.Unlock()
	early := false
	q.foreign = 0
	for _, t := range timers {
		k := q.kinds[t.Kind]
		if k == nil {
			q.foreign++
			continue
		}
		early = q.foundOne(k, t.Ref, t.DueAt) || early
	}
	for _, o := range outbox {
		early = q.foundOne(q.outbox, string(o.ID), o.DueAt) || early
	}
	if early {
		q.nudge()
	}
}

// foundOne is hint for a row that is still there because a handler is at it.
func (q *Queue) foundOne(k *kind, ref string, due time.Time) (early bool) {
	if _, busy := k.inHand[ref]; busy {
		return false
	}
	return q.hint(k, ref, due)
}
