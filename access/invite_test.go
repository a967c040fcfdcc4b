package access_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
	"toban/store"
	"toban/store/storetest"
)

func TestTheFirstAccountIsAnAdminOfAnyName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		old, needed, err := k.SetUp(ctx)
		if err != nil || !needed || len(old) != 32 {
			t.Fatalf("set-up: %q, %v, %v", old, needed, err)
		}
		secret, _, err := keeper(db).SetUp(ctx) // a new start
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.Invitation(ctx, old)
		fails(t, "the link of the start before", err, "access.invite_unknown")
		inv, err := k.Invitation(ctx, secret)
		if err != nil || inv.Account != "" || inv.Role != access.Admin || inv.Reset || time.Until(inv.ExpiresAt) < 6*24*time.Hour {
			t.Errorf("it is for %+v, %v", inv, err)
		}
		for what, try := range map[string]struct{ name, password, code string }{
			"a bad name":     {"a b", good, "access.name"},
			"no name":        {"", good, "access.name"},
			"a weak one":     {"ume", "short", "access.password_short"},
			"the name again": {"umeboshisan", "Umeboshisan", "access.password_name"},
		} {
			_, err := k.Accept(ctx, secret, try.name, try.password, home, "")
			fails(t, what, err, try.code)
		}
		session, err := k.Accept(ctx, secret, "Ume", good, home, "Firefox")
		if err != nil {
			t.Fatal(err)
		}
		p := who(t, k, session)
		if p.Account != "ume" || p.Role != access.Admin || p.Via != access.ViaPage || p.Session == "" {
			t.Errorf("who: %+v", p)
		}
		_, err = k.Accept(ctx, secret, "take", good, home, "")
		fails(t, "the link again", err, "access.invite_used")
		if again, needed, err := k.SetUp(ctx); again != "" || needed || err != nil {
			t.Errorf("set-up again: %q, %v, %v, want none needed", again, needed, err)
		}
	})
}

func TestAnInviteMakesOneAccountEvenWhenTwoAreAsQuick(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			nodes := []*access.Keeper{keeper(storetest.Open(t, dsn, store.Options{Node: "a"}))}
			nodes = append(nodes, nodes[0])
			if engine == "postgres" {
				nodes[1] = keeper(storetest.Open(t, dsn, store.Options{Node: "b"}))
			}
			secret, _, err := nodes[0].SetUp(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			race := func(accept func(k *access.Keeper, i int) (string, error)) (made int) {
				var mu sync.Mutex
				var all sync.WaitGroup
				for i := range 6 {
					all.Go(func() {
						_, err := accept(nodes[i%2], i)
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							made++
							return
						}
						fails(t, "the slower", err, "access.invite_used")
					})
				}
				all.Wait()
				return made
			}
			made := race(func(k *access.Keeper, i int) (string, error) {
				return k.Accept(context.Background(), secret, "ume"+string(rune('0'+i)), good, home, "")
			})
			list, err := nodes[0].Accounts(t.Context())
			if made != 1 || len(list) != 1 || err != nil {
				t.Fatalf("%d made %d accounts, %v, want one", made, len(list), err)
			}
			admin := access.Principal{Account: list[0].Name, Role: access.Admin}
			second, err := nodes[1].Invite(t.Context(), admin, "take", access.Responder)
			if err != nil {
				t.Fatal(err)
			}
			made = race(func(k *access.Keeper, _ int) (string, error) {
				return k.Accept(context.Background(), second, "", good, home, "")
			})
			if made != 1 {
				t.Errorf("%d used the invite, want one", made)
			}
		})
	}
}

func TestTwoStartsAtTheSameMomentLeaveOneLink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		secrets := make(chan string, 6)
		for range cap(secrets) {
			go func() {
				secret, _, err := k.SetUp(context.Background())
				if err != nil {
					t.Error(err)
				}
				secrets <- secret
			}()
		}
		valid := 0
		for _, secret := range []string{<-secrets, <-secrets, <-secrets, <-secrets, <-secrets, <-secrets} {
			if _, err := k.Invitation(t.Context(), secret); err == nil {
				valid++
			}
		}
		if valid != 1 {
			t.Errorf("%d links are valid, want 1", valid)
		}
	})
}

