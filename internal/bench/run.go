package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"toban/internal/testserver"
)

// The engines.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// Options say what is measured and how.
type Options struct {
	Program  []string      // runs toban: the words before "serve"
	Bare     []string      // runs Bare, in a process of its own
	Only     []string      // groups; none = all that docs/performance.md lists
	Engines  []string      // none = both
	Quick    bool          // one short run each instead of the median of three
	Duration time.Duration // of one measurement; zero = 3 s, quick 0.8 s
	Waiting  int           // responses that wait while timers are measured; zero = 10,000
	Past     int           // incidents in the store while pages are measured; zero = 1,000,000, quick 20,000
	Targets  int           // that are watched where 1,000 are the usual; zero = 1,000
	Progress io.Writer     // what is being measured, for people
}

// Groups are the names that Options.Only may have, in the order in which they
// are measured. Two are measured only when they are asked for: the first is the
// load program of package store, below everything that users see; detect, the
// last, takes as long as all others.
func Groups() []string {
	names := make([]string, len(groups()))
	for i, g := range groups() {
		names[i] = g.name
	}
	return names
}

// Engines are the names that Options.Engines may have.
func Engines() []string { return []string{sqlite, postgres} }

// group is figures that are measured together.
type group struct {
	name    string
	asked   bool // only when asked for
	engines bool // once for each engine
	once    bool // one run says enough: there are many samples, and it is long to prepare
	measure func(ctx context.Context, r *runner, engine string) ([]Figure, error)
}

func groups() []group {
	return []group{
		{name: "store", asked: true, engines: true, measure: measureStore},
		{name: "limits", measure: measureLimits},
		{name: "intake", engines: true, measure: measureIntake},
		{name: "storm", engines: true, measure: measureStorm},
		{name: "call", engines: true, measure: measureCall},
		{name: "burst", engines: true, measure: measureBurst},
		{name: "timers", engines: true, measure: measureTimers},
		{name: "steps", engines: true, measure: measureSteps},
		{name: "pages", engines: true, once: true, measure: measurePages},
		{name: "idle", measure: measureIdle},
		{name: "detect", asked: true, once: true, measure: measureDetect},
	}
}

// runner is one bench.
type runner struct {
	o      Options
	shared *testserver.Server // of a quick bench
}

// runs is how often each figure is measured; the median counts.
const runs = 3

// Run measures what o asks for and hands each figure to print as soon as it is
// known. What fails is reported in the error, and the rest is measured all the
// same, until ctx ends.
func Run(ctx context.Context, o Options, print func(Figure)) (err error) {
	if o.Duration <= 0 {
		o.Duration = 3 * time.Second
		if o.Quick {
			o.Duration = 800 * time.Millisecond
		}
	}
	if o.Waiting <= 0 {
		o.Waiting = waitingResponses
	}
	if o.Past <= 0 {
		o.Past = pastIncidents
		if o.Quick {
			o.Past = pastIncidentsQuick
		}
	}
	if len(o.Engines) == 0 {
		o.Engines = Engines()
	}
	r := &runner{o: o}
	defer func() {
		if r.shared != nil {
			err = errors.Join(err, r.shared.Stop())
		}
	}()
	r.say("%d processors, %s, %s/%s, load %s; %s a measurement, %d of each", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, loadAverage(), o.Duration, r.runs())
	var failed []error
	for _, g := range groups() {
		if !slices.Contains(o.Only, g.name) && (len(o.Only) > 0 || g.asked) {
			continue
		}
		engines := []string{""}
		if g.engines {
			engines = o.Engines
		}
		for _, engine := range engines {
			figures, err := r.group(ctx, g, engine)
			for _, f := range figures {
				print(f)
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", strings.TrimSuffix(g.name+"."+engine, "."), err))
			}
			if ctx.Err() != nil {
				return errors.Join(append(failed, ctx.Err())...)
			}
		}
	}
	return errors.Join(failed...)
}

func (r *runner) runs() int {
	if r.o.Quick {
		return 1
	}
	return runs
}

// group measures a group on an engine as often as wanted. A run that fails
// takes its figures with it: a median of what was left would be another figure.
func (r *runner) group(ctx context.Context, g group, engine string) ([]Figure, error) {
	var all [][]Figure
	runs := r.runs()
	if g.once {
		runs = 1
	}
	for run := range runs {
		began := time.Now()
		figures, err := g.measure(ctx, r, engine)
		r.say("%s %s run %d of %d took %.1f s, load %s", g.name, engine, run+1, runs, time.Since(began).Seconds(), loadAverage())
		if err != nil {
			return nil, err
		}
		all = append(all, figures)
	}
	return medians(all), nil
}

// say tells people how it goes.
func (r *runner) say(format string, args ...any) {
	if r.o.Progress != nil {
		fmt.Fprintf(r.o.Progress, format+"\n", args...)
	}
}

// loadAverage is how busy the machine was in the last minute, "?" where that is
// not to be read: figures of a busy machine say little.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
