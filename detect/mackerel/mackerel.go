// Package mackerel takes service metrics in the way of Mackerel: whoever posts
// them there can post them here, with the same request.
//
// A post is answered once its points are committed, together with what they mean
// for the monitors of the kind metric and what is to be said about it: a crash
// between any two of these says it twice at most, and never not at all. Whether a
// metric is bad is decided by the rules in oncall, as Mackerel does: by the last
// points, however far apart. A copy goes to the metrics process, best effort, and
// to a Mackerel where one is configured, at least once and in order.
//
// It keeps no history: of each metric only the points that a judgement needs.
package mackerel

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"toban/detect/follow"
	"toban/detect/saying"
	"toban/detect/voice"
	"toban/internal/due"
	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store"
)

// Options are what Metrics are made of.
type Options struct {
	DB *store.DB
	// Accept hands signals to the alert stage and returns once they are committed.
	Accept func(ctx context.Context, signals []oncall.Signal) error
	// Append hands samples to the metrics process and does not block; nil = nobody
	// wants them.
	Append func(samples []remotewrite.Sample)
	Fenced func() bool // the node may not act at the moment; nil = never
	// Transport carries what is passed on; nil = that of the library.
	Transport http.RoundTripper
	Log       *slog.Logger
}

// Metrics takes service metrics and judges them. Register it with the queue,
// Follow the configuration, then Run it.
type Metrics struct {
	o        Options
	log      *slog.Logger
	voice    *voice.Voice[string, *store.MetricState]
	follower follow.Follower
	samples  samples
	applying sync.Mutex
	forwards forwards

	mu       sync.Mutex
	words    saying.Words // of the installation
	since    time.Time    // since when it listens; zero = not yet
	byID     map[oncall.MonitorID]*entry
	services map[string][]*entry // by the sender's name of the service
}

// entry is a monitor that is configured. It never changes.
type entry struct {
	monitor *oncall.Monitor
	plan    oncall.MetricPlan
}

// New returns Metrics that take nothing before Follow or Apply.
func New(o Options) *Metrics {
	if o.Fenced == nil {
		o.Fenced = func() bool { return false }
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	m := &Metrics{o: o, log: o.Log, samples: newSamples(o.Append), forwards: forwards{ready: make(chan string, 64)}}
	m.voice = voice.New(voice.Options{DB: o.DB, Accept: o.Accept, Fenced: o.Fenced}, m.spoken())
	m.follower = follow.Follower{DB: o.DB, Name: "service metrics", Apply: m.apply, Applying: m.speak, Began: m.began}
	return m
}

// Register handles what comes due in q: metrics of which no point has come, and
// what is to be passed on.
func (m *Metrics) Register(q *due.Queue) {
	q.Handle(store.TimerMetric, due.Options{Batch: 64, Workers: 1, Rank: 1}, m.judge)
	q.Handle(store.TimerForward, due.Options{Batch: 16, Workers: 1, Rank: 3}, m.claimLanes)
}

// Run says what is to be said, passes points on and follows the configuration,
// until ctx ends.
func (m *Metrics) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { m.follower.Run(ctx, m.log) })
	others.Go(func() { m.pass(ctx) })
	defer others.Wait()
	m.talk(ctx)
	return nil
}

// began reports whether it listens.
func (m *Metrics) began() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.since.IsZero()
}

// entry returns the monitor of that name, or nil.
func (m *Metrics) entry(id oncall.MonitorID) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byID[id]
}

// about returns the monitors of metrics of that service; ok is false when none
// are known yet.
func (m *Metrics) about(service string) (list []*entry, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.services[service], !m.since.IsZero()
}
