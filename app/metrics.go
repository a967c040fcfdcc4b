package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"toban/config"
	"toban/internal/child"
	"toban/internal/promapi"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// metrics is the seam to a Prometheus: the child process `toban metrics`, or one
// that runs already. Samples go there, queries are passed on, and alerts come
// back as from any sender. Nothing of toban waits for it; while it is down only
// it is missing.
type metrics struct {
	log     *slog.Logger
	data    Data
	getenv  func(string) string
	command bool          // this program has the command metrics
	page    func() string // where toban's pages are
	alarm   *metricsAlarm
	changed chan struct{} // wanted is another
	asking  chan struct{} // held by who asks what is wrong with PromQL

	alarmBlind *metricsAlarm // monitors that are rules are not evaluated
	blind      blindness
	blindWorst atomic.Pointer[oncall.Severity] // of those that alarmBlind is about
	rules      evaluations

	mu     sync.Mutex
	wanted metricsPlan

	now    atomic.Pointer[metricsSeat] // what is there at the moment; nil = nothing
	sender atomic.Pointer[remotewrite.Sender]
}

// metricsPlan is what shall run.
type metricsPlan struct {
	settings        *config.Metrics // nil = nothing
	never           bool            // whatever needs it
	password, token string          // for one that runs already
}

// other reports whether it is another than q, but for the files that it reads
// again by itself.
func (p metricsPlan) other(q metricsPlan) bool {
	if p.settings == nil || q.settings == nil {
		return p.settings != q.settings
	}
	a, b := *p.settings, *q.settings
	a.Files, b.Files = "", ""
	return !reflect.DeepEqual(a, b) || p.password != q.password || p.token != q.token
}

// metricsSeat is a Prometheus that is being worked with.
type metricsSeat struct {
	child   *child.Child    // nil = it is somebody else's
	answers <-chan struct{} // closed once it has answered for the first time
	to      remotewrite.Target
	base    string // of its HTTP API, in front of /api/v1
	// transport carries questions to it.
	transport *http.Transport
	asked     *promapi.Client // for toban's own pages
}

// newMetrics returns what does nothing before run. Its alarms are told of what it
// can't do.
func newMetrics(data Data, o Options, page func() string, down, blind *metricsAlarm) *metrics {
	m := &metrics{
		log: o.Log.With("component", "metrics"), data: data, getenv: o.Getenv, command: o.Metrics, page: page, alarm: down, alarmBlind: blind,
		changed: make(chan struct{}, 1), asking: make(chan struct{}, 1), rules: newEvaluations(),
	}
	down.worst = m.blind.worst
	blind.worst = func() oncall.Severity {
		if worst := m.blindWorst.Load(); worst != nil {
			return *worst
		}
		return oncall.Warning
	}
	return m
}

// plan says what runs by what is written: that, or toban's own with its usual
// limits where something needs it and nothing is written.
func (m *metrics) plan(written *config.Metrics, needed bool) (p metricsPlan, err error) {
	switch {
	case written != nil && written.Off:
		return metricsPlan{never: true}, nil
	case written != nil:
		p.settings = written
	case needed:
		usual := config.DefaultMetrics()
		p.settings = &usual
	default:
		return p, nil
	}
	if p.settings.URL == "" && !m.command {
		return p, errors.New("this program can't run a Prometheus of its own; name one under metrics.url")
	}
	if p.password, err = p.settings.Password.Resolve(m.getenv); err != nil {
		return p, fmt.Errorf("metrics.password: %w", err)
	}
	if p.token, err = p.settings.Token.Resolve(m.getenv); err != nil {
		return p, fmt.Errorf("metrics.token: %w", err)
	}
	return p, nil
}

// want makes what is configured run.
func (m *metrics) want(written *config.Metrics, needed bool) error {
	plan, err := m.plan(written, needed)
	if err != nil {
		return err
	}
	m.mu.Lock()
	before := m.wanted
	m.wanted = plan
	m.mu.Unlock()
	switch {
	case plan.other(before):
		select {
		case m.changed <- struct{}{}:
		default: // it is already on its way
		}
	case plan.settings != nil && plan.settings.Files != before.settings.Files:
		m.reload()
	}
	return nil
}

// reload makes the child read its files again: they may have changed without
// toban's own.
func (m *metrics) reload() {
	seat := m.now.Load()
	if seat == nil || seat.child == nil {
		return
	}
	if err := seat.child.Signal(syscall.SIGHUP); err != nil && !errors.Is(err, child.ErrDown) { // one that starts reads them anyway
		m.log.Error("the metrics process was not told to read its files again", "err", err)
	}
}

// Append hands samples on. It never blocks; where there is no Prometheus they
// are gone.
func (m *metrics) Append(samples []remotewrite.Sample) {
	if s := m.sender.Load(); s != nil {
		s.Append(samples)
	}
}

// mute reports whether rules are not evaluated that ought to be: what they said
// last stands until they can speak again.
func (m *metrics) mute() bool {
	m.mu.Lock()
	wanted := m.wanted.settings != nil && m.wanted.settings.URL == ""
	m.mu.Unlock()
	if !wanted {
		return false
	}
	seat := m.now.Load()
	return seat == nil || seat.child == nil || seat.child.State().Phase != child.Ready
}

