package detect

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"toban/detect/probe"
	"toban/detect/prober"
	"toban/oncall"
	"toban/store"
)

// Acceptor takes signals; what it has returned from is kept.
type Acceptor interface {
	Accept(ctx context.Context, signals []oncall.Signal) error
}

// Sink takes what this node's own checks have measured; agents send their samples
// themselves. It must not block: samples are lost rather than waited for.
type Sink interface {
	Append(m *oncall.Monitor, location string, at time.Time, r *probe.Result)
}

// Prober asks targets on time; that of package prober.
type Prober interface {
	Set(targets []prober.Target)
	Run(ctx context.Context)
}

// Options say what Monitors work with.
type Options struct {
	DB       *store.DB
	Acceptor Acceptor
	Sink     Sink // nil = nobody wants samples
	// Resolve gives what a reference such as env:NAME stands for.
	Resolve func(ref string) (string, error)
	// Probe is the way out: resolver, source address, pinger. The guard is each
	// monitor's own.
	Probe probe.Options
	// Fenced reports that this node may not act at the moment; nil = it always may.
	Fenced func() bool
	// NewProber makes what asks; nil = a prober.Prober.
	NewProber func(report prober.Report) Prober
	Log       *slog.Logger
}

// Monitors are the monitors of an installation that this node watches.
type Monitors struct {
	o       Options
	log     *slog.Logger
	prober  Prober
	courier *courier
	places  *places
	checks  chan struct{} // one for each check by hand that may run

	compile func(of *oncall.Monitor) (probe.Checker, error)

	follow  sync.Mutex // held while a configuration is taken over
	version int64      // of the configuration that is watched
	nodes   []string   // that live, in order
	buried  map[string]bool
	asked   []probe.Checker // of the references

	life      atomic.Int64 // of this node, see lifeOf
	compareAt time.Time    // see compare
	gone      gone
	directory atomic.Pointer[oncall.Directory]

	begun atomic.Bool // a monitor is watched that never was, and that is not saved yet
	zone  atomic.Pointer[time.Location]
	asks  atomic.Pointer[asks]     // what is asked, and from where
	lives atomic.Pointer[[]string] // the nodes among which monitors are shared

	agents    agents
	heardRefs starts // of agents

	mu       sync.RWMutex
	all      []*oncall.Monitor // that are configured, in their order
	watched  map[oncall.MonitorID]*watched
	leaving  map[oncall.MonitorID]*watched // not watched any more, and not all of it is said and saved
	problems map[oncall.MonitorID]string   // why some can't be asked

	failures struct {
		sync.Mutex
		unsaved []store.MonitorFailure
	}
}

// checksAtOnce is how many checks by hand may run at the same time.
const checksAtOnce = 8

