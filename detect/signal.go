package detect

import (
	"strings"
	"time"

	"toban/detect/saying"
	"toban/oncall"
)

// integration is whom signals of monitors come from.
const integration oncall.IntegrationID = "monitors"

// sightSuffix makes the key of the alert about not seeing a monitor.
const sightSuffix = "/sight"

// unseen is the reason of that alert.
const unseen = "unseen"

// Keys are the keys of the alerts of a monitor that asks or listens itself: that
// it is down, and that it can't be seen.
func Keys(id oncall.MonitorID) [2]string { return [2]string{string(id), string(id) + sightSuffix} }

// words are the language and the zone in which alerts are said.
func (m *Monitors) words() saying.Words {
	dir := m.directory.Load()
	if dir == nil {
		return saying.Words{Zone: time.UTC}
	}
	return saying.Of(dir.Settings)
}

// signalOf is what an edge says; ok is false for one that nobody has to know of.
func signalOf(w saying.Words, m *oncall.Monitor, e oncall.MonitorEdge, now time.Time) (s oncall.Signal, ok bool) {
	name := m.Title()
	s = oncall.Signal{
		Integration: integration, Service: m.Service, Key: string(m.ID), Severity: m.Severity,
		Labels: m.AlertLabels(""), StartsAt: e.Since, ReceivedAt: now, Annotations: map[string]string{},
	}
	switch e.Alert {
	case oncall.AlertDown:
		said, at := m.PartPlaces(e.Message)
		s.Action, s.Title = oncall.Trigger, w.Title(name, e.Reason, said)
		s.Annotations["reason"], s.Annotations["summary"] = e.Reason, w.Summary(e.Reason, said)
		if len(at) > 0 {
			s.Annotations["summary"] = w.Say("said.places", "said", s.Annotations["summary"], "places", strings.Join(at, ", "))
		}
	case oncall.AlertUp:
		s.Action, s.Title = oncall.Resolve, name
	case oncall.AlertUnseen:
		s.Action, s.Severity, s.Key = oncall.Trigger, oncall.Warning, s.Key+sightSuffix
		s.Title = w.Title(name, unseen, "")
		s.Annotations["reason"], s.Annotations["summary"] = unseen, w.Say("said.unseen", "time", w.At(e.Since))
	case oncall.AlertSeen:
		s.Action, s.Severity, s.Key, s.Title = oncall.Resolve, oncall.Warning, s.Key+sightSuffix, name
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
		s, _ := signalOf(w.of.words(), w.m, e, now)
		if w.of.route(s.Service, s.Labels) == at.Service {
			continue
		}
		end := s
		end.Action, end.Title, end.Annotations = oncall.Resolve, w.of.words().Say("end.moved", "name", w.m.Title()), map[string]string{}
		w.address(&end, alert)
		w.address(&s, alert)
		w.signals = append(w.signals, end, s)
		w.dirty[""] = true
	}
}

// Labels are the labels by which the alerts of a monitor find their service.
func Labels(m *oncall.Monitor) map[string]string { return m.AlertLabels("") }
