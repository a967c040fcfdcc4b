// Package access says who may do what: accounts with their roles, the sessions
// of browsers, the tokens of programs, the links that invite, and the record of
// who changed what.
//
// It never shows a secret twice. Passwords are kept as argon2id. The secrets of
// sessions, invites and tokens are 160 random bits and kept as their SHA-256:
// there is nothing to guess, so a slow hash would protect nothing and cost every
// request; and whoever reads the database, or its backup, can't log in with what
// is there. Looking one up by its hash tells a clock nothing about the secret.
//
// Everything here holds on every node at once, but for two things that are a
// node's own: what a session or token was found to be is believed for five
// seconds, and tries are counted in memory.
package access

import (
	"context"

	"toban/oncall"
)

// Principal is who asks. The zero value is nobody and may do nothing.
type Principal struct {
	Account string // or "token/<name>" for a token of the installation
	// User is the person in the configuration, "" when nobody of the account's
	// name is there.
	User oncall.UserID
	Role Role
	Via  string // ViaPage, ViaAPI, ViaCLI, ViaLink

	Session string // hash of the session it comes by; "" = none
	Token   string // hash of the token it comes by; "" = none

	// What the account prefers; "" = not said.
	Language string // as in package i18n
	Theme    string // light, dark
	Zone     string // as in the tz database
}

// The ways by which somebody asks.
const (
	ViaPage = "page"
	ViaAPI  = "api"
	ViaCLI  = "cli"
	ViaLink = "link"
)

type contextKey struct{}

// With returns a context in which p asks.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns who asks in ctx; ok is false when nobody is known.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// ErrLogin is returned where somebody has to log in first, or again.
var ErrLogin = &oncall.Error{Kind: oncall.Unauthenticated, Code: "access.login", Message: "log in first; the session may have ended"}

// Require returns nil when who asks in ctx has that role or a higher one,
// ErrLogin when nobody asks, and a Denied error with the code access.role that
// names the role otherwise.
func Require(ctx context.Context, role Role) error {
	p, ok := From(ctx)
	if !ok {
		return ErrLogin
	}
	return p.require(role)
}

func (p Principal) require(role Role) error {
	if p.Role.Includes(role) {
		return nil
	}
	return &oncall.Error{Kind: oncall.Denied, Code: "access.role", Message: "that takes the role " + string(role) + " or a higher one"}
}

// owns returns nil for an account's owner and for admins.
func (p Principal) owns(account string) error {
	if p.Account == account && account != "" {
		return nil
	}
	return p.require(Admin)
}
