package store

import (
	"context"

	"toban/oncall"
)

const selectOutboxRow = `SELECT ` + outboxColumns + ` FROM outbox WHERE id = $1`

// OutboxRowUnlocked returns the row with that id without locking it, or nil.
func (tx *Tx) OutboxRowUnlocked(ctx context.Context, id oncall.AttemptID) (*OutboxRow, error) {
	if !fits(id) {
		return nil, nil
	}
	list, err := tx.outbox(ctx, selectOutboxRow, string(id))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}
