package chaos

import (
	"toban/oncall"
)

// judgeLost counts accepted signals that have no part in an incident afterwards
// (R1).
func judgeLost(r *record, v *verdict) {
	byTitle := map[string][]*oncall.Incident{}
	for i := range r.incidents {
		inc := &r.incidents[i]
		byTitle[inc.Title] = append(byTitle[inc.Title], inc)
	}
	said := map[string][]acceptance{}
	var order []string
	for _, a := range r.accepted {
		if len(said[a.problem]) == 0 {
			order = append(order, a.problem)
		}
		said[a.problem] = append(said[a.problem], a)
	}
	for _, name := range order {
		judgeProblem(r, v, name, said[name], byTitle[name])
	}
}

// judgeProblem follows what the sender of one problem said.
func judgeProblem(r *record, v *verdict, name string, said []acceptance, incidents []*oncall.Incident) {
	lost := func(n int, id oncall.IncidentID, format string, args ...any) {
		v.lost += n
		v.find(id, "lost: "+name+": "+format, args...)
	}
	if len(incidents) == 0 {
		lost(len(said), "", "%d accepted signals have no incident", len(said))
		return
	}
	newest := incidents[0]
	alerts := map[string]oncall.Alert{}
	for _, inc := range incidents {
		if inc.TriggeredAt.After(newest.TriggeredAt) {
			newest = inc
		}
		for _, a := range r.alerts[inc.ID] {
			alerts[a.Fingerprint] = a
		}
	}
	fired, last := map[string]int64{}, map[string]acceptance{}
	for _, a := range said {
		if a.firing {
			fired[a.alert]++
		}
		last[a.alert] = a
	}
	anyFiring := false
	for key, a := range last {
		alert, known := alerts[key]
		anyFiring = anyFiring || a.firing
		switch {
		case !known:
			lost(int(fired[key]), newest.ID, "%d accepted signals of %s have no alert", fired[key], key)
		case alert.Count < fired[key]:
			lost(int(fired[key]-alert.Count), newest.ID, "%s counts %d signals, %d were accepted", key, alert.Count, fired[key])
		case !a.firing && alert.State != oncall.Cleared:
			lost(1, newest.ID, "%s is %s, though it was accepted at %s that it has cleared", key, alert.State, clock(a.at))
		case a.firing && alert.State != oncall.Firing && !r.resolvedSince(incidents, a):
			lost(1, newest.ID, "%s is %s, though it was accepted at %s that it fires", key, alert.State, clock(a.at))
		}
	}
	if !anyFiring && newest.State != oncall.Resolved {
		lost(1, newest.ID, "the incident is %s, though everything has cleared", newest.State)
	}
}

// resolvedSince reports whether somebody has resolved an incident by hand, which
// clears its alerts, after that signal was sent.
func (r *record) resolvedSince(incidents []*oncall.Incident, a acceptance) bool {
	for _, inc := range incidents {
		for _, e := range r.timeline[inc.ID] {
			if e.Kind == oncall.EntryResolved && e.Actor != "" && !e.At.Before(cut(a.sent)) {
				return true
			}
		}
	}
	return false
}
