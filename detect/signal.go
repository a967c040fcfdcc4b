package detect

import (
	"maps"
	"strings"
	"time"

	"toban/oncall"
)

// integration is whom signals of monitors come from.
const integration oncall.IntegrationID = "monitors"

// sightSuffix makes the key of the alert about not seeing a monitor.
const sightSuffix = "/sight"

// Keys are the keys of the alerts of a monitor that asks or listens itself: that
// it is down, and that it can't be seen.
func Keys(id oncall.MonitorID) [2]string { return [2]string{string(id), string(id) + sightSuffix} }

// signalOf is what an edge says; ok is false for one that nobody has to know of.
func signalOf(m *oncall.Monitor, e oncall.MonitorEdge, now time.Time) (s oncall.Signal, ok bool) {
	s = oncall.Signal{
		Integration: integration, Service: m.Service, Key: string(m.ID), Severity: m.Severity,
		Labels: labelsOf(m), StartsAt: e.Since, ReceivedAt: now, Annotations: map[string]string{},
	}
	switch e.Alert {
	case oncall.AlertDown:
		s.Action, s.Title = oncall.Trigger, m.Name+": "+e.Message
		s.Annotations["reason"], s.Annotations["summary"] = e.Reason, e.Message
	case oncall.AlertUp:
		s.Action, s.Title = oncall.Resolve, m.Name
	case oncall.AlertUnseen:
		s.Action, s.Severity, s.Key = oncall.Trigger, oncall.Warning, s.Key+sightSuffix
		summary := "not checked since " + e.Since.UTC().Format(time.RFC3339) + ": toban can't tell whether it is up"
		s.Title = m.Name + ": " + summary
		s.Annotations["reason"], s.Annotations["summary"] = "unseen", summary
	case oncall.AlertSeen:
		s.Action, s.Severity, s.Key, s.Title = oncall.Resolve, oncall.Warning, s.Key+sightSuffix, m.Name
	default:
		return s, false
	}
	if m.Target != "" {
		s.Annotations["target"] = m.Target
	}
	return s, true
}

// Labels are the labels by which the alerts of a monitor find their service.
func Labels(m *oncall.Monitor) map[string]string { return labelsOf(m) }

// labelsOf are the labels by which a signal finds its service. They are the same
// for every signal of a monitor.
func labelsOf(m *oncall.Monitor) map[string]string {
	labels := maps.Clone(m.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["alertname"], labels["monitor"], labels["kind"], labels["severity"] = m.Name, string(m.ID), string(m.Kind), string(m.Severity)
	labels["location"] = strings.Join(m.Places(), ",")
	if m.Target != "" {
		labels["target"] = m.Target
	}
	return labels
}
