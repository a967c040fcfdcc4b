package store

import (
	"context"
	"fmt"
)

const raiseCounter = `
	INSERT INTO counters(name, next) VALUES ($1, CAST($2 AS BIGINT) + 1)
	ON CONFLICT (name) DO UPDATE SET next = counters.next + excluded.next - 1
	RETURNING next`

// NextCounter takes n numbers of the named counter and returns the first of
// them; a counter begins at 1.
func (tx *Tx) NextCounter(ctx context.Context, name string, n int64) (first int64, err error) {
	var next int64
	if _, err := tx.one(ctx, raiseCounter, []any{name, n}, &next); err != nil {
		return 0, fmt.Errorf("counter %s: %w", name, err)
	}
	return next - n, nil
}
