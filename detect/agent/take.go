package agent

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"toban/detect"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// take makes what came into samples for the metrics and results for the monitors,
// both dated by toban's clock. Of samples that are of no monitor of that location,
// such as a Prometheus' own about its scraping, nothing is kept.
func (d *Door) take(location string, off time.Duration, received []remotewrite.Received) (samples []remotewrite.Sample, heard []detect.Heard, err error) {
	now := time.Now()
	for i := range received {
		s := &received[i]
		metric, id := s.Metric(), oncall.MonitorID(s.Label(labelMonitor))
		if !strings.HasPrefix(metric, "probe_") || id == "" {
			continue
		}
		asked := d.o.Monitors.AsksFrom(id, location)
		series := d.series.find(s, location, asked, now)
		for _, p := range s.Points {
			at := time.UnixMilli(p.At).Add(off)
			if series != nil && at.Before(now.Add(rightClock)) {
				samples = append(samples, series.sample(p, remotewrite.At(at), metric == resultMetric))
			}
			if metric != resultMetric || !asked || math.IsNaN(p.Value) {
				continue
			}
			h := detect.Heard{Monitor: id, Up: p.Value == 1, At: at, Report: reportOf(s, p)}
			if _, err := detect.DecodeReport(h.Report, h.Up, at); err != nil {
				return nil, nil, ErrUnreadable
			}
			heard = append(heard, h)
		}
	}
	slices.SortStableFunc(heard, func(a, b detect.Heard) int { return a.At.Compare(b.At) })
	return samples, heard, nil
}

// reportOf is what stands behind a sample, "" where nothing does.
func reportOf(s *remotewrite.Received, p remotewrite.Point) string {
	for _, e := range s.Exemplars {
		if e.At != p.At {
			continue
		}
		for _, l := range e.Labels {
			if l.Name == exemplarLabel {
				return l.Value
			}
		}
	}
	return ""
}

// shelf keeps series that come again and again.
type shelf struct {
	mu    sync.Mutex
	by    map[string]*shelved
	tided time.Time
}

type shelved struct {
	series *remotewrite.Series
	seen   time.Time
	value  atomic.Uint64 // its bits, of the last sample
}

// maxSeries bounds the series of all agents that a node keeps in mind; samples of
// further ones are not kept.
const maxSeries = 200_000

func newShelf() shelf { return shelf{by: map[string]*shelved{}} }

// find returns the series with exactly these labels, of that location; nil where
// it is a new one that may not be.
func (f *shelf) find(s *remotewrite.Received, location string, mayBeNew bool, now time.Time) *shelved {
	var name strings.Builder
	for _, l := range s.Labels {
		if l.Name != labelLocation {
			name.WriteString(l.Name + "\xff" + l.Value + "\xff")
		}
	}
	name.WriteString(location)
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.by[name.String()]; known != nil {
		known.seen = now
		return known
	}
	if !mayBeNew || !f.room(now) {
		return nil
	}
	labels := make(map[string]string, len(s.Labels))
	for _, l := range s.Labels {
		labels[l.Name] = l.Value
	}
	metric := s.Metric()
	delete(labels, "__name__")
	labels[labelLocation] = location
	series, err := remotewrite.NewSeries(metric, labels)
	if err != nil {
		return nil // its labels were looked at; together they are too long
	}
	known := &shelved{series: series, seen: now}
	known.value.Store(math.Float64bits(math.NaN()))
	f.by[name.String()] = known
	return known
}

// room makes room for one more and reports whether there is some.
func (f *shelf) room(now time.Time) bool {
	if now.Sub(f.tided) > forgotten {
		f.tided = now
		for name, known := range f.by {
			if now.Sub(known.seen) > forgotten {
				delete(f.by, name)
			}
		}
	}
	return len(f.by) < maxSeries
}

// sample is a sample of the series. A rule may wait for one that turns.
func (s *shelved) sample(p remotewrite.Point, at int64, result bool) remotewrite.Sample {
	bits := math.Float64bits(p.Value)
	return remotewrite.Sample{Series: s.series, At: at, Value: p.Value, Soon: s.value.Swap(bits) != bits && result}
}
