package chaos

import (
	"slices"
	"time"

	"toban/oncall"
)

// silence is how long an incident may be without a next action, or its next
// action be late (R13).
const silence = 10 * time.Second

// judgeSilent counts incidents that nobody had and for which nothing happened:
// there was no next action, or what the program said comes next, or something
// else, did not come within silence of its time while it ran. Whoever had to be
// started anew by the auditor, or by the fallback without the machine, was silent
// for less, and is a finding as well: neither happens unless toban has a bug.
func judgeSilent(r *record, v *verdict) {
	silent := map[oncall.IncidentID]bool{}
	say := func(id oncall.IncidentID, format string, args ...any) {
		if !silent[id] {
			silent[id] = true
			v.find(id, "silent: "+format, args...)
		}
	}
	none := map[oncall.IncidentID]time.Time{} // since when there is no next action
	signs := r.signs()
	for _, w := range r.waits {
		ready := r.readySince(w.at)
		if ready.IsZero() {
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
		switch end := due.Add(silence); {
		case w.at.After(end):
			say(w.incident, "at %s what was due at %s (%s) had not happened", clock(w.at), clock(due), w.why)
		case r.readySince(end).Equal(ready) && r.wantedAt(w.incident, end) && !within(signs[w.incident], w.at, end):
			say(w.incident, "nothing happened between %s, when %s was said to follow at %s, and %s", clock(w.at), w.why, clock(due), clock(end))
		}
	}
	for _, a := range r.audits {
		for _, id := range a.lost {
			say(id, "at %s the store held no next action for it", clock(a.at))
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

// signs are the times, in order, at which something was done about an incident.
func (r *record) signs() map[oncall.IncidentID][]time.Time {
	signs := map[oncall.IncidentID][]time.Time{}
	for id, entries := range r.timeline {
		for _, e := range entries {
			signs[id] = append(signs[id], e.At)
		}
	}
	for _, q := range r.creations() {
		for _, t := range r.told[q.delivery] {
			signs[t.Incident] = append(signs[t.Incident], q.At)
		}
	}
	for _, times := range signs {
		slices.SortFunc(times, time.Time.Compare)
	}
	return signs
}

// within reports whether one of sorted times lies behind from and not behind to.
func within(times []time.Time, from, to time.Time) bool {
	i, _ := slices.BinarySearchFunc(times, from, time.Time.Compare)
	for i < len(times) && !times[i].After(from) {
		i++
	}
	return i < len(times) && !times[i].After(to)
}

// wantedAt reports whether nobody had an incident at t.
func (r *record) wantedAt(id oncall.IncidentID, t time.Time) bool {
	return slices.ContainsFunc(r.wanted(id), func(s span) bool { return !s.from.After(t) && (s.to.IsZero() || s.to.After(t)) })
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// cut is a time as the store keeps it.
func cut(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
