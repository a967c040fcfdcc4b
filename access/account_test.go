package access_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"toban/access"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, session := begin(t, k)
		take, _ := join(t, k, ume, "take", access.Manager)
		fails(t, "demoted", k.SetRole(ctx, ume, "ume", access.Manager), "access.last_admin")
		fails(t, "disabled", k.Disable(ctx, ume, "ume"), "access.last_admin")
		alive(t, k, "what was undone", session)
		if err := k.SetRole(ctx, ume, "take", access.Admin); err != nil {
			t.Fatal(err)
		}
		if err := k.Disable(ctx, ume, "take"); err != nil {
			t.Fatal(err)
		}
		fails(t, "beside one who is disabled", k.SetRole(ctx, ume, "ume", access.Viewer), "access.last_admin")
		if err := k.Enable(ctx, ume, "take"); err != nil {
			t.Fatal(err)
		}
		take.Role = access.Admin
		results := make(chan error)
		go func() { results <- k.SetRole(context.Background(), ume, "take", access.Viewer) }()
		go func() { results <- k.SetRole(context.Background(), take, "ume", access.Viewer) }()
		done := 0
		for range 2 {
			if err := <-results; err == nil {
				done++
			} else {
				fails(t, "the slower", err, "access.last_admin")
			}
		}
		if done != 1 {
			t.Errorf("%d of two admins demoted the other, want 1", done)
		}
	})
}

func TestANewRoleHoldsAtOnceAndEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, umes := begin(t, k)
		_, takes := join(t, k, ume, "take", access.Responder)
		fails(t, "to the same", k.SetRole(ctx, ume, "take", access.Responder), "")
		alive(t, k, "nothing has changed", takes)
		fails(t, "raised", k.SetRole(ctx, ume, " Take", access.Admin), "")
		ended(t, k, "take's", takes)
		again, err := login(k, "take", good, home)
		if err != nil {
			t.Fatal(err)
		}
		take := who(t, k, again)
		umes2, err := login(k, "ume", good, home)
		if err != nil {
			t.Fatal(err)
		}
		fails(t, "one's own, lowered", k.SetRole(ctx, ume, "ume", access.Viewer), "")
		ended(t, k, "the other one", umes2)
		if p := who(t, k, umes); p.Role != access.Viewer {
			t.Errorf("the one by which it was asked is %s, want viewer at once", p.Role)
		}
		ume = who(t, k, umes)
		fails(t, "by a viewer", k.SetRole(ctx, ume, "ume", access.Admin), "access.role")
		fails(t, "disabled by a viewer", k.Disable(ctx, ume, "take"), "access.role")
		fails(t, "enabled by a viewer", k.Enable(ctx, ume, "take"), "access.role")
		fails(t, "a role that is none", k.SetRole(ctx, take, "ume", "root"), "access.role_unknown")
		fails(t, "nobody", k.SetRole(ctx, take, "nobody", access.Viewer), "access.account_unknown")
		fails(t, "nobody", k.Disable(ctx, take, ""), "access.account_unknown")
	})
}

func TestDisablingEndsEverythingThatTheAccountHas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, _ := begin(t, k)
		take, takes := join(t, k, ume, "take", access.Manager)
		token, _, err := k.CreateToken(ctx, take, "terraform", access.Viewer, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			fails(t, "disable", k.Disable(ctx, ume, "take"), "")
		}
		ended(t, k, "the session", takes)
		_, err = k.Token(ctx, token)
		fails(t, "the token", err, "access.token")
		_, _, err = k.CreateToken(ctx, take, "another", access.Viewer, time.Time{})
		fails(t, "a new token of a request that was under way", err, "access.disabled")
		for range 2 {
			fails(t, "enable", k.Enable(ctx, ume, "take"), "")
		}
		_, err = k.Token(ctx, token)
		fails(t, "the token, after all", err, "access.token")
		ended(t, k, "the session, after all", takes)
	})
}

func TestANewPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, umes := begin(t, k)
		second, err := login(k, "ume", good, abroad)
		if err != nil {
			t.Fatal(err)
		}
		link, err := k.Invite(ctx, ume, "ume", "")
		if err != nil {
			t.Fatal(err)
		}
		fails(t, "another than the old one", k.ChangePassword(ctx, ume, other, other), "access.old_password")
		fails(t, "a weak one", k.ChangePassword(ctx, ume, good, "password123"), "access.password_common")
		fails(t, "somebody without an account", k.ChangePassword(ctx, access.Principal{Account: "root", Role: access.Admin}, good, other), "access.account_unknown")
		alive(t, k, "until then", second)
		fails(t, "changed", k.ChangePassword(ctx, ume, good, other), "")
		alive(t, k, "the one by which it was asked", umes)
		ended(t, k, "the other one", second)
		_, err = k.Invitation(ctx, link)
		fails(t, "a link of before", err, "access.invite_unknown")
		_, err = login(k, "ume", good, home)
		fails(t, "the old one", err, "access.password")
		_, err = login(k, "ume", other, home)
		fails(t, "the new one", err, "")
		for range 9 {
			fails(t, "a guess", k.ChangePassword(ctx, ume, good, "some other password"), "access.old_password")
		}
		fails(t, "a guess", k.ChangePassword(ctx, ume, good, "some other password"), "access.old_password")
		fails(t, "one more", k.ChangePassword(ctx, ume, other, "some other password"), "access.tries")
	})
}

func TestPreferencesHoldAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, umes := begin(t, k)
		want := access.Preferences{Language: "ja", Theme: "dark", Zone: "Asia/Tokyo"}
		for range 2 {
			fails(t, "set", k.SetPreferences(ctx, ume, want), "")
		}
		p := who(t, k, umes)
		if diff := cmp.Diff(want, access.Preferences{Language: p.Language, Theme: p.Theme, Zone: p.Zone}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for code, bad := range map[string][]access.Preferences{
			"access.language": {{Language: "fr"}, {Language: "JA"}},
			"access.theme":    {{Theme: "pink"}},
			"access.zone":     {{Zone: "Local"}, {Zone: "Asia/Edo"}, {Zone: "../../etc/passwd"}, {Zone: "/etc/localtime"}, {Zone: string(make([]byte, 1<<20))}},
		} {
			for _, each := range bad {
				fails(t, code, k.SetPreferences(ctx, ume, each), code)
			}
		}
		fails(t, "by nobody", k.SetPreferences(ctx, access.Principal{}, want), "access.account_unknown")
		fails(t, "back to none", k.SetPreferences(ctx, ume, access.Preferences{}), "")
		if p := who(t, k, umes); p.Language+p.Theme+p.Zone != "" {
			t.Errorf("got %+v, want none", p)
		}
		lines, _ := audit(t, db)
		n := len(slices.DeleteFunc(lines, func(l string) bool { return l != "ume page preferences account ume" }))
		if n != 2 {
			t.Errorf("%d changes of preferences in the log, want 2", n)
		}
	})
}
