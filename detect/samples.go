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
	out     func([]remotewrite.Sample)
	uptime  *exporter.Uptime
	columns []exporter.Column
	bounds  [][]remotewrite.Label // those of columns, shared by all

	mu      sync.Mutex
	series  map[seriesKey]*placeSeries
	targets map[targetKey]*targetSeries
	tidied  time.Time
	scratch sync.Pool // of *[]remotewrite.Sample
}

type (
	seriesKey struct {
		monitor  oncall.MonitorID
		location string
	}
	targetKey struct{ protocol, target string }
)

// placeSeries are the series of a monitor at a location, in the order in which
// its kind measures them: a check finds each of its samples where the last one
// left it.
type placeSeries struct {
	of     *oncall.Monitor
	common *remotewrite.Common // nil = nothing can be said of it
	target *targetSeries       // nil = the uptime exporter knows nothing like it

	mu   sync.Mutex
	all  []known
	last time.Time
	down bool // what the last check found
}

// known is a series with what was said last.
type known struct {
	name   string
	labels []probe.Label
	series *remotewrite.Series // nil = can't be one
	value  float64
	at     int64 // Unix milliseconds
}

// targetSeries are the series of a target as the uptime exporter has them: those
// of all monitors that ask it.
type targetSeries struct {
	key    targetKey
	series []*remotewrite.Series // of the columns; none = can't be any
	users  int                   // Samples.mu

	mu   sync.Mutex // values go out in the order in which they were counted
	last int64      // Unix milliseconds
}

// NewSamples returns Samples that hands on to out, which must not block.
func NewSamples(out func([]remotewrite.Sample)) *Samples {
	s := &Samples{
		out: out, uptime: exporter.NewUptime(), columns: exporter.Columns(),
		series: map[seriesKey]*placeSeries{}, targets: map[targetKey]*targetSeries{},
	}
	for _, c := range s.columns {
		var own []remotewrite.Label
		if c.Bound != "" {
			own = []remotewrite.Label{{Name: "le", Value: c.Bound}}
		}
		s.bounds = append(s.bounds, own)
	}
	s.scratch.New = func() any { return new([]remotewrite.Sample) }
	return s
}

// Append takes the result of a check.
func (s *Samples) Append(m *oncall.Monitor, location string, at time.Time, r *probe.Result) {
	p := s.of(m, location, at)
	batch := s.scratch.Get().(*[]remotewrite.Sample)
	*batch = p.measured((*batch)[:0], at, r)
	s.out(*batch)
	if t := p.target; t != nil {
		t.mu.Lock()
		*batch = s.counted((*batch)[:0], t, at, r)
		s.out(*batch)
		t.mu.Unlock()
	}
	s.scratch.Put(batch)
	s.tidy(at)
}

// measured are the samples of a check.
func (p *placeSeries) measured(batch []remotewrite.Sample, at time.Time, r *probe.Result) []remotewrite.Sample {
	when := remotewrite.At(at)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = at
	n := 0
	for sample := range r.Metrics() {
		k := p.find(n, sample)
		if n++; k.series == nil || still(k, sample.Value, when) {
			continue
		}
		k.value, k.at = sample.Value, when
		batch = append(batch, remotewrite.Sample{Series: k.series, At: when, Value: sample.Value})
	}
	for _, gone := range p.all[n:] { // measured the last time and not this time
		if gone.series != nil {
			batch = append(batch, remotewrite.Sample{Series: gone.series, At: when, Value: remotewrite.Stale()})
		}
	}
	clear(p.all[n:])
	p.all = p.all[:n]
	if turned := p.down == r.Up; turned && len(batch) > 0 {
		batch[0].Soon = true // a rule may wait for it
	}
	p.down = !r.Up
	return batch
}

// stillEvery is how often a sample is sent that hardly ever changes. A Prometheus
// takes one for current for five minutes.
const stillEvery = 2 * time.Minute

// still reports whether a sample need not be sent: it is what it was, of a kind
// that hardly ever changes. Whoever asks for the value of the moment gets it all
// the same.
func still(k *known, value float64, when int64) bool {
	if value != k.value || time.Duration(when-k.at)*time.Millisecond >= stillEvery {
		return false
	}
	switch k.name {
	case "probe_failed_due_to_regex", "probe_http_content_length", "probe_http_redirects", "probe_http_ssl", "probe_http_status_code",
		"probe_http_uncompressed_body_length", "probe_http_version", "probe_ip_addr_hash", "probe_ip_protocol",
		"probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds", "probe_ssl_last_chain_info", "probe_tls_cipher_info", "probe_tls_version_info":
		return true
	}
	return false
}

