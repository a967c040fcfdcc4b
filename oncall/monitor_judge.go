package oncall

import (
	"slices"
	"strings"
	"time"
)

// judge draws the conclusion from what the locations say. That those which said
// down have fallen silent, or lost their say, makes nothing up: while the alert is
// open it takes a success, and as many locations that take down back as leave too
// few of them for it.
func (w *turning) judge() {
	s := &w.state
	from, to := s.Now(), w.m.verdict(*s, w.now)
	if to == MonitorUp && from != MonitorUp && (!w.success || s.Alerting && w.m.lastSaid(s.Places) != MonitorUp) {
		to = MonitorUnknown
	}
	if to == MonitorDown {
		s.Reason, s.Message = w.m.why(s.Places)
	}
	if from != to {
		e := MonitorEdge{From: from, To: to, Since: w.now, At: w.now}
		if last := len(w.edges) - 1; last >= 0 && w.edges[last].To == to {
			e.Since = w.edges[last].Since
		}
		if to == MonitorDown {
			e.Reason, e.Message = s.Reason, s.Message
		}
		switch {
		case to == MonitorDown && !s.Alerting:
			s.Alerting, e.Alert = true, AlertDown
		case to == MonitorUp && s.Alerting:
			s.Alerting, e.Alert = false, AlertUp
		}
		s.Status, s.Since = to, e.Since
		w.edges = append(w.edges, e)
	}
	if to != MonitorUnknown && s.Unsighted {
		s.Unsighted = false
		w.edges = append(w.edges, MonitorEdge{From: to, To: to, Since: w.now, At: w.now, Alert: AlertSeen})
	}
}

// look says that the monitor can't be seen, once its grace is over.
func (w *turning) look() {
	if at, ok := w.m.unseen(w.state); ok && !w.now.Before(at) {
		w.state.Unsighted = true
		w.edges = append(w.edges, MonitorEdge{From: MonitorUnknown, To: MonitorUnknown, Since: w.state.Since, At: w.now, Alert: AlertUnseen})
	}
}

// unseen is when somebody has to be told that the monitor can't be seen. Where
// every location is muted, that is said of the locations.
func (m *Monitor) unseen(s MonitorState) (time.Time, bool) {
	if s.Now() != MonitorUnknown || s.Unsighted || s.Watched.IsZero() {
		return time.Time{}, false
	}
	heard := false
	for _, p := range s.Places {
		heard = heard || !p.Muted
	}
	return latest(s.Since, s.Watched).Add(m.sight() + SightGrace), heard
}

// why collects the reason of being down: that of the location that has said so
// for longest.
func (m *Monitor) why(places map[string]PlaceState) (reason, message string) {
	var first *PlaceState
	var at []string
	for _, location := range m.Places() {
		p, known := places[location]
		if !known || p.Muted || p.Now() != MonitorDown {
			continue
		}
		at = append(at, location)
		if first == nil || p.Since.Before(first.Since) {
			first = &p
		}
	}
	if first == nil {
		return "", ""
	}
	if message = first.Message; len(m.Locations) > 1 {
		message += " (" + strings.Join(at, placesBy) + ")"
	}
	return first.Reason, message
}

// placesBy is between the locations that a message names.
const placesBy = ", "

// PartPlaces parts what a check said from the locations that say so, as the message
// of a monitor with several names both.
func (m *Monitor) PartPlaces(message string) (said string, at []string) {
	i := strings.LastIndex(message, " (")
	if len(m.Locations) < 2 || i < 0 || !strings.HasSuffix(message, ")") {
		return message, nil
	}
	at = strings.Split(message[i+2:len(message)-1], placesBy)
	if slices.ContainsFunc(at, func(name string) bool { return !slices.Contains(m.Locations, name) }) {
		return message, nil
	}
	return message[:i], at
}
