package detect

import (
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
		Labels: m.AlertLabels(""), StartsAt: e.Since, ReceivedAt: now, Annotations: map[string]string{},
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
		s.Annotations["target"] = m.ShownTarget()
	}
	return s, true
}

// opened is where the alert that is open was sent to. Its end goes there, too,
// whatever has become of the monitor and of the services since.
type opened struct {
	Service oncall.ServiceID  `json:"service,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// whole is how a monitor stands as a whole, as it is saved.
type whole struct {
	oncall.MonitorState
	// Opened are the alerts that are open: those that AlertDown and AlertUnseen
	// have opened.
	Opened map[oncall.MonitorAlert]opened `json:"opened,omitempty"`
}

// opens is what opens the alert that e is about.
func opens(e oncall.MonitorEdge) oncall.MonitorAlert {
	switch e.Alert {
	case oncall.AlertUp:
		return oncall.AlertDown
	case oncall.AlertSeen:
		return oncall.AlertUnseen
	}
	return e.Alert
}

// route is the service that a signal goes to, as far as this node knows the
// services: the one that it names, or that its labels fit.
func (m *Monitors) route(named oncall.ServiceID, labels map[string]string) oncall.ServiceID {
	dir := m.directory.Load()
	if dir == nil || named != "" && dir.Service(named) != nil {
		return named
	}
	if svc, _ := dir.Route(labels); svc != nil {
		return svc.ID
	}
	return named
}

// address sends a signal to where its alert is, or is to be. w.mu is held.
func (w *watched) address(s *oncall.Signal, alert oncall.MonitorAlert) {
	if at, known := w.opened[alert]; known {
		s.Service, s.Labels = at.Service, at.Labels
	} else if w.stray { // nobody knows any more what it looked like: the key tells
		s.Labels = map[string]string{LabelMonitor: string(w.id)}
	} else {
		s.Service = w.of.route(s.Service, s.Labels)
	}
	if s.Action == oncall.Resolve {
		delete(w.opened, alert)
		return
	}
	w.opened[alert] = opened{s.Service, s.Labels}
}

// moveAlerts takes an open alert along to another service: where it is it would never
// end, and who is responsible now would not know. It waits until the monitor's
// state says what the alert does. w.mu is held.
func (w *watched) moveAlerts(now time.Time) {
	for alert, holds := range map[oncall.MonitorAlert]bool{
		oncall.AlertDown: w.state.Alerting && w.state.Now() == oncall.MonitorDown, oncall.AlertUnseen: w.state.Unsighted,
	} {
		at, known := w.opened[alert]
		if !known || !holds {
			continue
		}
		e := oncall.MonitorEdge{From: w.state.Now(), To: w.state.Now(), Since: w.state.Since, At: now, Alert: alert, Reason: w.state.Reason, Message: w.state.Message}
		s, _ := signalOf(w.m, e, now)
		if w.of.route(s.Service, s.Labels) == at.Service {
			continue
		}
		end := s
		end.Action, end.Title, end.Annotations = oncall.Resolve, w.m.Name+" is watched for another service", map[string]string{}
		w.address(&end, alert)
		w.address(&s, alert)
		w.signals = append(w.signals, end, s)
		w.dirty[""] = true
	}
}

// Labels are the labels by which the alerts of a monitor find their service.
func Labels(m *oncall.Monitor) map[string]string { return m.AlertLabels("") }
