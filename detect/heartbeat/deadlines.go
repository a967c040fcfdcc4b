package heartbeat

import (
	"context"
	"time"

	"toban/internal/remotewrite"
	"toban/internal/wait"
	"toban/oncall"
)

// measureEvery is how often deadlines are handed on as samples: a ping is seen in
// them soon, and a Prometheus that was away has them again.
const measureEvery = 15 * time.Second

// Measure hands the deadlines of the heartbeats to the metrics of this node until
// ctx ends: oncall.MetricHeartbeatDeadline, of which the PromQL of a heartbeat is
// made. give must not block. What can't be read is left out this time.
func (l *Listener) Measure(ctx context.Context, give func([]remotewrite.Sample)) {
	series := map[oncall.MonitorID]*remotewrite.Series{}
	for wait.For(ctx, measureEvery) {
		if l.listening().IsZero() {
			continue
		}
		list, err := l.Status(ctx)
		if err != nil {
			continue // whoever judges them says so
		}
		if batch := deadlines(list, series, time.Now()); len(batch) > 0 {
			give(batch)
		}
	}
}

// deadlines are samples of heartbeats that stand so. series are those of before.
func deadlines(list []Status, series map[oncall.MonitorID]*remotewrite.Series, now time.Time) (batch []remotewrite.Sample) {
	if len(series) > 2*len(list)+100 { // most are of heartbeats that are gone
		clear(series)
	}
	for i := range list {
		s := &list[i]
		at := s.Deadline
		switch s.Status {
		case oncall.HeartbeatPaused:
			continue
		case oncall.HeartbeatDown:
			at = s.Since // also when it reported a failure, long before the deadline
		}
		if at.IsZero() {
			continue
		}
		id := s.Monitor.ID
		if series[id] == nil {
			one, err := remotewrite.NewSeries(oncall.MetricHeartbeatDeadline, map[string]string{"monitor": string(id)})
			if err != nil {
				continue // its name was checked: it can be one
			}
			series[id] = one
		}
		batch = append(batch, remotewrite.Sample{Series: series[id], At: remotewrite.At(now), Value: float64(at.UnixMilli()) / 1000})
	}
	return batch
}
