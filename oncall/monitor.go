package oncall

import (
	"slices"
	"time"
)

// MonitorID is a monitor's name in the configuration.
type MonitorID string

// MonitorKind says how a monitor knows.
type MonitorKind string

// The kinds of monitors.
const (
	MonitorHTTP        MonitorKind = "http"
	MonitorPing        MonitorKind = "ping"
	MonitorTCP         MonitorKind = "tcp"
	MonitorDNS         MonitorKind = "dns"
	MonitorCertificate MonitorKind = "certificate"
	MonitorGRPC        MonitorKind = "grpc"
	MonitorHeartbeat   MonitorKind = "heartbeat"
	MonitorPromQL      MonitorKind = "promql"
	MonitorMetric      MonitorKind = "metric" // a service metric
)

// Probes reports whether monitors of this kind ask their target themselves.
func (k MonitorKind) Probes() bool {
	switch k {
	case MonitorHTTP, MonitorPing, MonitorTCP, MonitorDNS, MonitorCertificate, MonitorGRPC:
		return true
	}
	return false
}

// Rules reports whether monitors of this kind are rules over stored metrics.
func (k MonitorKind) Rules() bool { return k == MonitorPromQL }

// Monitor is one thing that toban watches by itself.
type Monitor struct {
	ID       MonitorID         `json:"id"`
	Name     string            `json:"name"`
	Kind     MonitorKind       `json:"kind"`
	Target   string            `json:"target,omitempty"` // what the checker is given: URL, host, host:port, name; "" for heartbeat, promql, metric
	Every    time.Duration     `json:"every,omitempty"`
	Timeout  time.Duration     `json:"timeout,omitempty"` // below Every
	Down     Threshold         `json:"down"`
	Up       Threshold         `json:"up"`
	Severity Severity          `json:"severity"`
	Service  ServiceID         `json:"service,omitempty"` // "" = by Labels
	Labels   map[string]string `json:"labels,omitempty"`
	Paused   bool              `json:"paused,omitempty"`
	Private  bool              `json:"private,omitempty"` // may be at a private address
	// Locations are where it is asked from; none = this installation alone (Here).
	Locations []string `json:"locations,omitempty"`
	Quorum    int      `json:"quorum,omitempty"` // locations that have to say down; 0 = more than half of those that have a say

	// Module is how a probe asks, as a module of blackbox-exporter's file, in JSON
	// (which is YAML, too); the friendly keys are compiled to it. A secret in it is
	// the text that Placeholder gives for one of Secrets.
	Module string `json:"module,omitempty"`
	// Secrets are the references that Module needs: env:NAME, file:PATH. Files that
	// a module names by path are among them.
	Secrets   []string       `json:"secrets,omitempty"`
	Heartbeat *Heartbeat     `json:"heartbeat,omitempty"`
	PromQL    string         `json:"promql,omitempty"`
	Metric    *ServiceMetric `json:"metric,omitempty"`

	// Written is the monitor as somebody wrote it, in JSON: what a page edits and
	// an export shows.
	Written string `json:"written,omitempty"`
}

// Threshold is how much it takes to change a monitor's mind: a time, or a number
// of results in a row. Both zero = the first one.
type Threshold struct {
	For   time.Duration `json:"for,omitempty"`
	Count int           `json:"count,omitempty"`
}

// Heartbeat is when somebody else's job is expected to say that it ran: every
// Period, or by Cron in Zone; late after Grace.
type Heartbeat struct {
	Slug   string        `json:"slug,omitempty"`
	Period time.Duration `json:"period,omitempty"`
	Cron   string        `json:"cron,omitempty"`
	Zone   string        `json:"zone,omitempty"`
	Grace  time.Duration `json:"grace"`
}

// ServiceMetric is a condition on a metric of a service, in Mackerel's sense:
// the average of the last Points points.
type ServiceMetric struct {
	Service  string        `json:"service"`  // in the sender's words
	Name     string        `json:"name"`     // a * stands for one part between dots: each metric of that form is judged by itself
	Operator string        `json:"operator"` // > or <
	Warning  *float64      `json:"warning,omitempty"`
	Critical *float64      `json:"critical,omitempty"`
	Points   int           `json:"points"`            // 1 to 10
	Missing  time.Duration `json:"missing,omitempty"` // without a point for so long it is critical; 0 = never
}

// Here is the location of this installation itself.
const Here = "here"

// Location is a place to ask from. Whatever a network is known to reach is its
// reference: when that is not reached, it is the location's own network that is
// broken, and what it says of other targets counts for nothing.
type Location struct {
	Name string `json:"name"`
	// References are probes whose failing all at once takes the location's say
	// away; none = the location is believed as long as anything comes from it.
	References []*Monitor `json:"references,omitempty"`
}

// Places returns the locations from which m is asked, in their order.
func (m *Monitor) Places() []string {
	if len(m.Locations) == 0 {
		return []string{Here}
	}
	return m.Locations
}

// AsksFrom reports whether m is asked from that location.
func (m *Monitor) AsksFrom(location string) bool {
	return slices.Contains(m.Places(), location)
}

// SameQuestion reports whether m and o ask the same thing, so that what o has
// answered holds for m too.
func (m *Monitor) SameQuestion(o *Monitor) bool {
	return m.Kind == o.Kind && m.Target == o.Target && m.Module == o.Module && m.Private == o.Private
}
