// Package prober asks targets on time. Every target has its own place in its
// interval, taken from its name: the load is spread evenly, a restart changes
// nothing, and nothing drifts. A slow target holds up no other one, because each
// check has a goroutine to itself; how many there are at once is bounded.
package prober

import (
	"context"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"toban/detect/probe"
)

// Target is what is asked, and how often.
type Target struct {
	ID      string // unique; its place in the interval comes from it
	Address string // what the checker is given
	Every   time.Duration
	Timeout time.Duration // held below Every
	Checker probe.Checker
}

// Asks reports whether that is how t asks: by that checker, and of that address.
// Checkers that can't be compared, as functions can't, are taken for the same one.
func (t Target) Asks(checker probe.Checker, address string) bool {
	comparable := reflect.ValueOf(t.Checker).Comparable() && reflect.ValueOf(checker).Comparable()
	return t.Address == address && (!comparable || t.Checker == checker)
}

// Report is told of each check that has ended. It is called by many goroutines
// at once, and the target is not asked again before it returns.
type Report func(t Target, r *probe.Result)

// Options of a Prober.
type Options struct {
	Report Report
	// AtOnce is how many checks may run at the same time; further ones wait for
	// their turn. 0 = half of the files that the process may open, at most 16384.
	AtOnce int
	Log    *slog.Logger // nil = none
}

// Prober runs the checks of a changing set of targets.
type Prober struct {
	report Report
	log    *slog.Logger
	wake   chan struct{}
	jobs   chan *entry
	late   lateness

	mu      sync.Mutex
	set     map[string]*entry
	plan    plan
	slot    time.Duration // the places' distance
	waiting []*entry      // due, but there is no room
	atOnce  int
	running int
}

// entry is a target with its place in the plan.
type entry struct {
	Target
	due   time.Time
	began time.Time // the last check
	place int       // in the plan, -1 = not in it: it waits, runs or is gone
	ways  int       // how often it has come to be asked in another way
	gone  bool
}

// New returns a Prober without targets.
func New(o Options) *Prober {
	if o.AtOnce <= 0 {
		o.AtOnce = room()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Prober{
		report: o.Report, log: o.Log, atOnce: o.AtOnce, set: map[string]*entry{},
		wake: make(chan struct{}, 1), jobs: make(chan *entry),
	}
}

// Set replaces the targets. One whose ID and Every stay keeps its time, and is
// asked in its new way from then on; what is under way in its old way, or for one
// that has gone, is not reported any more. New ones are asked soon, a hundred a second, and then
// in their places.
func (p *Prober) Set(targets []Target) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := make(map[string]bool, len(targets))
	rate := 0.0
	for _, t := range targets {
		rate += 1 / t.Every.Seconds()
	}
	p.slot = slotFor(rate, p.slot)
	fresh := 0
	for _, t := range targets {
		if t.Timeout <= 0 || t.Timeout >= t.Every {
			t.Timeout = t.Every - t.Every/10
		}
		keep[t.ID] = true
		if e := p.set[t.ID]; e != nil && e.Every == t.Every {
			if !e.Asks(t.Checker, t.Address) {
				e.ways++
			}
			e.Target = t
			continue
		} else if e != nil {
			p.remove(e)
		}
		e := &entry{Target: t, place: -1}
		e.due = next(t, now, p.slot)
		if soon := now.Add(time.Duration(fresh) * firstGap); soon.Before(e.due) {
			e.due = soon
		}
		fresh++
		p.set[t.ID] = e
		p.plan.add(e)
	}
	for id, e := range p.set {
		if !keep[id] {
			p.remove(e)
			delete(p.set, id)
		}
	}
	p.nudge()
}

// firstGap is between the first checks of new targets.
const firstGap = 10 * time.Millisecond

func (p *Prober) remove(e *entry) {
	e.gone = true
	if e.place >= 0 {
		p.plan.drop(e)
	}
}

// Run asks until ctx ends, and returns once every check has.
func (p *Prober) Run(ctx context.Context) {
	var all sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			close(p.jobs)
			all.Wait()
			return
		case <-timer.C:
		case <-p.wake:
		}
		timer.Reset(p.begin(ctx, &all))
	}
}

