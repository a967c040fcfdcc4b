package incident

import (
	"context"

	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// The keys of R21 that act on the incident. Hearing it again (3) is the call's
// own business: here it means nothing.
const (
	keyAcknowledge = "1"
	keyDecline     = "2"
	keyResolve     = "9"
)

// viaCall is the way of a key.
const viaCall = "call"

// Press does what a key asks for, for every incident that the call tells of,
// each in a transaction of its own (decision 12), and says how each then stands.
// A key acts on the incident, not on the attempt: one that comes late, when
// somebody else has it or it is over, is a note, and Said names who has it.
func (l *Lifecycle) Press(ctx context.Context, d oncall.DeliveryID, digit string) (notify.Said, error) {
	var call *store.Delivery
	var told []store.Told
	err := l.db.Read(ctx, func(tx *store.Tx) (err error) {
		if call, err = tx.DeliveryUnlocked(ctx, d); err != nil {
			return err
		}
		told, err = tx.Told(ctx, d)
		return err
	})
	if err != nil {
		return notify.Said{}, err
	}
	var said notify.Said
	late := len(told) > 0
	for _, t := range told {
		inc, kind, err := l.press(ctx, call.User, t, digit)
		if err != nil {
			return notify.Said{}, err
		}
		if kind != notify.SaidLate {
			said.Kind, late = kind, false
		}
		said.Incidents = append(said.Incidents, notify.SaidIncident{
			Number: inc.Number, Service: inc.Service, State: inc.State, Holder: inc.AcknowledgedBy,
		})
	}
	if late {
		said.Kind = notify.SaidLate
	}
	return said, nil
}

// press does what a key asks for one incident.
func (l *Lifecycle) press(ctx context.Context, by oncall.UserID, t store.Told, digit string) (inc *oncall.Incident, kind notify.SaidKind, err error) {
	inc, err = l.on(ctx, t.Incident, func(tx *store.Tx, inc *oncall.Incident) error {
		over := inc.State == oncall.Resolved
		taken := inc.HeldByAnother(by)
		switch digit {
		case keyAcknowledge:
			kind = late(over || taken, notify.SaidAcknowledged)
			return l.acknowledge(ctx, tx, inc, by, viaCall, t.Attempt)
		case keyResolve:
			kind = late(over, notify.SaidResolved)
			return l.resolve(ctx, tx, inc, by, viaCall, t.Attempt)
		case keyDecline:
			if over || taken {
				kind = notify.SaidLate
				return l.tooLate(ctx, tx, inc, by, t.Attempt, oncall.Entry{
					Incident: inc.ID, At: tx.Now, Kind: oncall.EntryTooLate, Actor: string(by),
					Data: oncall.EntryData{Via: viaCall, Text: "decline"},
				})
			}
			kind = notify.SaidDeclined
			return l.take(ctx, tx, inc, oncall.Input{Kind: oncall.InDeclined, By: by, Attempt: t.Attempt}, viaCall)
		}
		kind = notify.SaidUnknown
		return nil
	})
	return inc, kind, err
}

func late(tooLate bool, kind notify.SaidKind) notify.SaidKind {
	if tooLate {
		return notify.SaidLate
	}
	return kind
}

var _ notify.Keys = (*Lifecycle)(nil)
