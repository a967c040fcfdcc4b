package jq

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

func TestMemoryThatGrowsCancels(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stop := watchMemory(cancel, 1<<20)
	defer stop()
	var grown [][]byte
	for start := time.Now(); ctx.Err() == nil && time.Since(start) < 10*time.Second; {
		if len(grown) < 64 {
			grown = append(grown, make([]byte, 1<<20))
		}
		runtime.Gosched()
	}
	if got := context.Cause(ctx); !errors.Is(got, ErrMemory) {
		t.Errorf("got %v after %d MiB, want %v", got, len(grown), ErrMemory)
	}
}
