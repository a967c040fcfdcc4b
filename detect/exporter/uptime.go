package exporter

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"toban/detect/probe"
)

// The names of what is counted, and what they say.
const (
	durationName = "uptime_check_duration_seconds"
	successName  = "uptime_checks_success_total"
	totalName    = "uptime_checks_total"

	durationHelp = "How long checks took, those that failed too."
	successHelp  = "Checks that found their target up."
	totalHelp    = "Checks, whatever they found."
)

// bounds are Prometheus' default buckets, in seconds, with their labels in the
// text format and in OpenMetrics.
var bounds = [...]struct {
	most       float64
	text, open string
}{
	{0.005, "0.005", "0.005"},
	{0.01, "0.01", "0.01"},
	{0.025, "0.025", "0.025"},
	{0.05, "0.05", "0.05"},
	{0.1, "0.1", "0.1"},
	{0.25, "0.25", "0.25"},
	{0.5, "0.5", "0.5"},
	{1, "1", "1.0"},
	{2.5, "2.5", "2.5"},
	{5, "5", "5.0"},
	{10, "10", "10.0"},
}

// Uptime counts the checks of targets. All of it begins at 0 as soon as a target
// is known, so that one that never succeeds is noticed.
type Uptime struct {
	mu     sync.RWMutex
	counts map[countKey]*count
}

type countKey struct{ protocol, target string }

// count is what is counted of one target.
type count struct {
	key countKey

	mu      sync.Mutex
	within  [len(bounds)]uint64 // each check in its one bucket
	total   uint64
	success uint64
	sum     float64
}

// Column is one of the series that every target has.
type Column struct {
	Name string
	// Bound is the label le of a bucket, "" for what is none.
	Bound string
}

// Columns are the series of a target beside the labels protocol and target, in
// the order of Uptime.Values.
func Columns() []Column {
	all := make([]Column, 0, len(bounds)+5)
	for _, b := range bounds {
		all = append(all, Column{durationName + "_bucket", b.text})
	}
	return append(all, Column{durationName + "_bucket", "+Inf"},
		Column{Name: durationName + "_sum"}, Column{Name: durationName + "_count"}, Column{Name: successName}, Column{Name: totalName})
}

// NewUptime returns an Uptime that knows no target.
func NewUptime() *Uptime { return &Uptime{counts: map[countKey]*count{}} }

// Add makes a target known.
func (u *Uptime) Add(protocol, target string) { u.of(protocol, target) }

// Forget takes a target out.
func (u *Uptime) Forget(protocol, target string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.counts, countKey{protocol, target})
}

// Observe counts a check of a target.
func (u *Uptime) Observe(protocol, target string, r *probe.Result) {
	c := u.of(protocol, target)
	took := r.Duration.Seconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range bounds {
		if took <= bounds[i].most {
			c.within[i]++
			break
		}
	}
	c.total++
	c.sum += took
	if r.Up {
		c.success++
	}
}

func (u *Uptime) of(protocol, target string) *count {
	key := countKey{protocol, target}
	u.mu.RLock()
	c := u.counts[key]
	u.mu.RUnlock()
	if c != nil {
		return c
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if c = u.counts[key]; c != nil {
		return c
	}
	c = &count{key: key}
	u.counts[key] = c
	return c
}

// Values appends what is counted of a target to all, a value for each of Columns;
// nothing for one that is not known.
func (u *Uptime) Values(all []float64, protocol, target string) []float64 {
	u.mu.RLock()
	c := u.counts[countKey{protocol, target}]
	u.mu.RUnlock()
	if c == nil {
		return all
	}
	return c.values(all)
}

func (c *count) values(all []float64) []float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var upTo uint64
	for _, n := range c.within {
		upTo += n
		all = append(all, float64(upTo))
	}
	total := float64(c.total)
	return append(all, total, c.sum, total, float64(c.success), total)
}

// The formats that are spoken.
const (
	textFormat = "text/plain; version=0.0.4; charset=utf-8"
	openFormat = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// ServeHTTP writes all that is counted, in OpenMetrics for those who prefer it.
func (u *Uptime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	open := prefersOpenMetrics(r.Header.Get("Accept"))
	format := textFormat
	if open {
		format = openFormat
	}
	w.Header().Set("Content-Type", format)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(u.text(open)) // whoever asked may have gone
}

func (u *Uptime) text(open bool) (b []byte) {
	u.mu.RLock()
	all := make([]*count, 0, len(u.counts))
	for _, c := range u.counts {
		all = append(all, c)
	}
	u.mu.RUnlock()
	slices.SortFunc(all, func(a, b *count) int {
		return cmp.Or(cmp.Compare(a.key.protocol, b.key.protocol), cmp.Compare(a.key.target, b.key.target))
	})
	columns := Columns()
	values := make([]float64, 0, len(all)*len(columns))
	for _, c := range all {
		values = c.values(values)
	}
	family := func(name, help, kind string, from, to int) {
		b = append(b, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
		for k, c := range all {
			target := []probe.Label{{Name: "protocol", Value: c.key.protocol}, {Name: "target", Value: strings.ToValidUTF8(c.key.target, "\ufffd")}}
			for i := from; i < to; i++ {
				s := probe.Sample{Name: columns[i].Name, Labels: target, Value: values[k*len(columns)+i]}
				if bound := columns[i].Bound; bound != "" {
					if open && i < len(bounds) {
						bound = bounds[i].open
					}
					s.Labels = append([]probe.Label{{Name: "le", Value: bound}}, target...)
				}
				b = probe.AppendSample(b, s)
			}
		}
	}
	buckets := len(bounds) + 3 // with +Inf, sum and count
	family(durationName, durationHelp, "histogram", 0, buckets)
	if open { // there, a family of counters has no _total
		family(strings.TrimSuffix(successName, "_total"), successHelp, "counter", buckets, buckets+1)
		family(strings.TrimSuffix(totalName, "_total"), totalHelp, "counter", buckets+1, buckets+2)
		return append(b, "# EOF\n"...)
	}
	family(successName, successHelp, "counter", buckets, buckets+1)
	family(totalName, totalHelp, "counter", buckets+1, buckets+2)
	return b
}

// prefersOpenMetrics reads an Accept header: OpenMetrics is sent to those who
// name it and like the text format no better.
func prefersOpenMetrics(accept string) bool {
	open, text := 0.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		quality := 1.0
		for p := range strings.SplitSeq(parameters, ";") {
			if q, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
				if v, err := strconv.ParseFloat(q, 64); err == nil {
					quality = v
				}
			}
		}
		switch strings.TrimSpace(kind) {
		case "application/openmetrics-text":
			open = max(open, quality)
		case "text/plain", "text/*", "*/*":
			text = max(text, quality)
		}
	}
	return open > 0 && open >= text
}
