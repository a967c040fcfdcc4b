package agent

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"toban/detect"
	"toban/detect/probe"
	"toban/detect/prober"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// Options say what an Agent works with.
type Options struct {
	Server string // address of the core, such as https://toban.example.jp
	// Key gives the key of the location; it is asked before each poll, so that it
	// can be renewed.
	Key func() (string, error)
	// Secrets are the references, such as env:NAME and file:PATH, that monitors may
	// name; none else is read.
	Secrets []string
	// Resolve gives what such a reference stands for.
	Resolve func(ref string) (string, error)
	// Probe is the way out to targets. The guard is each monitor's own.
	Probe probe.Options
	// Transport carries what goes to the core.
	Transport http.RoundTripper
	Version   string // of this program
	// Folder keeps the list for a start while the core is away; "" = it is not kept.
	Folder string
	Log    *slog.Logger
	// NewProber makes what asks; nil = a prober.Prober.
	NewProber func(report prober.Report) detect.Prober
}

// Agent asks what the core tells it to, from where it stands.
type Agent struct {
	o       Options
	log     *slog.Logger
	way     *way
	client  *http.Client
	sender  *remotewrite.Sender
	carrier *carrier
	prober  detect.Prober
	compile func(m *oncall.Monitor) (probe.Checker, error)

	now atomic.Pointer[work]

	// Of the poller alone.
	trouble  string // that was logged last; "" = none
	told     time.Time
	marked   time.Time // when it was noted last that the list that is kept holds; zero = it is not kept
	unkept   time.Time // when it was logged last that it is not
	recalled bool
}

// work is what is asked at the moment.
type work struct {
	location string
	version  string
	items    []item // as they were told
	planned  time.Time
	by       map[oncall.MonitorID]*task
	problems map[oncall.MonitorID]string
}

// task is one monitor.
type task struct {
	item    item
	m       *oncall.Monitor
	checker probe.Checker
}

const (
	// pollEvery is how often the core is asked for the list: what is paused there is
	// asked no longer than that.
	pollEvery = 3 * time.Second
	// pollSlow is the longest pause while the core does not answer.
	pollSlow = 15 * time.Second
	pollTime = 10 * time.Second // bounds one
	// planAgain is how often it is tried again what can't be asked.
	planAgain = 30 * time.Second
	tellGap   = time.Minute // between lines of the log about the same trouble
	// maxWaiting bounds the samples that wait for the core, a few thousand checks.
	maxWaiting = 100_000
)

// New returns an Agent that asks nothing before Run.
func New(o Options) *Agent {
	a := &Agent{o: o, log: o.Log}
	a.o.Server = strings.TrimRight(o.Server, "/")
	a.way = &way{next: o.Transport, id: rand.Text()}
	a.client = &http.Client{
		Transport: a.way, Timeout: pollTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key is for this core and no other
	}
	a.sender = remotewrite.New(remotewrite.Options{
		Target: remotewrite.Target{URL: a.o.Server + writePath}, Queue: maxWaiting, Transport: a.way, Log: o.Log,
	})
	a.carrier = newCarrier(a.sender.Append)
	a.compile = a.checker
	if o.NewProber == nil {
		o.NewProber = func(report prober.Report) detect.Prober {
			return prober.New(prober.Options{Report: report, Log: o.Log})
		}
	}
	a.prober = o.NewProber(a.reported)
	a.now.Store(&work{})
	return a
}

// Run asks until ctx ends, and then sends once more what waits.
func (a *Agent) Run(ctx context.Context) error {
	defer a.client.CloseIdleConnections()
	var asking sync.WaitGroup
	asking.Go(func() { a.prober.Run(ctx) })
	asking.Go(func() { a.poll(ctx) })
	sending, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	sent := make(chan error, 1)
	go func() { sent <- a.sender.Run(sending) }() // ends with sending
	asking.Wait()
	for _, t := range a.now.Load().by {
		shut(t.checker)
	}
	end()
	return <-sent
}

// reported takes a result of the prober. What another question than that of the
// present list has found is of no use.
func (a *Agent) reported(t prober.Target, r *probe.Result) {
	now := a.now.Load()
	if task := now.by[oncall.MonitorID(t.ID)]; task != nil && t.Asks(task.checker, task.m.Target) {
		a.carrier.carry(task.m, task.item.Question, now.location, r)
	}
}

// way carries requests to the core and says in each who speaks, and when.
type way struct {
	next http.RoundTripper
	id   string
	key  atomic.Pointer[string]
}

// RoundTrip implements http.RoundTripper.
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if key := w.key.Load(); key != nil {
		r.Header.Set("Authorization", "Bearer "+*key)
	}
	r.Header.Set(headerAgent, w.id)
	r.Header.Set(headerSent, sentNow())
	return w.next.RoundTrip(r)
}
