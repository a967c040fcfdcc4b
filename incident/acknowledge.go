package incident

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// Acknowledge stops the escalation of an incident in the name of by. Once it
// has returned nothing more is claimed, and what rings is hung up within a
// second (R15, R18). The holder's second one renews the time-out; an incident
// that is over or somebody else's only gets a note, and the incident that is
// returned says whose it is.
func (l *Lifecycle) Acknowledge(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		return l.acknowledge(ctx, tx, inc, by, via, "")
	})
}

// acknowledge is Acknowledge within a transaction; on is the attempt whose key
// it was, "" when it was none.
func (l *Lifecycle) acknowledge(ctx context.Context, tx *store.Tx, inc *oncall.Incident, by oncall.UserID, via string, on oncall.AttemptID) error {
	if inc.State == oncall.Resolved || inc.HeldByAnother(by) {
		return l.tooLate(ctx, tx, inc, by, on, inc.Acknowledge(by, tx.Now, time.Time{}, via)...)
	}
	hold, err := l.response.Hold(ctx, tx, inc)
	if err != nil {
		return err
	}
	in := oncall.Input{Kind: oncall.InAcknowledged, By: by, Until: tx.Now.Add(hold), Attempt: on}
	if inc.State == oncall.Acknowledged {
		in.Kind = oncall.InRenewed
	}
	said := inc.Acknowledge(by, tx.Now, in.Until, via)
	return l.response.Take(ctx, tx, inc, in, said...)
}

// tooLate writes what was asked of an incident that is over or somebody else's.
// Whoever was called to help the holder has answered by that.
func (l *Lifecycle) tooLate(ctx context.Context, tx *store.Tx, inc *oncall.Incident, by oncall.UserID, on oncall.AttemptID, said ...oncall.Entry) error {
	if inc.State == oncall.Resolved {
		return say(ctx, tx, inc, said...)
	}
	return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InLate, By: by, Attempt: on}, said...)
}

// Renew says "still on it", whoever says so: the acknowledgement counts from now
// (R16). It needs an acknowledged incident.
func (l *Lifecycle) Renew(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		switch inc.State {
		case oncall.Resolved:
			return oncall.ErrResolved
		case oncall.Triggered:
			return ErrNotHeld
		}
		hold, err := l.response.Hold(ctx, tx, inc)
		if err != nil {
			return err
		}
		until := tx.Now.Add(hold)
		said := inc.Renew(by, tx.Now, until)
		said[0].Data.Via = via
		return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InRenewed, By: by, Until: until}, said...)
	})
}

// ErrNotHeld is returned when there is no acknowledgement to be renewed: it may
// have run out a moment ago.
var ErrNotHeld = &oncall.Error{Kind: oncall.Conflict, Code: "incident.not_held", Message: "nobody has the incident; acknowledge it"}

// maxSnooze bounds how long an incident may be put away.
const maxSnooze = 30 * 24 * time.Hour

// Snooze is an acknowledgement with its own end: at until the incident is
// triggered again, at the latest in 30 days (R16).
func (l *Lifecycle) Snooze(ctx context.Context, id oncall.IncidentID, until time.Time, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		if !until.After(tx.Now) || until.Sub(tx.Now) > maxSnooze {
			return invalid("/until", "snooze.until", "the end has to lie between now and 30 days from now")
		}
		if inc.State == oncall.Resolved {
			return oncall.ErrResolved
		}
		end := until.UTC().Truncate(time.Millisecond)
		said := inc.Snooze(by, tx.Now, end)
		said[0].Data.Via = via
		return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InSnoozed, By: by, Until: end}, said...)
	})
}

func invalid(field, code, message string) *oncall.Error {
	return &oncall.Error{Kind: oncall.Invalid, Code: code, Message: message, Field: field}
}