// run works until ctx ends.
func (m *metrics) run(ctx context.Context) error {
	m.dropOldRules()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { m.alarm.run(ctx); return nil })
	work.Go(func() error { m.alarmBlind.run(ctx); return nil })
	work.Go(func() error { m.watch(ctx); return nil })
	work.Go(func() error {
		for ctx.Err() == nil {
			select {
			case <-m.changed: // it is looked at now
			default:
			}
			m.mu.Lock()
			plan := m.wanted
			m.mu.Unlock()
			if err := m.live(ctx, plan); err != nil {
				return err
			}
		}
		return nil
	})
	return work.Wait()
}

// live works with one Prometheus, until another is wanted.
func (m *metrics) live(ctx context.Context, plan metricsPlan) error {
	ctx, cancel := context.WithCancel(ctx)
	work, ctx := errgroup.WithContext(ctx)
	if plan.settings != nil {
		seat := m.seat(plan)
		sender := remotewrite.New(remotewrite.Options{Target: seat.to, Log: m.log})
		defer seat.transport.CloseIdleConnections()
		m.now.Store(seat)
		m.sender.Store(sender)
		work.Go(func() error {
			// One that starts refuses; what was measured waits for it.
			select {
			case <-seat.answers:
				return sender.Run(ctx)
			case <-ctx.Done():
				return nil
			}
		})
		if seat.child != nil {
			work.Go(func() error { return seat.child.Run(ctx) })
		} else {
			m.alarm.up()
		}
		m.log.InfoContext(ctx, "metrics", "from", seat.to)
	} else {
		m.alarm.up()
	}
	select {
	case <-ctx.Done():
	case <-m.changed:
	}
	m.now.Store(nil)
	m.sender.Store(nil)
	cancel()
	return work.Wait()
}

// seat is the Prometheus of a plan.
func (m *metrics) seat(plan metricsPlan) *metricsSeat {
	s := plan.settings
	if s.URL != "" {
		to := remotewrite.Target{URL: s.URL + "/api/v1/write", User: s.User, Password: plan.password, Token: plan.token}
		return newSeat(nil, s.URL, to)
	}
	const base = "http://metrics/prometheus"
	to := remotewrite.Target{URL: base + "/api/v1/write", Socket: m.data.MetricsSocket()}
	c := child.New(child.Options{
		Name: "toban metrics", Args: m.args(s), Env: metricsEnvironment(os.Environ()), Ready: "ready", Alive: alive(to, base), Log: m.log,
	})
	var first sync.Once
	answers := make(chan struct{})
	c.OnReady(func() {
		m.alarm.up()
		first.Do(func() { close(answers) })
	})
	c.OnDown(m.alarm.died)
	seat := newSeat(c, base, to)
	seat.answers = answers
	return seat
}

func newSeat(c *child.Child, base string, to remotewrite.Target) *metricsSeat {
	there := make(chan struct{})
	close(there)
	s := &metricsSeat{child: c, answers: there, base: base, to: to, transport: toTarget(to)}
	s.asked = promapi.New(base, authenticated{to, s.transport})
	return s
}

// args are those of the command that runs the embedded Prometheus.
func (m *metrics) args(s *config.Metrics) []string {
	mebibytes := func(n int64) string { return fmt.Sprintf("%dMiB", n>>20) }
	args := []string{
		"metrics", "--data", m.data.Metrics(), "--listen", "unix:" + m.data.MetricsSocket(), "--alerts", "unix:" + m.data.AlertsSocket(),
		"--core", "unix:" + m.data.AlertsSocket(),
		"--retention", fmt.Sprintf("%ds", int64(s.Retention.Seconds())), "--size", mebibytes(s.Size), "--memory", mebibytes(s.Memory),
		"--external-url", m.page(), "--until-stdin-closes", "--monitors", m.data.MetricsRules(),
	}
	for _, r := range s.Rules {
		args = append(args, "--rules", r)
	}
	if s.Prometheus != "" {
		args = append(args, "--config", s.Prometheus)
	}
	return args
}

// metricsEnvironment is what of the environment the child is given: what a
// program needs to reach others, and none of toban's secrets.
func metricsEnvironment(all []string) []string {
	some := []string{} // none is not nil, which would be all
	for _, each := range all {
		name, _, _ := strings.Cut(each, "=")
		upper := strings.ToUpper(name)
		switch {
		case strings.HasPrefix(upper, "TOBAN_"):
			continue
		case strings.HasSuffix(upper, "_PROXY"), strings.HasPrefix(name, "LC_"), strings.HasPrefix(name, "SSL_CERT_"), strings.HasPrefix(name, "AWS_"):
		case name == "PATH", name == "HOME", name == "USER", name == "LANG", name == "TZ", name == "TMPDIR",
			name == "GOMAXPROCS", name == "GODEBUG", name == "GOTRACEBACK", strings.HasPrefix(name, "KUBERNETES_SERVICE_"):
		default:
			continue
		}
		some = append(some, each)
	}
	return some
}
