// Package sweep removes what nobody needs any more from the store, a little
// every minute, on one node: its timer is one row, which belongs to one node and
// is taken over with that node's other rows.
package sweep

import (
	"context"
	"time"

	"toban/internal/due"
	"toban/store"
)

const (
	// every is the time between two sweeps that leave nothing.
	every = time.Minute
	// soon is when a sweep goes on that had more to do than it may at a time.
	soon = time.Second
	// batch is how many rows of a table a sweep removes at most: a few
	// milliseconds, for which others wait.
	batch = 500
	// ref is what is swept; there is one sweep of everything.
	ref = "store"
)

// Start registers the handler of sweeps with q, before q runs, and sets their
// timer.
func Start(ctx context.Context, db *store.DB, q *due.Queue) error {
	q.Handle(store.TimerSweep, due.Options{Batch: 1, Workers: 1, Rank: 4}, sweep)
	return db.Tx(ctx, func(tx *store.Tx) error { return again(ctx, tx, 0) })
}

func sweep(ctx context.Context, tx *store.Tx, refs []string) error {
	if refs[0] != ref {
		return nil // of another version
	}
	_, more, err := tx.Sweep(ctx, batch)
	if err != nil {
		return err
	}
	if more {
		return again(ctx, tx, soon)
	}
	return again(ctx, tx, every)
}

func again(ctx context.Context, tx *store.Tx, after time.Duration) error {
	return tx.PutTimers(ctx, store.Timer{Kind: store.TimerSweep, Ref: ref, DueAt: tx.Now.Add(after)})
}
