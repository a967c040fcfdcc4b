package respond

import (
	"time"

	"toban/oncall"
)

// catchUp brings a response that missed what happened to its incident, because
// its machine failed then, to where the incident is, unless in says so itself.
func (s *step) catchUp(d *Driver, in oncall.Input) {
	if s.broken != nil {
		return
	}
	switch in.Kind {
	case oncall.InDue, oncall.InOutcome, oncall.InDeclined, oncall.InRenewed, oncall.InEscalate, oncall.InResponder, oncall.InWorldChanged:
	default:
		return
	}
	r := &s.row.Response
	switch {
	case s.inc.State == oncall.Resolved && r.Phase != oncall.Over:
		s.take(d, oncall.Input{Kind: oncall.InResolved})
	case s.inc.State == oncall.Acknowledged && r.Phase != oncall.Held:
		s.take(d, oncall.Input{Kind: oncall.InAcknowledged, By: s.inc.AcknowledgedBy, Until: s.heldUntil()})
	case s.inc.State == oncall.Triggered && (r.Epoch < s.inc.Epoch || r.Phase == oncall.Over):
		s.take(d, oncall.Input{Kind: oncall.InReopened})
	}
}

// heldUntil is when an acknowledgement ends that the machine never heard of.
func (s *step) heldUntil() time.Time {
	return s.inc.AcknowledgedAt.Add(s.world.Policy.HoldFor(s.inc.Urgency))
}
