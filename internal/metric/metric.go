// Package metric is how toban counts itself: what it says at /metrics (R41). It
// is the only room of the core that knows the client library of Prometheus.
//
// What counts by itself is a Counter or a Histogram, of which the nil is good: a
// part that nobody measures costs nothing. What somebody else keeps is read when
// somebody asks, at most every few seconds, however many ask: being watched must
// never be work. The values of labels come from short lists; no name that a user
// or a sender has chosen is one.
package metric

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Registry is everything that is said of one process.
type Registry struct {
	registry *prometheus.Registry
	failed   prometheus.Counter
}

// New returns a Registry with what is known of every process, process_* and
// go_*, and the version of this one.
func New(version string) *Registry {
	r := &Registry{registry: prometheus.NewRegistry(), failed: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "toban_unread_figures_total", Help: "Times that figures were missing in an answer, since they could not be read.",
	})}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "toban_build_info", Help: "1; the label says the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	r.registry.MustRegister(r.failed, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Limits of being asked.
const (
	scrapesAtOnce = 4
	scrapeWithin  = 10 * time.Second
)

// Handler answers with everything, in the formats that Prometheus knows. What
// can't be read is missing in the answer; the rest is there.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeWithin, ErrorHandling: promhttp.ContinueOnError,
	})
}

// Counter only grows. The nil counts nothing.
type Counter struct{ of *prometheus.CounterVec }

// Counter makes a counter; its name ends in _total. A nil Registry makes nil.
func (r *Registry) Counter(name, help string, labels ...string) *Counter {
	if r == nil {
		return nil
	}
	c := &Counter{prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)}
	r.registry.MustRegister(c.of)
	return c
}

// Add counts n of those with these values of the labels, in their order.
func (c *Counter) Add(n int, values ...string) {
	if c != nil && n >= 0 {
		c.of.WithLabelValues(values...).Add(float64(n))
	}
}

// Histogram counts values by size. The nil counts nothing.
type Histogram struct{ of *prometheus.HistogramVec }

// Histogram makes a histogram with these upper bounds. A nil Registry makes nil.
func (r *Registry) Histogram(name, help string, bounds []float64, labels ...string) *Histogram {
	if r == nil {
		return nil
	}
	h := &Histogram{prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)}
	r.registry.MustRegister(h.of)
	return h
}

// Observe counts a value with these values of the labels, in their order.
func (h *Histogram) Observe(value float64, values ...string) {
	if h != nil {
		h.of.WithLabelValues(values...).Observe(value)
	}
}
