package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/wait"
)

func TestAWaitEndsWithItsTimeOrWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		for _, tc := range []struct {
			d     time.Duration
			holds bool
			after time.Duration // since the begin
		}{
			{time.Minute, true, time.Minute},
			{0, true, time.Minute},
			{time.Minute, false, 90 * time.Second},
			{time.Minute, false, 90 * time.Second},
			{0, false, 90 * time.Second},
		} {
			if got := wait.For(ctx, tc.d); got != tc.holds || time.Since(begin) != tc.after {
				t.Errorf("for %v: got %v after %v, want %v after %v", tc.d, got, time.Since(begin), tc.holds, tc.after)
			}
		}
	})
}
