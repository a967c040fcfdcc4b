package agent

import (
	"math"
	"slices"
	"strings"
	"time"

	"toban/detect"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// maxResults is how many results of one series in a request are judged, the last
// ones: an agent sends one, and what is older says nothing of now.
const maxResults = 20

// check is a check of which samples came.
type check struct {
	monitor oncall.MonitorID
	at      int64 // Unix milliseconds, as they came
}

// take makes what came into samples for the metrics and results for the monitors,
// both dated by toban's clock. Of samples that are of no monitor of that location,
// such as a Prometheus' own about its scraping, nothing is kept but that known
// series end; nor of checks that say nothing of their target.
func (d *Door) take(location string, off time.Duration, received []remotewrite.Received) (samples []remotewrite.Sample, heard []detect.Heard) {
	now := time.Now()
	void := map[check]bool{}
	for i := range received {
		s := &received[i]
		id := oncall.MonitorID(s.Label(labelMonitor))
		if s.Metric() != resultMetric || id == "" || !d.o.Monitors.AsksFrom(id, location) {
			continue
		}
		reports := reportsOf(s)
		for _, p := range s.Points[max(0, len(s.Points)-maxResults):] {
			if math.IsNaN(p.Value) {
				continue
			}
			h := detect.Heard{Monitor: id, Up: p.Value == 1, At: time.UnixMilli(p.At).Add(off), Report: reports[p.At]}
			r, err := detect.DecodeReport(h.Report, h.Up, h.At)
			if err != nil { // what it says of the target counts all the same: nobody sends it again
				h.Report = ""
				d.unreadable(location, id, err, now)
			} else if !r.Up && r.Reason.OwnTrouble() {
				void[check{id, p.At}] = true
			}
			heard = append(heard, h)
		}
	}
	for i := range received {
		s := &received[i]
		id := oncall.MonitorID(s.Label(labelMonitor))
		if !strings.HasPrefix(s.Metric(), "probe_") || id == "" {
			continue
		}
		asked := d.o.Monitors.AsksFrom(id, location)
		series, full := d.series.find(s, location, asked, now)
		if full {
			d.log.Warn("samples of a location are not kept: it has more series, or longer labels, than toban keeps", "location", location)
		}
		if series == nil {
			continue
		}
		for _, p := range s.Points {
			at := time.UnixMilli(p.At).Add(off)
			if at.Before(now.Add(rightClock)) && (p.Stale() || asked && !void[check{id, p.At}]) {
				samples = append(samples, series.sample(p, remotewrite.At(at), s.Metric() == resultMetric))
			}
		}
	}
	slices.SortStableFunc(heard, func(a, b detect.Heard) int { return a.At.Compare(b.At) })
	return samples, heard
}

// reportsOf are what stands behind the samples of a series, by their times.
func reportsOf(s *remotewrite.Received) map[int64]string {
	by := make(map[int64]string, min(len(s.Exemplars), maxResults))
	for _, e := range s.Exemplars {
		if _, known := by[e.At]; known {
			continue
		}
		if at := slices.IndexFunc(e.Labels, func(l remotewrite.Label) bool { return l.Name == exemplarLabel }); at >= 0 {
			by[e.At] = e.Labels[at].Value
		}
	}
	return by
}

// unreadable logs that a report can't be read, now and then for each location.
func (d *Door) unreadable(location string, id oncall.MonitorID, err error, now time.Time) {
	d.mu.Lock()
	before, known := d.garbled[location]
	tell := !known || now.Sub(before) >= forgotten
	if tell {
		d.garbled[location] = now
	}
	d.mu.Unlock()
	if tell {
		d.log.Warn("the result of an agent was taken without what it says of it", "location", location, "monitor", id, "err", err)
	}
}
