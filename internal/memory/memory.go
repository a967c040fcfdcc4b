// Package memory keeps a process that serves small while there is little to do.
//
// Its heap may grow far before it is collected while there is much to do, and
// hardly at all while there is little. What lives in toban is small, some 10 MB
// and some kB for each monitor. Under load Go's own 100 % means a collection every
// few milliseconds: 400 % costs some 50 MB and gives 6–13 % more signals a second.
// With little to do it would cost the same memory and give nothing
// (docs/performance.md).
//
// And when the start is over, the pages of the program that only the start needed
// are given back: with all that is linked they are more than half of it.
package memory

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// By how many percent the heap may grow.
const (
	Tight = 30
	Usual = 100
	Roomy = 400
)

const (
	// every is how often it is looked at.
	every = 500 * time.Millisecond
	// crowded is how many collections between two looks ask for room, twice in a row
	// where the heap is tight: a start is over before. calm is how many looks without
	// any give it back, idle how many make it tight; busy collections, less than often
	// looks apart, end that, too.
	crowded = 4
	calm    = 4
	idle    = 20
	busy    = 5
	often   = 2
	// started is how many looks after its beginning a process has started.
	started = 40
)

// pace decides by how often the heap is collected.
type pace struct {
	most    int // Usual or Roomy
	percent int
	cycles  uint64 // collections until the last look
	quiet   int    // looks in a row without one
	row     int    // looks with some, less than often apart
	storm   bool   // the last look found it crowded
}

// next is told how many collections there have been, and returns the percentage.
func (p *pace) next(cycles uint64) int {
	since := cycles - p.cycles
	p.cycles = cycles
	p.quiet++
	switch {
	case since > 0:
		p.quiet = 0
		p.row++
	case p.quiet >= often:
		p.row = 0
	}
	storm := p.storm
	p.storm = since >= crowded
	switch {
	case p.storm && (storm || p.percent != Tight):
		p.percent = p.most
	case p.percent == Tight && p.row >= busy:
		p.percent = Usual
	case p.quiet >= idle:
		p.percent = Tight
	case p.percent == Roomy && p.quiet >= calm:
		p.percent = Usual
	}
	return p.percent
}

// Tend keeps the process as large as the work asks for until ctx ends: the heap at
// most by most percent larger than what lives in it, unless the environment has
// its own idea of that (GOGC). When the heap becomes tight, what is free goes back
// to the system. These are the process's settings, so only commands that serve
// call it.
func Tend(ctx context.Context, most int, getenv func(string) string) {
	p := pace{most: most, percent: Tight}
	own := getenv("GOGC") != ""
	if !own {
		debug.SetGCPercent(p.percent)
	}
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for looks := 1; ; looks++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if looks == started {
			releaseProgram()
		}
		if metrics.Read(sample); own || sample[0].Value.Kind() != metrics.KindUint64 {
			continue
		}
		before := p.percent
		if p.next(sample[0].Value.Uint64()) == before {
			continue
		}
		debug.SetGCPercent(p.percent)
		if p.percent == Tight {
			debug.FreeOSMemory()
			metrics.Read(sample)
			p.cycles = sample[0].Value.Uint64() // that one was ours
		}
	}
}
