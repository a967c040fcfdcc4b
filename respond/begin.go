package respond

import (
	"time"

	"toban/oncall"
	"toban/store"
)

// Begin is Propose with the first step taken at once where that step does
// nothing but wait, for support hours (R6) or for the incident's age (R15): in a
// storm of low urgency most do, and it saves each of them a transaction. Any
// other first step is left to the driver, and so is a machine that fails here.
func Begin(dir *oncall.Directory, svc *oncall.Service, inc *oncall.Incident) (*store.ResponseRow, []oncall.Entry) {
	row, entries := Propose(dir, svc, inc)
	policy := policyOf(dir, svc)
	if policy == nil || takesTurns(policy) {
		return row, entries
	}
	in := oncall.Input{Kind: oncall.InDue, Epoch: inc.Epoch}
	after, effects, ok := onlyWaits(row.Response, in, oncall.World{Directory: dir, Policy: policy}, inc.TriggeredAt)
	if !ok {
		return row, entries
	}
	for _, e := range effects {
		n := e.(oncall.Note).Entry
		n.Incident, n.Seq = inc.ID, int64(len(entries)+1)
		entries = append(entries, n)
	}
	row.Response = after
	row.NextAt, row.NextWhy = after.Next()
	return row, entries
}

// onlyWaits takes a step, and reports whether all that it brings is a line on
// the timeline and a later time.
func onlyWaits(r oncall.Response, in oncall.Input, w oncall.World, now time.Time) (after oncall.Response, effects []oncall.Effect, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // the driver meets it again, and says so
		}
	}()
	after, effects = r.Advance(in, w, now)
	for _, e := range effects {
		if _, note := e.(oncall.Note); !note {
			return r, nil, false
		}
	}
	next, _ := after.Next()
	return after, effects, after.Phase == oncall.WaitingForHours && next.After(now)
}

// takesTurns reports whether a round robin of the policy needs a counter of the
// store.
func takesTurns(p *oncall.Policy) bool {
	for _, l := range p.Levels {
		if l.Strategy == oncall.RoundRobin {
			return true
		}
	}
	return false
}
