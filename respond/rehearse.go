package respond

import (
	"time"

	"toban/oncall"
)

// Rehearse says what would happen if a service had an incident of that severity
// at that time: the same machine as a real response, with nothing written and
// nobody reached.
func Rehearse(dir *oncall.Directory, svc *oncall.Service, severity oncall.Severity, at time.Time, assume oncall.Assumptions, until time.Time) []oncall.Step {
	opening := Opening(dir, svc, oncall.Signal{Key: "rehearsal", Severity: severity, Title: svc.Name}, "", "", at)
	policy := policyOf(dir, svc)
	if policy == nil {
		return nil
	}
	assume.From = at
	turns := map[int]int64{}
	for i := range policy.Levels {
		turns[i] = 0
	}
	w := oncall.World{Directory: dir, Policy: policy, Turns: turns}
	return oncall.Forecast(opening.Response.Response, w, assume, until)
}
