package respond

import (
	"cmp"
	"time"

	"toban/oncall"
)

// Rehearsal is an incident that is only thought of.
type Rehearsal struct {
	Service  *oncall.Service
	Policy   *oncall.Policy // nil = the service's
	Severity oncall.Severity
	Urgency  oncall.Urgency // "" = what follows from the severity
	At       time.Time
	Assume   oncall.Assumptions // From is At
	Until    time.Time          // how far to look; zero = 3 h, for low urgency 8 days
}

// How far a rehearsal looks by itself: low urgency may wait for Monday.
const (
	rehearseHigh = 3 * time.Hour
	rehearseLow  = 8 * 24 * time.Hour
)

// Rehearse says what would happen, and with which urgency: the same machine as a
// real response, with nothing written and nobody reached.
func Rehearse(dir *oncall.Directory, r Rehearsal) ([]oncall.Step, oncall.Urgency) {
	opening := Opening(dir, r.Service, oncall.Signal{Key: "rehearsal", Severity: r.Severity, Title: r.Service.Name}, r.Urgency, "", r.At)
	urgency := opening.Incident.Urgency
	policy := cmp.Or(r.Policy, policyOf(dir, r.Service))
	if policy == nil {
		return nil, urgency
	}
	r.Assume.From = r.At
	turns := map[int]int64{}
	for i := range policy.Levels {
		turns[i] = 0
	}
	if r.Until.IsZero() {
		r.Until = r.At.Add(rehearseHigh)
		if urgency == oncall.Low {
			r.Until = r.At.Add(rehearseLow)
		}
	}
	w := oncall.World{Directory: dir, Policy: policy, Turns: turns}
	return oncall.Forecast(opening.Response.Response, w, r.Assume, r.Until), urgency
}
