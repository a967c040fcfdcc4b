package detect

import (
	"slices"
	"sync"
	"time"

	"toban/detect/exporter"
	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// Samples turns what checks find into samples for a Prometheus: the metrics of
// blackbox-exporter with the labels monitor, location and instance, and for HTTP
// and ping those of the uptime exporter, with the labels protocol and target.
type Samples struct {
	out    func([]remotewrite.Sample)
	uptime *exporter.Uptime

	mu      sync.Mutex
	series  map[seriesKey]*placeSeries
	tidied  time.Time
	scratch sync.Pool // of *[]remotewrite.Sample
}

type seriesKey struct {
	monitor  oncall.MonitorID
	location string
}

// placeSeries are the series of a monitor at a location, in the order in which
// its kind measures them: a check finds each of its samples where the last one
// left it.
type placeSeries struct {
	of   *oncall.Monitor
	mu   sync.Mutex
	all  []known
	last time.Time
	down bool // what the last check found
}

type known struct {
	name   string
	labels []probe.Label
	series *remotewrite.Series // nil = can't be one
}

// NewSamples returns Samples that hands on to out, which must not block.
func NewSamples(out func([]remotewrite.Sample)) *Samples {
	s := &Samples{out: out, uptime: exporter.NewUptime(), series: map[seriesKey]*placeSeries{}}
	s.scratch.New = func() any { return new([]remotewrite.Sample) }
	return s
}

// Append takes the result of a check.
func (s *Samples) Append(m *oncall.Monitor, location string, at time.Time, r *probe.Result) {
	p := s.of(m, location, at)
	batch := s.scratch.Get().(*[]remotewrite.Sample)
	*batch = (*batch)[:0]
	when := remotewrite.At(at)
	p.mu.Lock()
	p.last = at
	n := 0
	add := func(sample probe.Sample, further bool) {
		if series := p.find(n, sample, location, further); series != nil {
			*batch = append(*batch, remotewrite.Sample{Series: series, At: when, Value: sample.Value})
		}
		n++
	}
	for sample := range r.Metrics() {
		add(sample, true)
	}
	if protocol := uptimeProtocol(m, location); protocol != "" {
		s.uptime.Observe(protocol, m.Target, r)
		for _, sample := range s.uptime.Samples(protocol, m.Target) {
			add(sample, false)
		}
	}
	for _, gone := range p.all[n:] { // measured the last time and not this time
		if gone.series != nil && !containsSeries(*batch, gone.series) {
			*batch = append(*batch, remotewrite.Sample{Series: gone.series, At: when, Value: remotewrite.Stale()})
		}
	}
	p.all = p.all[:n]
	if turned := p.down == r.Up; turned && len(*batch) > 0 {
		(*batch)[0].Soon = true // a rule may wait for it
	}
	p.down = !r.Up
	p.mu.Unlock()
	s.out(*batch)
	s.scratch.Put(batch)
	s.tidy(at)
}

func containsSeries(batch []remotewrite.Sample, series *remotewrite.Series) bool {
	return slices.ContainsFunc(batch, func(b remotewrite.Sample) bool { return b.Series == series })
}

// uptimeProtocol is the label protocol of the uptime exporter, "" for what it
// doesn't know. Other locations than this one have an exporter of their own.
func uptimeProtocol(m *oncall.Monitor, location string) string {
	if location == oncall.Here {
		switch m.Kind {
		case oncall.MonitorHTTP:
			return "http"
		case oncall.MonitorPing:
			return "ping"
		}
	}
	return ""
}

// find returns the series of the n-th sample, that of the last check where it is
// the same.
func (p *placeSeries) find(n int, sample probe.Sample, location string, further bool) *remotewrite.Series {
	same := func(k known) bool { return k.name == sample.Name && slices.Equal(k.labels, sample.Labels) }
	if n < len(p.all) && same(p.all[n]) {
		return p.all[n].series
	}
	if i := slices.IndexFunc(p.all[min(n, len(p.all)):], same); i > 0 { // something came or went before it
		i += min(n, len(p.all))
		p.all[n], p.all[i] = p.all[i], p.all[n]
		return p.all[n].series
	}
	labels := make(map[string]string, len(sample.Labels)+3)
	for _, l := range sample.Labels {
		labels[l.Name] = l.Value
	}
	if further {
		labels["monitor"], labels["location"], labels["instance"] = string(p.of.ID), location, p.of.Target
	}
	series, err := remotewrite.NewSeries(sample.Name, labels)
	if err != nil {
		series = nil // a target may show anything; what is no series is left out
	}
	k := known{sample.Name, sample.Labels, series}
	if further {
		k.labels = slices.Clone(k.labels) // those of the uptime exporter are shared, and never change
	}
	if n < len(p.all) {
		p.all = slices.Insert(p.all, n, k)
	} else {
		p.all = append(p.all, k)
	}
	return series
}

// of returns the series of a monitor at a location. A monitor that asks
// something else begins anew.
func (s *Samples) of(m *oncall.Monitor, location string, at time.Time) *placeSeries {
	key := seriesKey{m.ID, location}
	s.mu.Lock()
	p := s.series[key]
	if p != nil && p.of != m && p.of.Target != m.Target {
		s.end(key, p, at)
		p = nil
	}
	if p == nil {
		p = &placeSeries{of: m, last: at}
		s.series[key] = p
		if protocol := uptimeProtocol(m, location); protocol != "" {
			s.uptime.Add(protocol, m.Target)
		}
	}
	s.mu.Unlock()
	return p
}

// tidyEvery is how often it is looked for what is not measured any more.
const tidyEvery = time.Minute

// tidy ends the series of what has not been asked for some time: without that a
// monitor that is gone would seem to be up for five minutes more.
func (s *Samples) tidy(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.tidied) < tidyEvery {
		return
	}
	s.tidied = now
	for key, p := range s.series {
		p.mu.Lock()
		silent := now.Sub(p.last) > 3*p.of.Every
		p.mu.Unlock()
		if silent {
			s.end(key, p, now)
		}
	}
}

func (s *Samples) end(key seriesKey, p *placeSeries, at time.Time) {
	delete(s.series, key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if protocol := uptimeProtocol(p.of, key.location); protocol != "" {
		s.uptime.Forget(protocol, p.of.Target)
	}
	var batch []remotewrite.Sample
	for _, k := range p.all {
		if k.series != nil {
			batch = append(batch, remotewrite.Sample{Series: k.series, At: remotewrite.At(at), Value: remotewrite.Stale()})
		}
	}
	s.out(batch)
}
