package incident

import (
	"context"
	"errors"

	"toban/oncall"
	"toban/store"
)

// Resolve ends an incident in the name of by. Its alerts are cleared, so that
// the next repetition of one that still fires is heard and reopens it (decision
// 8, R4). One that is over only gets a note.
func (l *Lifecycle) Resolve(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		return l.resolve(ctx, tx, inc, by, via, "")
	})
}

// resolve is Resolve within a transaction; on is the attempt whose key it was,
// "" when it was none.
func (l *Lifecycle) resolve(ctx context.Context, tx *store.Tx, inc *oncall.Incident, by oncall.UserID, via string, on oncall.AttemptID) error {
	open := inc.State != oncall.Resolved
	said := inc.Resolve(by, tx.Now, via)
	if !open {
		return say(ctx, tx, inc, said...)
	}
	if err := tx.ClearAlerts(ctx, inc.ID); err != nil {
		return err
	}
	if !IsDrill(inc) { // the next drill is one of its own
		if err := tx.PutRecent(ctx, inc, tx.Now.Add(reopensWithin)); err != nil {
			return err
		}
	}
	return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InResolved, By: by, Attempt: on}, said...)
}

// Reopen triggers a resolved incident again; whoever acknowledged it last is
// paged first (R4). It fails with store.ErrOpenIncident when the same problem
// has a newer open incident.
func (l *Lifecycle) Reopen(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		if inc.State != oncall.Resolved {
			return ErrOpen
		}
		if newer, err := replaced(ctx, tx, inc); err != nil {
			return err
		} else if newer {
			return store.ErrOpenIncident
		}
		if err := tx.DropRecent(ctx, inc.Service, inc.GroupKey); err != nil {
			return err
		}
		first, said := inc.Reopen(tx.Now)
		said[0].Actor, said[0].Data.Via = string(by), via
		return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InReopened, By: by, Users: users(first)}, said...)
	})
}

// replaced reports whether the same problem has a newer open incident than inc,
// which is over.
func replaced(ctx context.Context, tx *store.Tx, inc *oncall.Incident) (bool, error) {
	_, err := tx.OpenIncident(ctx, inc.Service, inc.GroupKey)
	if errors.Is(err, oncall.ErrUnknownIncident) {
		return false, nil
	}
	return err == nil, err
}

// ErrOpen is returned when an incident is to be reopened that is not over.
var ErrOpen = &oncall.Error{Kind: oncall.Conflict, Code: "incident.not_resolved", Message: "the incident is not resolved"}

// users is a list of one user, or of none.
func users(u oncall.UserID) []oncall.UserID {
	if u == "" {
		return nil
	}
	return []oncall.UserID{u}
}
