package metric

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Figure is what is said by one name that somebody else keeps.
type Figure struct {
	Name, Help string
	Counts     bool      // it only grows, and its name ends in _total
	Bounds     []float64 // of a histogram, whose values are put with Values.Spread
	Labels     []string
}

// Values takes what a Figure is at the moment.
type Values struct {
	figures map[string]*described
	metrics []prometheus.Metric
	wrong   error
}

type described struct {
	Figure
	desc *prometheus.Desc
}

// Put says a value with these values of the labels, in their order.
func (v *Values) Put(name string, value float64, values ...string) {
	d := v.figures[name]
	if d == nil {
		v.wrong = errors.Join(v.wrong, fmt.Errorf("figure %s was not announced", name))
		return
	}
	kind := prometheus.GaugeValue
	if d.Counts {
		kind = prometheus.CounterValue
	}
	m, err := prometheus.NewConstMetric(d.desc, kind, value, values...)
	v.add(name, m, err)
}

// Spread says a histogram: how many values were in each of the buckets, the last
// of which has no bound, and their sum.
func (v *Values) Spread(name string, counts []int64, sum float64) {
	d := v.figures[name]
	if d == nil || len(counts) != len(d.Bounds)+1 {
		v.wrong = errors.Join(v.wrong, fmt.Errorf("figure %s was not announced so", name))
		return
	}
	buckets := make(map[float64]uint64, len(d.Bounds))
	total := uint64(0)
	for i, n := range counts {
		total += uint64(max(n, 0)) //nolint:gosec // it counts
		if i < len(d.Bounds) {
			buckets[d.Bounds[i]] = total
		}
	}
	m, err := prometheus.NewConstHistogram(d.desc, total, sum, buckets)
	v.add(name, m, err)
}

func (v *Values) add(name string, m prometheus.Metric, err error) {
	if err != nil {
		v.wrong = errors.Join(v.wrong, fmt.Errorf("figure %s: %w", name, err))
		return
	}
	v.metrics = append(v.metrics, m)
}

// readWithin bounds one reading.
const readWithin = 5 * time.Second

// Read lets read say what the figures are whenever somebody asks, but not again
// before fresh has passed; zero = every time. While it fails they are missing,
// and failed is told why: a value of the past would be taken for one of now.
func (r *Registry) Read(fresh time.Duration, figures []Figure, read func(ctx context.Context, v *Values) error, failed func(error)) {
	c := &reading{fresh: fresh, read: read, failed: failed, count: r.failed, figures: make(map[string]*described, len(figures))}
	for _, f := range figures {
		c.figures[f.Name] = &described{f, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)}
	}
	r.registry.MustRegister(c)
}

// reading is a prometheus.Collector of what somebody else keeps.
type reading struct {
	figures map[string]*described
	fresh   time.Duration
	read    func(ctx context.Context, v *Values) error
	failed  func(error)
	count   prometheus.Counter

	mu   sync.Mutex // held while it is read: whoever comes meanwhile waits for the same answer
	at   time.Time
	last []prometheus.Metric
}

// Describe implements prometheus.Collector.
func (c *reading) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.figures {
		out <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *reading) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.current() {
		out <- m
	}
}

func (c *reading) current() []prometheus.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < c.fresh {
		return c.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	v := &Values{figures: c.figures}
	err := errors.Join(c.read(ctx, v), v.wrong)
	c.at, c.last = time.Now(), v.metrics
	if err != nil {
		c.last = nil
		c.count.Inc()
		c.failed(err)
	}
	return c.last
}
