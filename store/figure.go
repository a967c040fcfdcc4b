package store

import (
	"context"
	"fmt"
	"time"

	"toban/internal/metric"
)

// figures are what a store counts by itself.
type figures struct {
	batch  *metric.Histogram
	commit *metric.Histogram
}

func newFigures(r *metric.Registry) figures {
	return figures{
		batch: r.Histogram("toban_store_batch_size", "Signals and transactions that share one commit.",
			[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}),
		commit: r.Histogram("toban_store_commit_seconds", "Time from the beginning of a transaction that writes until its commit has been synced.",
			[]float64{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5}),
	}
}

// committed counts one commit that began then.
func (f figures) committed(size int, began time.Time) {
	f.batch.Observe(float64(size))
	f.commit.Observe(time.Since(began).Seconds())
}

// Waiting returns how many signals and transactions of this process wait for
// their turn to be written.
func (db *DB) Waiting() int { return db.engine.waiting() }

// Standing is how much there is of what waits and of what is open.
type Standing struct {
	Incidents map[string]int // that are open, by state; of all nodes
	Lost      int            // of those, without a next action; of all nodes, at most MaxLost
	Overdue   map[string]int // timers of this node that are overdue, by kind
	Due       int            // outbox rows of this node that are to be claimed
	Claimed   int            // and that are in hand
}

// MaxLost is up to how many Standing counts incidents without a next action.
const MaxLost = 1000

const (
	countOpenStates = `SELECT state, COUNT(*) FROM incidents WHERE resolved_at IS NULL AND triggered_at > 0 GROUP BY state`
	countOverdue    = `SELECT kind, COUNT(*) FROM timers WHERE owner = $1 AND due_at < $2 GROUP BY kind`
	countDue        = `SELECT COUNT(*) FROM outbox WHERE owner = $1 AND state = 'due'`
	countClaimed    = `SELECT COUNT(*) FROM outbox WHERE owner = $1 AND state = 'claimed'`
)

// Standing counts by index, what is open and what waits alone: it takes as long
// as that is much, not as there ever was. Timers due before overdue are, and an
// incident triggered before grace ought to have a next action.
func (tx *Tx) Standing(ctx context.Context, overdue, grace time.Time) (s Standing, err error) {
	if s.Incidents, err = tx.counts(ctx, countOpenStates); err != nil {
		return s, fmt.Errorf("open incidents: %w", err)
	}
	if s.Overdue, err = tx.counts(ctx, countOverdue, tx.db.node, overdue.UnixMilli()); err != nil {
		return s, fmt.Errorf("overdue timers: %w", err)
	}
	if _, err = tx.one(ctx, countDue, []any{tx.db.node}, &s.Due); err != nil {
		return s, fmt.Errorf("outbox: %w", err)
	}
	if _, err = tx.one(ctx, countClaimed, []any{tx.db.node}, &s.Claimed); err != nil {
		return s, fmt.Errorf("outbox: %w", err)
	}
	lost, err := tx.Lost(ctx, grace, MaxLost)
	s.Lost = len(lost)
	return s, err
}

func (tx *Tx) counts(ctx context.Context, statement string, args ...any) (map[string]int, error) {
	found := map[string]int{}
	err := tx.all(ctx, statement, func(rows row) error {
		var name string
		var n int
		err := rows.Scan(&name, &n)
		found[name] = n
		return err
	}, args...)
	return found, err
}
