package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// figures are this process' own metrics, beside those of Prometheus' parts.
type figures struct {
	damaged, brokenRules, reloadGood, reloadAt prometheus.Gauge
	waiting                                    prometheus.Gauge   // alerts not yet taken by toban
	delivered, failed, refused, dropped        prometheus.Counter // alerts; failed: posts

	mu     sync.Mutex
	last   time.Time
	lastOK bool
}

func newFigures(reg prometheus.Registerer) *figures {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "toban_metrics_" + name, Help: help})
		reg.MustRegister(g)
		return g
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "toban_metrics_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &figures{
		damaged:     gauge("damaged_set_aside", "Blocks and logs that this start has found damaged and set aside."),
		brokenRules: gauge("rule_problems", "Problems in rule files, which are left out until they are mended."),
		reloadGood:  gauge("reload_successful", "Whether the last reading of the configuration succeeded."),
		reloadAt:    gauge("reload_timestamp_seconds", "When the configuration was last read successfully."),
		waiting:     gauge("alerts_waiting", "Alerts that toban has not taken yet."),
		delivered:   counter("alerts_delivered_total", "Alerts that toban has taken."),
		failed:      counter("alert_posts_failed_total", "Posts of alerts that failed and were tried again."),
		refused:     counter("alerts_refused_total", "Alerts that toban has refused as invalid."),
		dropped:     counter("alerts_dropped_total", "Alerts that found no place among those waiting; rules tell them again."),
	}
}

// reloaded keeps how the last reading of the configuration went.
func (f *figures) reloaded(at time.Time, good bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastOK = good
	if !good {
		f.reloadGood.Set(0)
		return
	}
	f.last = at
	f.reloadGood.Set(1)
	f.reloadAt.Set(float64(at.UnixMilli()) / 1000)
}

func (f *figures) lastReload() (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.lastOK
}
