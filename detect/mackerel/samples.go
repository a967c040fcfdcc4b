package mackerel

import (
	"sync"
	"time"

	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store"
)

// samples hands points to the metrics process.
type samples struct {
	out    func([]remotewrite.Sample)
	mu     *sync.Mutex
	series map[string]*remotewrite.Series
}

// sampleAge is how old a point may be that is handed on: what is older comes too
// late for a Prometheus.
const sampleAge = time.Hour

func newSamples(out func([]remotewrite.Sample)) samples {
	return samples{out: out, mu: &sync.Mutex{}, series: map[string]*remotewrite.Series{}}
}

// append hands points of a service on, as far as they are newer than the last
// one of their metric: a Prometheus takes no others.
func (s samples) append(service string, points []store.NamedPoint, last map[string]time.Time) {
	if s.out == nil {
		return
	}
	now := time.Now()
	var batch []remotewrite.Sample
	for _, p := range points {
		if !p.At.After(last[p.Name]) || now.Sub(p.At) > sampleAge {
			continue
		}
		last[p.Name] = p.At
		if series := s.of(service, p.Name); series != nil {
			batch = append(batch, remotewrite.Sample{Series: series, At: remotewrite.At(p.At), Value: p.Value})
		}
	}
	if len(batch) > 0 {
		s.out(batch)
	}
}

func (s samples) of(service, name string) *remotewrite.Series {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := store.MetricID(service, name)
	if series := s.series[id]; series != nil {
		return series
	}
	if len(s.series) >= maxMetrics {
		clear(s.series)
	}
	series, err := remotewrite.NewSeries(oncall.MetricService, map[string]string{"service": service, "name": name})
	if err != nil {
		return nil // its words were checked: it can be one
	}
	s.series[id] = series
	return series
}
