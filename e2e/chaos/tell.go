package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// toldInFull is how many incidents are told in full when promises were broken.
const toldInFull = 3

// tell puts a verdict into words: the findings, and of the first incidents
// concerned the timeline beside the provider's log.
func tell(r *record, v *verdict) string {
	var b strings.Builder
	var concerned []oncall.IncidentID
	for _, f := range v.findings {
		mark := "  "
		if f.bad {
			mark = "! "
			if f.incident != "" && !slices.Contains(concerned, f.incident) {
				concerned = append(concerned, f.incident)
			}
		}
		fmt.Fprintf(&b, "%s%s  (%s)\n", mark, f.what, f.incident)
	}
	for _, id := range concerned[:min(len(concerned), toldInFull)] {
		b.WriteString(story(r, id))
	}
	return b.String()
}

// line is one line of an incident's story.
type line struct {
	at   time.Time
	text string
}

// story is what is known of an incident, by time.
func story(r *record, id oncall.IncidentID) string {
	var lines []line
	for _, e := range r.timeline[id] {
		text := fmt.Sprintf("timeline  %-12s %s", e.Kind, i18n.EntrySentence("en", e, i18n.Names{}))
		if e.Data.Attempt != "" {
			text += "  [" + strings.TrimPrefix(string(e.Data.Attempt), string(id)) + " " + short(e.Data.Delivery) + "]"
		}
		lines = append(lines, line{e.At, text})
	}
	for _, q := range r.creations() {
		if !r.tells(q.delivery, id) {
			continue
		}
		lines = append(lines, line{q.At, fmt.Sprintf("provider  create → %d after %s  [%s]", q.Status, q.Done.Sub(q.At), short(q.delivery))})
		if c := q.call; c != nil {
			for _, each := range []line{{c.Rung, "rings"}, {c.Answered, "answered"}, {c.Ended, "ended: " + string(c.Status)}} {
				if !each.at.IsZero() {
					lines = append(lines, line{each.at, "provider  call " + each.text + "  [" + short(q.delivery) + "] " + c.To[len(c.To)-2:] + " keys " + c.Keys()})
				}
			}
			for _, other := range r.requests {
				if other.Kind != "create" && other.CallSID == c.SID {
					lines = append(lines, line{other.At, fmt.Sprintf("provider  %s %s → %d  [%s]", other.Kind, other.Form.Get("Status"), other.Status, short(q.delivery))})
				}
			}
		}
	}
	for _, a := range r.answered {
		if a.incident == id || a.delivery != "" && r.tells(a.delivery, id) {
			lines = append(lines, line{a.at, "answered  the acknowledgement  [" + short(a.delivery) + "]"})
		}
	}
	for _, l := range r.lives {
		lines = append(lines, line{l.launched, "program   launched"}, line{l.ended, "program   ended"})
		if !l.ready.IsZero() {
			lines = append(lines, line{l.ready, "program   ready"})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	return fmt.Sprintf("--- %s\n%s", id, printed(lines))
}

// printed leaves out the program's lives before the incident's first line and
// after its last.
func printed(lines []line) string {
	mine := func(l line) bool { return !strings.HasPrefix(l.text, "program") }
	first := slices.IndexFunc(lines, mine)
	if first < 0 {
		return ""
	}
	last := len(lines) - 1
	for !mine(lines[last]) {
		last--
	}
	var b strings.Builder
	for _, l := range lines[first : last+1] {
		fmt.Fprintf(&b, "%s  %s\n", clock(l.at), l.text)
	}
	return b.String()
}
