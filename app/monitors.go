package app

import (
	"context"

	"toban/alert"
	"toban/config"
	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// watch makes what sees by itself: monitors that ask their targets, and the ear
// for jobs that report. Both speak to the alert stage as any sender does, and
// need no Prometheus for it: samples go there beside, as far as it is there.
func (a *App) watch(acceptor *alert.Acceptor, key []byte) {
	pinger := probe.NewPinger()
	a.closing.push("pinger", pinger.Close)
	a.monitors = detect.New(detect.Options{
		DB: a.db, Acceptor: acceptor, Sink: detect.NewSamples(a.metrics.Append), Probe: probe.Options{Pinger: pinger},
		Resolve: func(ref string) (string, error) { return config.ResolveRef(ref, a.o.Getenv) },
		Fenced:  a.node.Fenced, Log: a.log.With("component", "monitors"),
	})
	a.heartbeats = heartbeat.New(heartbeat.Options{
		DB: a.db, Accept: acceptor.Accept, Key: key, Fenced: a.node.Fenced, Log: a.log.With("component", "heartbeats"),
	})
	a.heartbeats.Register(a.queue)
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
// condition is a rule there, or its pages draw what was measured.
func needsMetrics(monitors []*oncall.Monitor) bool {
	for _, m := range monitors {
		if m.Kind != oncall.MonitorHeartbeat && !m.Paused {
			return true
		}
	}
	return false
}