func TestAnInviteOfAnAccountThatExistsSetsANewPassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, umes := begin(t, k)
		_, takes := join(t, k, ume, "Take", access.Responder)
		first, err := k.Invite(ctx, ume, "take", "")
		if err != nil {
			t.Fatal(err)
		}
		secret, err := k.Invite(ctx, ume, "take", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.Accept(ctx, first, "", other, home, "")
		fails(t, "the link before", err, "access.invite_unknown")
		inv, err := k.Invitation(ctx, secret)
		if err != nil || inv.Account != "take" || !inv.Reset || inv.Role != "" || inv.By != "ume" {
			t.Errorf("it is for %+v, %v", inv, err)
		}
		if open, err := k.Invitations(ctx); err != nil || len(open) != 1 || open[0] != inv {
			t.Errorf("open %+v, %v, want that one", open, err)
		}
		again, err := k.Accept(ctx, secret, "somebody.else", other, home, "")
		if err != nil {
			t.Fatal(err)
		}
		if p := who(t, k, again); p.Account != "take" || p.Role != access.Responder {
			t.Errorf("who: %+v, want take as before", p)
		}
		ended(t, k, "the session of before", takes)
		alive(t, k, "somebody else's session", umes)
		_, err = login(k, "take", good, home)
		fails(t, "the old password", err, "access.password")
		_, err = login(k, "take", other, home)
		fails(t, "the new one", err, "")

		secret, err = k.Invite(ctx, ume, "take", access.Manager)
		if err != nil {
			t.Fatal(err)
		}
		raised, err := k.Accept(ctx, secret, "", good, home, "")
		if err != nil || who(t, k, raised).Role != access.Manager {
			t.Errorf("%v, want a manager now", err)
		}

		secret, err = k.Invite(ctx, ume, "take", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Uninvite(ctx, ume, "take"); err != nil {
			t.Fatal(err)
		}
		_, err = k.Accept(ctx, secret, "", good, home, "")
		fails(t, "a withdrawn one", err, "access.invite_unknown")

		secret, err = k.Invite(ctx, ume, "ume", access.Viewer) // herself
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.Accept(ctx, secret, "", good, home, "")
		fails(t, "the last admin by a link", err, "access.last_admin")
		_, err = k.Invitation(ctx, secret)
		fails(t, "a link that failed can be used yet", err, "")
	})
}

func TestOnlyAdminsInvite(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	k, ctx := keeper(db), t.Context()
	ume, _ := begin(t, k)
	take, _ := join(t, k, ume, "take", access.Manager)
	for _, by := range []access.Principal{take, {}, {Account: "x", Role: "root"}} {
		_, err := k.Invite(ctx, by, "cho", access.Viewer)
		fails(t, "invite as "+string(by.Role), err, "access.role")
		fails(t, "uninvite as "+string(by.Role), k.Uninvite(ctx, by, "cho"), "access.role")
	}
	for what, try := range map[string]struct {
		name string
		role access.Role
		code string
	}{
		"no role for a new account": {"cho", "", "access.role_unknown"},
		"no role that is known":     {"cho", "root", "access.role_unknown"},
		"a bad name":                {"../cho", access.Viewer, "access.name"},
	} {
		_, err := k.Invite(ctx, ume, try.name, try.role)
		fails(t, what, err, try.code)
	}
	if err := k.Disable(ctx, ume, "take"); err != nil {
		t.Fatal(err)
	}
	_, err := k.Invite(ctx, ume, "take", "")
	fails(t, "somebody who is disabled", err, "access.disabled")
	for _, bad := range []string{"", "x", "0123456789012345678901234567890!", "' OR 1=1 --", string(make([]byte, 1<<20))} {
		_, err := k.Invitation(ctx, bad)
		fails(t, "a made-up link", err, "access.invite_unknown")
		_, err = k.Accept(ctx, bad, "x", good, netip.Addr{}, "")
		fails(t, "a made-up link", err, "access.invite_unknown")
	}
}

func TestAnInviteIsGoodForAWeek(t *testing.T) {
	t.Parallel()
	for engine, dsn := range dsns(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := keeper(storetest.Open(t, dsn, store.Options{}))
				ume, _ := begin(t, k)
				secret, err := k.Invite(t.Context(), ume, "take", access.Viewer)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(access.InviteFor - time.Millisecond)
				_, err = k.Invitation(t.Context(), secret)
				fails(t, "a moment before its end", err, "")
				time.Sleep(2 * time.Millisecond)
				_, err = k.Accept(t.Context(), secret, "", good, home, "")
				fails(t, "a moment after", err, "access.invite_expired")
				if open, err := k.Invitations(t.Context()); len(open) != 0 || err != nil {
					t.Errorf("open: %v, %v, want none", open, err)
				}
			})
		})
	}
}

func TestADisabledAccountIsNotOpenedByALinkOfBefore(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	k, ctx := keeper(db), t.Context()
	ume, _ := begin(t, k)
	join(t, k, ume, "take", access.Viewer)
	secret, err := k.Invite(ctx, ume, "take", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Disable(ctx, ume, "take"); err != nil {
		t.Fatal(err)
	}
	_, err = k.Accept(ctx, secret, "", good, home, "")
	fails(t, "the link", err, "access.invite_unknown")
	lines, _ := audit(t, db)
	if !slices.Contains(lines, "ume page disabled account take") {
		t.Errorf("audit: %q", lines)
	}
}
