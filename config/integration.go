package config

import (
	"toban/internal/jq"
	"toban/oncall"
)

// integration reads one of `integrations`.
func (l *loader) integration(name, n *node) {
	f := l.fields(name, n, "dialect", "service", "stage", "map", "key", "rate", "burst", "location")
	i := &oncall.Integration{ID: oncall.IntegrationID(name.text), Map: f.text("map"), Stage: oncall.Production}
	l.put(kindIntegration, name.text, i, name)
	if f.need("dialect", "how its messages are read: alertmanager, prometheus, generic, remote_write for samples, mackerel for service metrics, or agent for a location") {
		i.Dialect = f.word("dialect", "", "alertmanager", "generic", "prometheus", "remote_write", "mackerel", dialectAgent)
	}
	l.speaksFor(f, i)
	if i.Map != "" && i.Dialect != "generic" && i.Dialect != "" {
		l.errorf(f.key("map"), "map belongs to the dialect generic; %s's messages have a shape of their own", i.Dialect)
	}
	if i.Map != "" {
		if _, err := jq.Mapping(i.Map); err != nil {
			l.errorf(f.node("map"), "map: %s", err)
		}
	}
	i.Service = oncall.ServiceID(f.refer("service", "service"))
	if stage := f.refer("stage", "stage"); stage != "" {
		i.Stage = oncall.Stage(stage)
	}
	i.Rate, i.Burst = f.rate("rate", 0, 1e6), f.count("burst", 0, 1, 1e6)
	if key := f.secret("key", nil); !key.IsZero() {
		l.config.presets = append(l.config.presets, preset{i.ID, key})
	}
}

// pager reads one of `pagers`: { url: https://…, routing_key: env:PD_KEY }.
func (l *loader) pager(name, n *node) {
	f := l.fields(name, n, "url", "routing_key")
	p := &oncall.Pager{ID: oncall.PagerID(name.text), URL: f.url("url"), RoutingKey: f.secret("routing_key", nil).Ref()}
	l.put(kindPager, name.text, p, name)
	f.need("url", "where it takes events, as in https://events.pagerduty.com/v2/enqueue")
	f.need("routing_key", "which service of it the events are for, as in env:PD_KEY")
}
