package chaos

import (
	"time"

	"toban/oncall"
)

// silence is how long an incident may be without a next action, or its next
// action be late (R13).
const silence = 10 * time.Second

// judgeSilent counts incidents that nobody had and for which nothing happened:
// what the program said comes next was late by more than silence while it ran,
// or there was nothing. Whoever had to be started anew by the auditor, or by the
// fallback without the machine, was silent for less, and is a finding as well:
// neither happens unless toban has a bug.
func judgeSilent(r *record, v *verdict) {
	silent := map[oncall.IncidentID]bool{}
	none := map[oncall.IncidentID]time.Time{} // since when there is no next action
	for _, w := range r.waits {
		ready := r.readySince(w.at)
		if ready.IsZero() || silent[w.incident] {
			continue
		}
		due := w.next
		if due.IsZero() {
			if none[w.incident].IsZero() {
				none[w.incident] = w.at
			}
			due = none[w.incident]
		} else {
			delete(none, w.incident)
		}
		if ready.After(due) {
			due = ready
		}
		if w.at.Sub(due) > silence {
			silent[w.incident] = true
			v.find(w.incident, "silent: at %s what was due at %s (%s) had not happened", clock(w.at), clock(due), w.why)
		}
	}
	for _, a := range r.audits {
		for _, id := range a.lost {
			if !silent[id] {
				silent[id] = true
				v.find(id, "silent: at %s the store held no next action for it", clock(a.at))
			}
		}
	}
	v.silent = len(silent)
	for id, entries := range r.timeline {
		for _, e := range entries {
			if e.Kind == oncall.EntryRestarted || e.Kind == oncall.EntryBroken {
				v.find(id, "its response was %s at %s: %s", e.Kind, clock(e.At), e.Data.Why+e.Data.Text)
			}
		}
	}
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// cut is a time as the store keeps it.
func cut(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
