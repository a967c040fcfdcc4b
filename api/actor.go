package api

import (
	"context"

	"toban/access"
	"toban/oncall"
)

// actor is in whose name something is done: the user of who asks, unless by
// names another one, which takes a manager. A holder who does not exist would
// silence an incident and could be asked nothing, so there has to be such a user.
func (a *API) actor(ctx context.Context, by string) (oncall.UserID, error) {
	p, _ := access.From(ctx)
	dir, err := a.directory(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case by == "" && p.User != "" && dir.Users[p.User] != nil:
		return p.User, nil
	case by == "":
		return "", &oncall.Error{
			Kind: oncall.Invalid, Code: "actor.unknown", Field: "/by",
			Message: "say who acts: give `by` with the name of a user (on the command line --as USER, or TOBAN_USER), or add the user " + p.Account +
				" to the configuration: that is your account, and it is nobody who can be reached",
		}
	case dir.Users[oncall.UserID(by)] == nil:
		return "", &oncall.Error{
			Kind: oncall.Invalid, Code: "user.unknown", Field: "/by",
			Message: "there is no user named " + by + " in the configuration; `toban user list` has those that are",
		}
	case oncall.UserID(by) != p.User && !p.Role.Includes(access.Manager):
		return "", &oncall.Error{
			Kind: oncall.Denied, Code: "actor.denied", Field: "/by",
			Message: "acting in the name of " + by + " takes the role manager or a higher one; leave `by` out to act in your own",
		}
	}
	return oncall.UserID(by), nil
}

// via is by which way something was done, for the timeline: as it came. Only the
// command line says so itself, since it comes by the API as well.
func via(ctx context.Context, said string) string {
	p, _ := access.From(ctx)
	switch {
	case p.Via == access.ViaCLI && said != "", said == access.ViaCLI:
		return said
	case p.Via != "":
		return p.Via
	}
	return access.ViaAPI
}
