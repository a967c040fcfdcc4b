// Package respond drives the responses to incidents: it takes what is due and
// what happened, asks oncall.Response what follows, and writes the answer with
// everything that will act on it in one transaction. It decides nothing itself,
// and it sends nothing: whatever leaves the process is an outbox row that
// notify claims.
//
// Two things it may never do: leave an incident that nobody has without a next
// action, and let an attempt leave after an acknowledgement is committed. So the
// incident row is locked before anything else, its epoch is raised before the
// machine is asked, and a machine that fails is answered by paging the fallback
// without it.
package respond

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"toban/internal/due"
	"toban/internal/metric"
	"toban/oncall"
	"toban/store"
)

// Options tune a Driver. The zero value is what production uses.
type Options struct {
	// Audit is the time between two looks for incidents without a next action;
	// zero = 5 s (R13).
	Audit time.Duration
	// Watch is the time between two looks at the directory's version; zero = 1 s.
	Watch time.Duration
	// Metrics counts what the auditor has found; nil = nobody does.
	Metrics *metric.Registry

	// advance stands for oncall.Response.Advance in tests of a broken machine.
	advance func(r oncall.Response, in oncall.Input, w oncall.World, now time.Time) (oncall.Response, []oncall.Effect)
}

// Driver is the durable driver of responses. Its methods may be called from
// many goroutines; what serialises them is the lock on the incident's row.
type Driver struct {
	db    *store.DB
	log   *slog.Logger
	o     Options
	spend spend

	mu      sync.Mutex
	alarms  map[alarm]string // about toban itself, raised by Run after the commit
	alarmed chan struct{}
	audited *metric.Counter
}

// New returns a Driver on db. It does nothing by itself until Run.
func New(db *store.DB, log *slog.Logger, o Options) *Driver {
	if o.Audit <= 0 {
		o.Audit = 5 * time.Second
	}
	if o.Watch <= 0 {
		o.Watch = time.Second
	}
	if o.advance == nil {
		o.advance = oncall.Response.Advance
	}
	audited := o.Metrics.Counter("toban_responses_restarted_total", "Incidents that were found without a next action and whose response was started again.")
	audited.Add(0)
	return &Driver{db: db, log: log, o: o, alarms: map[alarm]string{}, alarmed: make(chan struct{}, 1), audited: audited}
}

// Register makes d the handler of the timers of kind "response".
func (d *Driver) Register(q *due.Queue) {
	q.Handle(store.TimerResponse, due.Options{}, d.due)
}

// Run audits (R13), tells waiting responses of changes to what they rely on
// (R14), and raises incidents about toban itself, until ctx ends.
func (d *Driver) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { every(ctx, d.o.Audit, d.audit) })
	loops.Go(func() { d.watch(ctx) })
	loops.Go(func() { d.raiseAlarms(ctx) })
	loops.Wait()
	return ctx.Err()
}

// every calls f at once and then each period until ctx ends.
func every(ctx context.Context, period time.Duration, f func(context.Context)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		f(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
