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
	case oncall.InDue, oncall.InOutcome, oncall.InDeclined, oncall.InRenewed, oncall.InLate, oncall.InEscalate, oncall.InResponder, oncall.InWorldChanged:
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

// keepHold keeps the end that a broken machine did not hear of (R16): that of an
// acknowledgement, a renewal, which never shortens, or a snooze.
func (s *step) keepHold(in oncall.Input) {
	switch in.Kind {
	case oncall.InAcknowledged, oncall.InRenewed, oncall.InSnoozed:
	default:
		return
	}
	if s.inc.State != oncall.Acknowledged || !in.Until.After(s.now) {
		return
	}
	until := in.Until.UTC().Truncate(time.Millisecond)
	if last := s.now.UTC().Add(oncall.MaxHold); until.After(last) {
		until = last
	}
	end := &s.row.Response.HoldEnd
	fresh := in.Kind == oncall.InAcknowledged && s.inc.AcknowledgedAt.Equal(s.now)
	if fresh || in.Kind == oncall.InSnoozed || until.After(*end) {
		*end = until
	}
}

// heldUntil is when the acknowledgement ends: as the response has it, else as the
// policy says.
func (s *step) heldUntil() time.Time {
	if end := s.row.Response.HoldEnd; end.After(s.inc.AcknowledgedAt) {
		return end
	}
	return s.inc.AcknowledgedAt.Add(s.world.Policy.HoldFor(s.inc.Urgency))
}
