package oncall

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Names of the metrics that expressions of monitors are about. Whoever writes
// samples writes them under these.
const (
	// MetricSuccess is 1 or 0 for each check, with the labels monitor and location.
	MetricSuccess = "probe_success"
	// MetricHeartbeatDeadline is the Unix time by which a heartbeat has to have
	// come, with the label monitor.
	MetricHeartbeatDeadline = "toban_heartbeat_deadline_timestamp_seconds"
	// MetricService is a service metric, with the labels service and name.
	MetricService = "toban_service_metric"
)

// pointHolds is how long the last point of a service metric is believed when the
// monitor doesn't say from when on it is missed.
const pointHolds = 24 * time.Hour

// Expression is the PromQL that means the same as the monitor: it returns
// something while the monitor is down.
func (m *Monitor) Expression() string {
	switch m.Kind {
	case MonitorPromQL:
		return m.PromQL
	case MonitorHeartbeat:
		return fmt.Sprintf("time() > %s{monitor=%s}", MetricHeartbeatDeadline, strconv.Quote(string(m.ID)))
	case MonitorMetric:
		var parts []string
		for _, c := range m.Metric.Conditions() {
			parts = append(parts, c.Expression)
		}
		return strings.Join(parts, " or ")
	}
	failing := fmt.Sprintf("%s{monitor=%s}", MetricSuccess, strconv.Quote(string(m.ID)))
	if span := m.downSpan(); span > 0 {
		failing = fmt.Sprintf("max_over_time(%s[%s])", failing, PromDuration(span))
	}
	switch {
	case len(m.Locations) <= 1:
		return failing + " == 0"
	case m.Quorum > 0:
		return fmt.Sprintf("count by (monitor) (%s == 0) >= %d", failing, m.Quorum)
	}
	return fmt.Sprintf("count by (monitor) (%s == 0) > count by (monitor) (%s) / 2", failing, failing)
}

// downSpan is over how long a probe has to have failed.
func (m *Monitor) downSpan() time.Duration {
	if m.Down.Count > 1 {
		return max(m.Down.For, time.Duration(m.Down.Count)*m.Every)
	}
	return m.Down.For
}

// Condition is one condition of a service metric and how bad it is.
type Condition struct {
	Word       string // warning, critical, missing
	Severity   Severity
	Expression string
}

// matcher is how PromQL chooses the metrics by their name.
func (s *ServiceMetric) matcher() string {
	if !s.IsPattern() {
		return "=" + strconv.Quote(s.Name)
	}
	parts := strings.Split(s.Name, ".")
	for i, part := range parts {
		if part == "*" {
			parts[i] = "[^.]+"
		}
	}
	return "=~" + strconv.Quote(strings.Join(parts, "[.]"))
}

// Conditions are the conditions of a service metric as PromQL says them. It has
// no last three points: they are those of three minutes here, or the last one
// where it is older, as if points were a minute apart.
func (s *ServiceMetric) Conditions() (all []Condition) {
	series := fmt.Sprintf("%s{service=%s, name%s}", MetricService, strconv.Quote(s.Service), s.matcher())
	holds := s.Missing
	if holds <= 0 {
		holds = pointHolds
	}
	value := fmt.Sprintf("last_over_time(%s[%s])", series, PromDuration(holds))
	if s.Points > 1 {
		value = fmt.Sprintf("(avg_over_time(%s[%s]) or %s)", series, PromDuration(time.Duration(s.Points)*time.Minute), value)
	}
	for _, c := range []struct {
		severity Severity
		limit    *float64
	}{{Critical, s.Critical}, {Warning, s.Warning}} {
		if c.limit != nil {
			limit := strconv.FormatFloat(*c.limit, 'g', -1, 64)
			all = append(all, Condition{string(c.severity), c.severity, value + " " + s.Operator + " " + limit})
		}
	}
	if s.Missing > 0 {
		all = append(all, Condition{"missing", Critical, fmt.Sprintf("absent_over_time(%s[%s])", series, PromDuration(s.Missing))})
	}
	return all
}

// PromDuration writes a duration as PromQL does, cut to milliseconds.
func PromDuration(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var out strings.Builder
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := d / unit.of; n > 0 {
			fmt.Fprintf(&out, "%d%s", n, unit.name)
			d -= n * unit.of
		}
	}
	return out.String()
}