// New returns Monitors that watch nothing before Run.
func New(o Options) *Monitors {
	if o.Fenced == nil {
		o.Fenced = func() bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.NewProber == nil {
		log := o.Log
		o.NewProber = func(report prober.Report) Prober { return prober.New(prober.Options{Report: report, Log: log}) }
	}
	m := &Monitors{
		o: o, log: o.Log, version: -1, checks: make(chan struct{}, checksAtOnce), buried: map[string]bool{},
		watched: map[oncall.MonitorID]*watched{}, leaving: map[oncall.MonitorID]*watched{}, problems: map[oncall.MonitorID]string{},
	}
	m.zone.Store(time.UTC)
	m.asks.Store(newAsks(nil, nil))
	m.lives.Store(&[]string{o.DB.Node()})
	m.agents.here, m.agents.since, m.heardRefs.at = map[agentName]*agentSeen{}, time.Now(), map[oncall.MonitorID]time.Time{}
	if o.Sink != nil {
		m.o.Sink = ownSink{o.Sink}
	}
	m.compile = func(of *oncall.Monitor) (probe.Checker, error) { return checkerOf(of, o.Resolve, o.Probe) }
	m.gone.wake = make(chan struct{}, 1)
	m.courier = newCourier(o, m.left, m.sameLife)
	m.places = newPlaces(m)
	m.prober = o.NewProber(m.reported)
	return m
}

const (
	followEvery = 500 * time.Millisecond
	daysEvery   = time.Minute
	failEvery   = time.Second
	sweepEvery  = time.Hour
	// lastWords is how long the end waits for what is not said and saved yet.
	lastWords = 5 * time.Second
)

// Run watches until ctx ends; then it says and saves what is left. It returns an
// error only when the configuration can't be read at the start.
func (m *Monitors) Run(ctx context.Context) error {
	if err := m.Follow(ctx); err != nil {
		return err
	}
	var asking, saying sync.WaitGroup
	said, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	saying.Go(func() { m.courier.run(said) })
	asking.Go(func() { m.prober.Run(ctx) })
	asking.Go(func() { m.relay(ctx) })
	m.tend(ctx)
	asking.Wait()

	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	m.saveTimes(rest)
	m.stop()
	m.courier.drain(rest)
	m.forget(rest)
	end()
	saying.Wait()
	m.saveFailures(rest)
	return nil
}

// tend does what comes round.
func (m *Monitors) tend(ctx context.Context) {
	follow, days, failures, sweep := time.NewTicker(followEvery), time.NewTicker(daysEvery), time.NewTicker(failEvery), time.NewTicker(sweepEvery)
	for _, t := range []*time.Ticker{follow, days, failures, sweep} {
		defer t.Stop()
	}
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-follow.C:
			err := m.Follow(ctx)
			if err != nil && !failed && ctx.Err() == nil {
				m.log.WarnContext(ctx, "the monitors stay as they are: the configuration can't be read", "err", err)
			}
			failed = err != nil
		case <-days.C:
			m.saveTimes(ctx)
		case <-m.gone.wake:
			m.forget(ctx)
		case <-failures.C:
			m.saveFailures(ctx)
			if m.begun.Swap(false) { // since when is not forgotten, however toban ends
				m.saveTimes(ctx)
			}
			m.places.watch(time.Now())
		case <-sweep.C:
			m.sweep(ctx)
		}
	}
}

// stop ends what waits inside of the monitors.
func (m *Monitors) stop() {
	for _, w := range m.list() {
		w.mu.Lock()
		w.halt()
		w.mu.Unlock()
	}
}

// list is what is watched.
func (m *Monitors) list() []*watched {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]*watched, 0, len(m.watched))
	for _, w := range m.watched {
		all = append(all, w)
	}
	return all
}

func (m *Monitors) get(id oncall.MonitorID) *watched {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.watched[id]
}

// reported takes a result of this node's own prober. What it has asked before a
// monitor was changed is of no use.
func (m *Monitors) reported(t prober.Target, r *probe.Result) {
	if w := m.get(oncall.MonitorID(t.ID)); w != nil && !w.asks(t) {
		return
	}
	m.Result(oncall.MonitorID(t.ID), oncall.Here, r)
}

func (w *watched) asks(t prober.Target) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checker != nil && t.Asks(w.checker, w.m.Target)
}

// ownSink leaves out what was measured elsewhere.
type ownSink struct{ Sink }

// Append implements Sink.
func (s ownSink) Append(m *oncall.Monitor, location string, at time.Time, r *probe.Result) {
	if location == oncall.Here {
		s.Sink.Append(m, location, at, r)
	}
}

// Result takes what a check from a location has found. It reports whether this
// node watches that monitor; another one does otherwise. What agents say comes in
// by Hear.
func (m *Monitors) Result(id oncall.MonitorID, location string, r *probe.Result) bool {
	if IsReference(id) {
		m.places.reference(id, location, r)
		m.places.say(location)
		return true
	}
	w := m.get(id)
	if w == nil {
		return false
	}
	mine, seen := w.result(location, r)
	if seen {
		m.places.heard(location, r.Start.Add(r.Duration))
	}
	return mine
}
