package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

const upsertTimers = `
	INSERT INTO timers(kind, ref, due_at, owner) VALUES ($1, $2, $3, $4)
	ON CONFLICT (ref, kind) DO UPDATE SET due_at = excluded.due_at, owner = excluded.owner`

// PutTimers writes waits, in place of what the same kind and ref waited for
// before; of several for the same in one call the last counts. This node becomes
// their owner, and its subscribers are told after the commit.
func (tx *Tx) PutTimers(ctx context.Context, timers ...Timer) error {
	if len(timers) == 0 {
		return nil
	}
	timers = lastOfEach(timers)
	args := make([]any, 0, 4*len(timers))
	for _, t := range timers {
		args = append(args, t.Kind, t.Ref, t.DueAt.UnixMilli(), tx.db.node)
	}
	if err := tx.laterSet(ctx, upsertTimers, 4, args); err != nil {
		return fmt.Errorf("timers: %w", err)
	}
	tx.wake.Timers = append(tx.wake.Timers, timers...)
	return nil
}

// lastOfEach leaves one timer of each kind and ref, in the order in which
// everybody locks their rows.
func lastOfEach(timers []Timer) []Timer {
	if len(timers) == 1 {
		return timers
	}
	list := slices.Clone(timers)
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b Timer) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Kind, b.Kind))
	})
	return slices.CompactFunc(list, func(a, b Timer) bool { return a.Kind == b.Kind && a.Ref == b.Ref })
}

const deleteTimers = `DELETE FROM timers WHERE ref IN ($1) AND kind = $2`

// DeleteTimers ends waits, whoever owns them.
func (tx *Tx) DeleteTimers(ctx context.Context, kind string, refs ...string) error {
	err := tx.queryIn(ctx, deleteTimers, ids(refs), func(row) error { return nil }, kind)
	if err != nil {
		return fmt.Errorf("timers: %w", err)
	}
	return nil
}

// As expressions owner and due_at are no terms for an index: it would be that of
// everything that is due, walked through for a few rows of it. A row that
// somebody else is just writing is left out, so that two who take or write
// several never wait for each other.
const takeTimers = `
	DELETE FROM timers WHERE kind = $2 AND ref IN
		(SELECT ref FROM timers WHERE ref IN ($1) AND kind = $2 AND owner || '' = $3 AND due_at + 0 <= $4 ORDER BY ref ` + markSkip + `)
	RETURNING ref`

// TakeTimers deletes those of the waits that this node owns and that are due,
// and returns their refs: who gets a ref here handles it in tx. One that another
// transaction is just writing is not taken.
func (tx *Tx) TakeTimers(ctx context.Context, kind string, refs []string) ([]string, error) {
	taken := make([]string, 0, len(refs))
	err := tx.queryIn(ctx, takeTimers, ids(refs), func(rows row) error {
		var ref string
		err := rows.Scan(&ref)
		taken = append(taken, ref)
		return err
	}, kind, tx.db.node, tx.Now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("timers: %w", err)
	}
	return taken, nil
}

const selectOwnTimers = `SELECT kind, ref, due_at FROM timers WHERE owner = $1 AND due_at < $2 ORDER BY due_at LIMIT $3`

// OwnTimers returns at most limit waits of this node that are due before that
// time, the earliest first.
func (tx *Tx) OwnTimers(ctx context.Context, before time.Time, limit int) ([]Timer, error) {
	var list []Timer
	err := tx.all(ctx, selectOwnTimers, func(rows row) error {
		t, err := scanTimer(rows)
		list = append(list, t)
		return err
	}, tx.db.node, before.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("own timers: %w", err)
	}
	return list, nil
}

func scanTimer(rows row) (t Timer, err error) {
	return t, rows.Scan(&t.Kind, &t.Ref, (*millis)(&t.DueAt))
}

const adoptTimers = `
	UPDATE timers SET owner = $1
	WHERE owner = $2 AND (ref, kind) IN
		(SELECT ref, kind FROM timers WHERE owner = $2 ORDER BY due_at LIMIT $3 ` + markSkip + `)
	RETURNING kind, ref, due_at`

const adoptDueOutbox = `
	UPDATE outbox SET owner = $1
	WHERE id IN (SELECT id FROM outbox WHERE owner = $2 AND state = 'due' ORDER BY due_at LIMIT $3 ` + markSkip + `)
	RETURNING id, due_at`

const adoptClaimedOutbox = `
	UPDATE outbox SET owner = $1
	WHERE id IN (SELECT id FROM outbox WHERE owner = $2 AND state = 'claimed' LIMIT $3 ` + markSkip + `)`

// AdoptRows makes at most limit timers, at most limit due and at most limit
// claimed outbox rows of a dead node this node's own, and returns the timers and
// the due rows. Subscribers are told of them as well, after the commit. An empty
// Wake means that no timer and no due row is left but what another node is
// adopting now; the deliveries of claimed rows are then OpenDeliveries here.
func (tx *Tx) AdoptRows(ctx context.Context, dead string, limit int) (Wake, error) {
	var w Wake
	err := tx.all(ctx, adoptTimers, func(rows row) error {
		t, err := scanTimer(rows)
		w.Timers = append(w.Timers, t)
		return err
	}, tx.db.node, dead, limit)
	if err != nil {
		return Wake{}, fmt.Errorf("timers of %s: %w", dead, err)
	}
	err = tx.all(ctx, adoptDueOutbox, func(rows row) error {
		var hint OutboxHint
		err := rows.Scan(&hint.ID, (*millis)(&hint.DueAt))
		w.Outbox = append(w.Outbox, hint)
		return err
	}, tx.db.node, dead, limit)
	if err != nil {
		return Wake{}, fmt.Errorf("outbox of %s: %w", dead, err)
	}
	if _, err := tx.do(ctx, adoptClaimedOutbox, tx.db.node, dead, limit); err != nil {
		return Wake{}, fmt.Errorf("outbox of %s: %w", dead, err)
	}
	tx.wake.Timers = append(tx.wake.Timers, w.Timers...)
	tx.wake.Outbox = append(tx.wake.Outbox, w.Outbox...)
	tx.wake.Changes = append(tx.wake.Changes, w.Changes...)
	return w, nil
}
