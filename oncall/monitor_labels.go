package oncall

import (
	"maps"
	"strings"
)

// LabelService names the service that an alert of a rule is about, by its id.
const LabelService = "toban_service"

// AlertLabels are the labels by which the alerts of m find their service, of
// whatever kind it is; a page shows by them whom they reach. metric is which of
// the metrics that a service metric names, "" = the one.
func (m *Monitor) AlertLabels(metric string) map[string]string {
	labels := map[string]string{}
	if m.Kind == MonitorMetric && m.Metric != nil { // these may be overwritten
		if metric == "" && !strings.Contains(m.Metric.Name, "*") {
			metric = m.Metric.Name
		}
		labels["service"] = m.Metric.Service
		if metric != "" {
			labels["name"] = metric
		}
	}
	maps.Copy(labels, m.Labels)
	labels["alertname"], labels["monitor"], labels["kind"], labels["severity"] = m.Title(), string(m.ID), string(m.Kind), string(m.Severity)
	if m.Kind.Probes() {
		labels["location"] = strings.Join(m.Places(), ",")
		if m.Target != "" {
			labels["target"] = m.ShownTarget()
		}
	}
	return labels
}

// Title is how people call m: its name, or else its key.
func (m *Monitor) Title() string {
	if m.Name == "" {
		return string(m.ID)
	}
	return m.Name
}
