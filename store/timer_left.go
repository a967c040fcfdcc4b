package store

import (
	"context"
)

const selectTimersOf = `
	SELECT ref, due_at FROM timers WHERE ref IN ($1) AND kind = $2 AND owner || '' = $3` // as an expression, so that not all of the owner's are walked through

// TimersOf returns those of the waits that this node owns, due or not: what is
// to be known of refs that TakeTimers did not give.
func (tx *Tx) TimersOf(ctx context.Context, kind string, refs []string) ([]Timer, error) {
	byRef := make(map[string]Timer, len(refs))
	err := tx.queryIn(ctx, selectTimersOf, ids(refs), func(rows row) error {
		t := Timer{Kind: kind}
		err := rows.Scan(&t.Ref, (*millis)(&t.DueAt))
		byRef[t.Ref] = t
		return err
	}, kind, tx.db.node)
	if err != nil {
		return nil, err
	}
	timers := make([]Timer, 0, len(byRef))
	for _, ref := range refs {
		if t, ok := byRef[ref]; ok {
			timers = append(timers, t)
			delete(byRef, ref)
		}
	}
	return timers, nil
}
