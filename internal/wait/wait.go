// Package wait waits for a span of time, or less when there is nothing to wait
// for any more.
package wait

import (
	"context"
	"time"
)

// For waits for d and reports whether ctx still holds; when it ends before, the
// wait does.
func For(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
