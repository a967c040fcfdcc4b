package api

import (
	"context"

	"toban/access"
	"toban/oncall"
)

// actor is in whose name something is done: as access says it.
func (a *API) actor(ctx context.Context, by string) (oncall.UserID, error) {
	p, _ := access.From(ctx)
	dir, err := a.directory(ctx)
	if err != nil {
		return "", err
	}
	return p.Actor(dir, oncall.UserID(by))
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
