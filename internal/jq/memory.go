package jq

import (
	"context"
	"errors"
	"runtime/metrics"
	"time"
)

// Memory is by how many bytes toban may grow while programs run. One that makes
// values without end would otherwise end the pager before its time is over.
const Memory = 256 << 20

// look is how often that is looked at; most programs are over before.
const look = 5 * time.Millisecond

// ErrMemory is the cause of a context that Within has ended because of Memory.
var ErrMemory = errors.New("too much memory")

// Within is ctx for programs that may run that long, together, and take no more
// than Memory. stop has to be called when they have ended.
func Within(ctx context.Context, limit time.Duration) (within context.Context, stop func()) {
	ctx, over := context.WithTimeout(ctx, limit)
	ctx, full := context.WithCancelCause(ctx)
	watched := watchMemory(full, Memory)
	return ctx, func() {
		watched()
		full(nil)
		over()
	}
}

// watchMemory cancels when the process has grown by more than limit bytes, until
// stop is called.
func watchMemory(cancel context.CancelCauseFunc, limit uint64) (stop func()) {
	heap := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	done := make(chan struct{})
	first := time.AfterFunc(look, func() {
		before := heap()
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if now := heap(); now > before+limit {
					cancel(ErrMemory)
					return
				}
			}
		}
	})
	return func() {
		first.Stop()
		close(done)
	}
}
