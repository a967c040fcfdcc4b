package cli

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// By how many percent the heap may grow before it is collected. What lives in
// toban is small, some 10 MB and 15 kB for each monitor. Under load Go's own
// 100 % means a collection every few milliseconds: 400 % costs some 50 MB and
// gives 6–13 % more signals a second (docs/performance.md). With little to do it
// would cost the same memory and give nothing.
const (
	frugalHeap = 100
	roomyHeap  = 400
	// heapEvery is how often it is looked at.
	heapEvery = 250 * time.Millisecond
	// crowded is how many collections between two looks ask for room, and calm how
	// many looks without any give it back.
	crowded = 2
	calm    = 8
)

// heapPace says how far the heap may grow, by how often it is collected.
type heapPace struct {
	percent int
	cycles  uint64 // collections until the last look
	quiet   int    // looks in a row without one
}

// next is told how many collections there have been, and returns the percentage.
func (p *heapPace) next(cycles uint64) int {
	since := cycles - p.cycles
	p.cycles = cycles
	if p.quiet++; since > 0 {
		p.quiet = 0
	}
	switch {
	case since >= crowded:
		p.percent = roomyHeap
	case p.quiet >= calm:
		p.percent = frugalHeap
	}
	return p.percent
}

// tendHeap gives the heap room while there is much to do, until ctx ends, unless
// the environment has its own idea (GOGC). It is the process's setting, so only
// commands that serve call it.
func tendHeap(ctx context.Context, getenv func(string) string) {
	if getenv("GOGC") != "" {
		return
	}
	pace := heapPace{percent: frugalHeap}
	debug.SetGCPercent(pace.percent)
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(sample)
		if before := pace.percent; sample[0].Value.Kind() == metrics.KindUint64 && pace.next(sample[0].Value.Uint64()) != before {
			debug.SetGCPercent(pace.percent)
		}
	}
}
