package metrics

import (
	"context"
	"net/url"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/rules"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"
)

// alertmanagers are the Alertmanagers that a user's prometheus.yml names. They are
// told what toban is told, by Prometheus' own notifier and as it does it: best
// effort, again every minute.
type alertmanagers struct {
	notifier  *notifier.Manager
	discovery *discovery.Manager
	stop      func()
}

// queueCapacity is Prometheus' own default for a notifier.
const queueCapacity = 10_000

// applyAlertmanagers puts the alerting section of a configuration in force.
func (s *server) applyAlertmanagers(cfg *config.Config) error {
	named := cfg.AlertingConfig.AlertmanagerConfigs.ToMap()
	if len(named) == 0 && s.others.Load() == nil {
		return nil
	}
	o, err := s.startAlertmanagers(cfg)
	if err != nil {
		return err
	}
	if err := o.notifier.ApplyConfig(cfg); err != nil {
		return err
	}
	targets := map[string]discovery.Configs{}
	for name, c := range named {
		targets[name] = c.ServiceDiscoveryConfigs
	}
	return o.discovery.ApplyConfig(targets)
}

// startAlertmanagers starts what tells them, once.
func (s *server) startAlertmanagers(cfg *config.Config) (*alertmanagers, error) {
	if o := s.others.Load(); o != nil {
		return o, nil
	}
	ctx, cancel := context.WithCancel(context.Background()) // ended by closing, in its turn
	finder, err := s.discovery(ctx, "notify")
	if err != nil {
		cancel()
		return nil, err
	}
	n := notifier.NewManager(&notifier.Options{QueueCapacity: queueCapacity, Registerer: s.registry},
		cfg.GlobalConfig.MetricNameValidationScheme, s.libraryLog())
	o := &alertmanagers{n, finder, func() { cancel(); n.Stop() }}
	s.others.Store(o)
	s.wg.Go(func() { _ = finder.Run() }) // its only error is the end of ctx
	s.wg.Go(func() { n.Run(finder.SyncCh()) })
	return o, nil
}

// take sends what the rules have found.
func (o *alertmanagers) take(external *url.URL, expr string, alerts []*rules.Alert) {
	sent := make([]*notifier.Alert, 0, len(alerts))
	for _, a := range alerts {
		n := &notifier.Alert{
			StartsAt: a.FiredAt, EndsAt: a.ValidUntil, Labels: a.Labels, Annotations: a.Annotations,
			GeneratorURL: explore(external, expr),
		}
		if !a.ResolvedAt.IsZero() {
			n.EndsAt = a.ResolvedAt
		}
		sent = append(sent, n)
	}
	if len(sent) > 0 {
		o.notifier.Send(sent...)
	}
}

// told is what the API asks about them.
func (s *server) told() apiv1.AlertmanagerRetriever {
	if o := s.others.Load(); o != nil {
		return o.notifier
	}
	return noAlertmanagers{}
}
