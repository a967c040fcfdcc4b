package incident

import (
	"context"
	"fmt"

	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// maxUsers bounds how many users are named at once.
const maxUsers = 100

// Escalate goes on to the next level at once. Whoever has the incident passes it
// on by that: it is triggered again.
func (l *Lifecycle) Escalate(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		if inc.State == oncall.Resolved {
			return oncall.ErrResolved
		}
		return l.take(ctx, tx, inc, oncall.Input{Kind: oncall.InEscalate, By: by}, via)
	})
}

// Reassign pages these users first and then the policy from level 1, whoever
// has the incident now (R17).
func (l *Lifecycle) Reassign(ctx context.Context, id oncall.IncidentID, to []oncall.UserID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		if err := known(ctx, tx, to); err != nil {
			return err
		}
		return l.redirect(ctx, tx, inc, oncall.Input{Kind: oncall.InRedirect, By: by, Users: to}, via)
	})
}

// SetPolicy starts the response anew under another policy, as it is now (R17).
func (l *Lifecycle) SetPolicy(ctx context.Context, id oncall.IncidentID, policy oncall.PolicyID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		p := dir.Policies[policy]
		if p == nil {
			return invalid("/policy", "policy.unknown", fmt.Sprintf("there is no policy %q", policy))
		}
		return l.redirect(ctx, tx, inc, oncall.Input{Kind: oncall.InRedirect, By: by, Policy: p.Revision}, via)
	})
}

// redirect starts the response anew: what was asked for before is void.
func (l *Lifecycle) redirect(ctx context.Context, tx *store.Tx, inc *oncall.Incident, in oncall.Input, via string) error {
	if !inc.Redirect() {
		return oncall.ErrResolved
	}
	return l.take(ctx, tx, inc, in, via)
}

// AddResponder asks these users to help as well; whoever has the incident keeps
// it (R17).
func (l *Lifecycle) AddResponder(ctx context.Context, id oncall.IncidentID, who []oncall.UserID, by oncall.UserID, via string) (*oncall.Incident, error) {
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		if err := known(ctx, tx, who); err != nil {
			return err
		}
		if inc.State == oncall.Resolved {
			return oncall.ErrResolved
		}
		return l.take(ctx, tx, inc, oncall.Input{Kind: oncall.InResponder, By: by, Users: who}, via)
	})
}

// take hands an input that says all by itself to the response.
func (l *Lifecycle) take(ctx context.Context, tx *store.Tx, inc *oncall.Incident, in oncall.Input, via string) error {
	return l.response.TakeAll(ctx, tx, []respond.Taken{{Incident: inc, Input: in, Via: via}})
}

// known refuses a list of users that is empty, too long, or names somebody who
// does not exist.
func known(ctx context.Context, tx *store.Tx, who []oncall.UserID) error {
	if len(who) == 0 || len(who) > maxUsers {
		return invalid("/users", "users.count", fmt.Sprintf("name 1 to %d users", maxUsers))
	}
	dir, err := tx.Directory(ctx)
	if err != nil {
		return err
	}
	for i, u := range who {
		if dir.Users[u] == nil {
			return invalid(fmt.Sprintf("/users/%d", i), "user.unknown", fmt.Sprintf("there is no user %q", u))
		}
	}
	return nil
}