// begin starts what is due and returns how long it is until something else is.
func (p *Prober) begin(ctx context.Context, all *sync.WaitGroup) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for {
		e := p.plan.first()
		if e == nil {
			return time.Hour
		}
		if wait := e.due.Sub(now); wait > 0 {
			return wait
		}
		p.plan.drop(e)
		if now.Sub(e.due) > e.Every/2 { // toban stood still: not all of them at the same moment
			e.due = next(e.Target, now, p.slot)
			p.plan.add(e)
			continue
		}
		if p.running >= p.atOnce {
			p.waiting = append(p.waiting, e)
			continue
		}
		p.start(ctx, e, all)
	}
}

// start gives e to a goroutine that has nothing to do, or to a new one. p.mu is
// held.
func (p *Prober) start(ctx context.Context, e *entry, all *sync.WaitGroup) {
	p.running++
	select {
	case p.jobs <- e:
	default:
		all.Add(1)
		go p.work(ctx, e, all) // ends with the context, or when there is little to do
	}
}

// idleFor is how long a goroutine waits for something to do: its stack has grown
// to what a check needs, and the next one needs it again.
const idleFor = 20 * time.Second

func (p *Prober) work(ctx context.Context, e *entry, all *sync.WaitGroup) {
	defer all.Done()
	idle := time.NewTimer(idleFor)
	defer idle.Stop()
	for e != nil {
		p.check(ctx, e)
		if e = p.ended(ctx, e); e != nil {
			continue
		}
		idle.Reset(idleFor)
		select {
		case e = <-p.jobs: // nil when it is closed
		case <-idle.C:
		}
	}
}

// stoodStill is by how much more than its time-out a check takes only when toban
// itself did not run meanwhile.
const stoodStill = time.Second

// check asks once. A checker that panics has found nothing, and nor has one that
// ended late because toban stood still: what is not reported becomes unknown,
// never up and never down.
func (p *Prober) check(ctx context.Context, e *entry) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("a check failed in itself; its target is not known", "target", e.ID, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	begin := time.Now()
	p.mu.Lock()
	t, due, way := e.Target, e.due, e.ways
	e.began = begin
	p.mu.Unlock()
	p.late.add(begin.Sub(due))
	within, cancel := context.WithTimeout(ctx, t.Timeout)
	r := t.Checker.Check(within, t.Address)
	cancel()
	if ctx.Err() != nil {
		return // it was cut short by us
	}
	p.mu.Lock()
	void := e.gone || e.ways != way
	p.mu.Unlock()
	switch {
	case void || r == nil:
	case r.Duration > t.Timeout+stoodStill:
		p.log.Debug("a check took far longer than it may, as toban stood still; it counts for nothing", "target", t.ID, "took", r.Duration, "timeout", t.Timeout)
	default:
		p.report(t, r)
	}
}

// ended puts e back into the plan and returns what may begin in its stead.
func (p *Prober) ended(ctx context.Context, e *entry) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if !e.gone {
		e.due = after(e.Target, e.due, e.began, time.Now(), p.slot)
		p.plan.add(e)
		if p.plan.first() == e {
			p.nudge()
		}
	}
	for len(p.waiting) > 0 && ctx.Err() == nil {
		w := p.waiting[0]
		p.waiting[0] = nil
		p.waiting = p.waiting[1:]
		if w.gone {
			continue
		}
		p.running++
		return w
	}
	return nil
}

func (p *Prober) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Stats are how a Prober is doing.
type Stats struct {
	Targets int
	Running int           // checks under way
	Waiting int           // due, but there is no room
	LateP50 time.Duration // how late the last few thousand checks began
	LateP99 time.Duration
	LateMax time.Duration
}

// Stats returns how p is doing.
func (p *Prober) Stats() Stats {
	p.mu.Lock()
	s := Stats{Targets: len(p.set), Running: p.running, Waiting: len(p.waiting)}
	p.mu.Unlock()
	s.LateP50, s.LateP99, s.LateMax = p.late.percentiles()
	return s
}
