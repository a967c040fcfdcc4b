package chaos

import (
	"fmt"
	"time"

	"toban/oncall"
)

// verdict is what a run comes to.
type verdict struct {
	kills, accepted               int
	lost, silent, calledAfterAck  int
	duplicateCalls, inFlightAtAck int
	twiceAtOnce                   int // a person called twice at the same moment
	unexplained                   int // duplicate calls without a reason of R23
	worstHangUp                   time.Duration
	inFlightAtKill                int
	heard                         []time.Duration // from a call's end until the program knew, sorted
	unheard                       int             // ends that it did not know of when the run was over

	findings []finding // what must not be, and what a duplicate is explained by
}

// finding is one thing that the judge has seen.
type finding struct {
	what     string
	incident oncall.IncidentID // whose timeline tells more; may be empty
	bad      bool
}

func (v *verdict) find(id oncall.IncidentID, format string, args ...any) {
	v.findings = append(v.findings, finding{what: fmt.Sprintf(format, args...), incident: id, bad: true})
}

func (v *verdict) note(id oncall.IncidentID, format string, args ...any) {
	v.findings = append(v.findings, finding{what: fmt.Sprintf(format, args...), incident: id})
}

// failed reports whether a promise was broken.
func (v *verdict) failed() bool {
	for _, f := range v.findings {
		if f.bad {
			return true
		}
	}
	return false
}

// line is the figures, as they are printed last.
func (v *verdict) line(seed uint64) string {
	return fmt.Sprintf("kills=%d accepted=%d lost=%d silent=%d called_after_ack=%d duplicate_calls=%d in_flight_at_ack=%d seed=%d",
		v.kills, v.accepted, v.lost, v.silent, v.calledAfterAck, v.duplicateCalls, v.inFlightAtAck, seed)
}

// judge says how many promises a run has kept. It is a function of the record
// alone.
func judge(r *record) *verdict {
	r.sortByTime()
	v := &verdict{accepted: len(r.accepted)}
	judgeLost(r, v)
	judgeSilent(r, v)
	judgeCalls(r, v)
	judgeTimeline(r, v)
	judgeHeard(r, v)
	return v
}

// aside is what else was measured.
func (v *verdict) aside() string {
	return fmt.Sprintf("calls under way at kills=%d, called twice at once=%d, unexplained duplicates=%d, slowest hang-up=%s, "+
		"end of a call known after p50=%s p95=%s max=%s, not known=%d",
		v.inFlightAtKill, v.twiceAtOnce, v.unexplained, v.worstHangUp.Round(time.Millisecond),
		quantile(v.heard, 0.5), quantile(v.heard, 0.95), quantile(v.heard, 1), v.unheard)
}
