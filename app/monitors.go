package app

import (
	"context"
	"fmt"
	"net/http"

	"toban/alert"
	"toban/alert/intake"
	"toban/config"
	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/mackerel"
	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// watch makes what sees by itself: monitors that ask their targets, the ear for
// jobs that report, and that for service metrics. They speak to the alert stage as
// any sender does, and need no Prometheus for it: samples go there beside, as far
// as it is there.
func (a *App) watch(acceptor *alert.Acceptor, in *intake.Intake, key []byte) {
	pinger := probe.NewPinger()
	a.closing.push("pinger", pinger.Close)
	a.monitors = detect.New(detect.Options{
		DB: a.db, Acceptor: accepting(in.Counted("monitor", acceptor.Accept)), Sink: detect.NewSamples(a.metrics.Append), Probe: probe.Options{Pinger: pinger},
		Resolve: func(ref string) (string, error) { return config.ResolveRef(ref, a.o.Getenv) },
		Fenced:  a.node.Fenced, Log: a.log.With("component", "monitors"),
	})
	a.heartbeats = heartbeat.New(heartbeat.Options{
		DB: a.db, Accept: in.Counted("heartbeat", acceptor.Accept), Key: key, Fenced: a.node.Fenced, Log: a.log.With("component", "heartbeats"),
	})
	a.heartbeats.Register(a.queue)
	a.serviceMetrics = mackerel.New(mackerel.Options{
		DB: a.db, Accept: in.Counted("service_metric", acceptor.Accept), Append: a.metrics.Append, Fenced: a.node.Fenced, Log: a.log.With("component", "service metrics"),
	})
	a.serviceMetrics.Register(a.queue)
}

// accepting is a function as monitors want it.
type accepting intake.Accept

// Accept implements detect.Acceptor.
func (f accepting) Accept(ctx context.Context, signals []oncall.Signal) error { return f(ctx, signals) }

// forwardTo is where service metrics are passed on to; nil = nowhere.
func (a *App) forwardTo(m *config.Mackerel) (*mackerel.Destination, error) {
	if m == nil {
		return nil, nil
	}
	key, err := m.Key.Resolve(a.o.Getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.mackerel.key: %w", err)
	}
	return &mackerel.Destination{Key: key, BaseURL: m.BaseURL}, nil
}

// posts answers who posts service metrics.
func (a *App) posts(in *intake.Intake) http.Handler {
	return a.serviceMetrics.Handler(func(r *http.Request, key string) (*oncall.Integration, error) { return in.Admit(r, key, "mackerel") })
}

// watched are the monitors of the configuration.
func (a *App) watched(ctx context.Context) (monitors []*oncall.Monitor, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		monitors, _, err = tx.Monitors(ctx)
		return err
	})
	return monitors, err
}

// needsMetrics reports whether a monitor can't do without a Prometheus: its
// condition is a rule there, or its page draws what was measured. Heartbeats and
// service metrics are judged, and shown, by what the store has of them.
func needsMetrics(monitors []*oncall.Monitor) bool {
	for _, m := range monitors {
		if (m.Kind.Rules() || m.Kind.Probes()) && !m.Paused {
			return true
		}
	}
	return false
}
