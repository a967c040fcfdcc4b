package access_test

import (
	"testing"

	"toban/access"
)

func TestARoleIncludesThoseBelowIt(t *testing.T) {
	t.Parallel()
	roles := access.Roles()
	for i, high := range roles {
		for j, low := range roles {
			if got, want := high.Includes(low), i >= j; got != want {
				t.Errorf("%s includes %s: %v, want %v", high, low, got, want)
			}
		}
		if high.Includes("") || high.Includes("root") || access.Role("").Includes(high) || access.Role("root").Includes(high) {
			t.Errorf("%s and a word that is no role include each other", high)
		}
		if got, err := access.ParseRole(string(high)); got != high || err != nil {
			t.Errorf("parsed %q, %v, want %s", got, err, high)
		}
	}
	for _, bad := range []string{"", "Admin", "root", "admin "} {
		_, err := access.ParseRole(bad)
		fails(t, bad, err, "access.role_unknown")
	}
	if access.Role("").Includes("") {
		t.Error("no role includes no role")
	}
}

func TestWithoutAPrincipalNothingIsAllowed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fails(t, "nobody", access.Require(ctx, access.Viewer), "access.login")
	fails(t, "the zero value", access.Require(access.With(ctx, access.Principal{}), access.Viewer), "access.role")
	ctx = access.With(ctx, access.Principal{Account: "take", Role: access.Responder})
	fails(t, "less", access.Require(ctx, access.Viewer), "")
	fails(t, "as much", access.Require(ctx, access.Responder), "")
	fails(t, "more", access.Require(ctx, access.Manager), "access.role")
	fails(t, "no role at all", access.Require(ctx, ""), "access.role")
	if p, ok := access.From(ctx); !ok || p.Account != "take" {
		t.Errorf("from %v, %v", p, ok)
	}
}