// counted are the samples of a target after a further check. It is counted from 0
// on: the beginning of the first check is told too, so that an increase is seen.
// t.mu is held.
func (s *Samples) counted(batch []remotewrite.Sample, t *targetSeries, at time.Time, r *probe.Result) []remotewrite.Sample {
	if len(t.series) == 0 {
		return batch
	}
	var room [24]float64
	add := func(at int64) {
		for i, v := range s.uptime.Values(room[:0], t.key.protocol, t.key.target) {
			batch = append(batch, remotewrite.Sample{Series: t.series[i], At: at, Value: v})
		}
		t.last = at
	}
	when := remotewrite.At(at)
	if t.last == 0 {
		add(min(remotewrite.At(r.Start), when-1))
	}
	s.uptime.Observe(t.key.protocol, t.key.target, r)
	if when > t.last { // two monitors of one target in the same moment: the next one tells of both
		add(when)
	}
	return batch
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
// the same. p.mu is held.
func (p *placeSeries) find(n int, sample probe.Sample) *known {
	same := func(k known) bool { return k.name == sample.Name && slices.Equal(k.labels, sample.Labels) }
	if n < len(p.all) && same(p.all[n]) {
		return &p.all[n]
	}
	if i := slices.IndexFunc(p.all[min(n, len(p.all)):], same); i > 0 { // something came or went before it
		i += n
		p.all[n], p.all[i] = p.all[i], p.all[n]
		return &p.all[n]
	}
	k := known{name: sample.Name, labels: slices.Clone(sample.Labels)}
	if p.common != nil {
		own := make([]remotewrite.Label, len(sample.Labels))
		for i, l := range sample.Labels {
			own[i] = remotewrite.Label(l)
		}
		if series, err := p.common.Series(sample.Name, own); err == nil { // a target may show anything; what is no series is left out
			k.series = series
		}
	}
	if cap(p.all) == 0 {
		p.all = make([]known, 0, usualSeries)
	}
	p.all = slices.Insert(p.all, min(n, len(p.all)), k)
	return &p.all[n]
}

// usualSeries is how many series a check of a website has.
const usualSeries = 17

// of returns the series of a monitor at a location. A monitor that asks
// something else begins anew.
func (s *Samples) of(m *oncall.Monitor, location string, at time.Time) *placeSeries {
	key := seriesKey{m.ID, location}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.series[key]
	if p != nil && p.of != m && p.of.Target != m.Target { // it is changed under s.mu alone
		s.end(key, p, at)
		p = nil
	}
	if p == nil {
		p = &placeSeries{of: m, last: at, target: s.use(uptimeProtocol(m, location), m.ShownTarget())}
		common, err := remotewrite.NewCommon(
			remotewrite.Label{Name: "monitor", Value: string(m.ID)}, remotewrite.Label{Name: "location", Value: location},
			remotewrite.Label{Name: "instance", Value: m.ShownTarget()})
		if err == nil {
			p.common = common
		}
		s.series[key] = p
	}
	p.mu.Lock()
	p.of = m // its interval may be another
	p.mu.Unlock()
	return p
}

// use returns the series of a target, for one monitor more. s.mu is held.
func (s *Samples) use(protocol, target string) *targetSeries {
	if protocol == "" {
		return nil
	}
	key := targetKey{protocol, target}
	t := s.targets[key]
	if t == nil {
		t = &targetSeries{key: key}
		common, err := remotewrite.NewCommon(remotewrite.Label{Name: "protocol", Value: protocol}, remotewrite.Label{Name: "target", Value: target})
		for i, c := range s.columns {
			if err != nil {
				break
			}
			var series *remotewrite.Series
			if series, err = common.Series(c.Name, s.bounds[i]); err == nil {
				t.series = append(t.series, series)
			}
		}
		if err != nil {
			t.series = nil
		}
		s.uptime.Add(protocol, target)
		s.targets[key] = t
	}
	t.users++
	return t
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

// end says that the series of a monitor end. s.mu is held.
func (s *Samples) end(key seriesKey, p *placeSeries, at time.Time) {
	delete(s.series, key)
	when := remotewrite.At(at)
	var batch []remotewrite.Sample
	p.mu.Lock()
	for _, k := range p.all {
		if k.series != nil {
			batch = append(batch, remotewrite.Sample{Series: k.series, At: when, Value: remotewrite.Stale()})
		}
	}
	p.mu.Unlock()
	if t := p.target; t != nil {
		if t.users--; t.users == 0 { // no other monitor asks that target
			delete(s.targets, t.key)
			s.uptime.Forget(t.key.protocol, t.key.target)
			for _, series := range t.series {
				batch = append(batch, remotewrite.Sample{Series: series, At: when, Value: remotewrite.Stale()})
			}
		}
	}
	s.out(batch)
}
