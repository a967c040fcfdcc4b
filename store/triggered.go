package store

import (
	"context"
	"fmt"
	"time"
)

const countTriggered = `
	SELECT COUNT(*) FROM (SELECT id FROM incidents WHERE triggered_at >= $1 AND triggered_at < $2 LIMIT $3) AS v`

// CountTriggered is how many incidents were triggered from one moment until
// before another. It stops at most: a night with a million is not walked through
// to be drawn.
func (tx *Tx) CountTriggered(ctx context.Context, from, to time.Time, most int) (n int, err error) {
	if _, err := tx.one(ctx, countTriggered, []any{from.UnixMilli(), to.UnixMilli(), most}, &n); err != nil {
		return 0, fmt.Errorf("incidents triggered: %w", err)
	}
	return n, nil
}
