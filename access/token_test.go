package access_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
	"toban/store"
	"toban/store/storetest"
)

func TestATokenMayWhatItsRoleAndItsAccountMay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, _ := begin(t, k)
		take, _ := join(t, k, ume, "take", access.Manager)
		_, _, err := k.CreateToken(ctx, take, "too much", access.Admin, time.Time{})
		fails(t, "above one's own", err, "access.role")
		_, _, err = k.CreateToken(ctx, access.Principal{Account: "take", Role: access.Admin}, "too much", access.Admin, time.Time{})
		fails(t, "above the account's, for the machine's own user of that name", err, "access.role")
		secret, made, err := k.CreateToken(ctx, take, " terraform ", access.Manager, time.Time{})
		if err != nil || !strings.HasPrefix(secret, "tbn_") || made.Name != "terraform" || made.Account != "take" || !made.ExpiresAt.IsZero() {
			t.Fatalf("made %q, %+v, %v", secret, made, err)
		}
		role := func(want access.Role) {
			t.Helper()
			p, err := k.Token(ctx, secret)
			if err != nil || p.Account != "take" || p.Role != want || p.Via != access.ViaAPI || p.Token != made.Hash || p.Session != "" {
				t.Errorf("who: %+v, %v, want take as %s", p, err, want)
			}
		}
		role(access.Manager)
		for _, each := range []struct{ account, want access.Role }{
			{access.Viewer, access.Viewer}, {access.Admin, access.Manager}, {access.Responder, access.Responder},
		} {
			if err := k.SetRole(ctx, ume, "take", each.account); err != nil {
				t.Fatal(err)
			}
			role(each.want)
		}
		p, err := k.Token(ctx, secret)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = k.CreateToken(ctx, p, "child", access.Manager, time.Time{})
		fails(t, "a token by a token, above it", err, "access.role")
		_, _, err = k.CreateToken(ctx, p, "child", access.Viewer, time.Time{})
		fails(t, "a token by a token, below it", err, "")
		for _, bad := range []string{"", "tbn_", secret[4:], secret + "a", "tbn_" + strings.Repeat("a", 32), strings.ToUpper(secret), "Bearer " + secret} {
			_, err := k.Token(ctx, bad)
			fails(t, bad, err, "access.token")
		}
		if _, err := k.Session(ctx, secret[4:]); err == nil {
			t.Error("a token is no session")
		}
		list, err := k.Tokens(ctx, "Take")
		if err != nil || len(list) != 2 || strings.Contains(fmt.Sprint(list), secret[4:]) {
			t.Errorf("tokens %v, %v, want two without their secrets", list, err)
		}
	})
}

func TestOneRevokesOnesOwnTokensAndAnAdminAnybodys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, _ := begin(t, k)
		take, _ := join(t, k, ume, "take", access.Manager)
		secret, made, err := k.CreateToken(ctx, ume, "terraform", access.Admin, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		_, own, err := k.CreateToken(ctx, take, "terraform", access.Viewer, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		fails(t, "an admin's by a manager", k.RevokeToken(ctx, take, made.Hash), "access.role")
		_, err = k.Token(ctx, secret)
		fails(t, "it holds", err, "")
		fails(t, "what is not there", k.RevokeToken(ctx, ume, "nothing"), "access.token_unknown")
		fails(t, "one's own", k.RevokeToken(ctx, take, own.Hash), "")
		for range 2 {
			fails(t, "by an admin", k.RevokeToken(ctx, ume, made.Hash), "")
		}
		_, err = k.Token(ctx, secret)
		fails(t, "revoked", err, "access.token")
		all, err := k.AllTokens(ctx)
		if err != nil || len(all) != 2 || all[0].Valid(time.Now()) || all[1].Valid(time.Now()) {
			t.Errorf("all: %+v, %v, want two that are revoked", all, err)
		}
	})
}

func TestTheMachinesOwnUserMakesTokensOfTheInstallation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		local := access.Principal{Account: "root", Role: access.Admin, Via: access.ViaCLI}
		secret, made, err := k.CreateToken(ctx, local, "backup", access.Manager, time.Time{})
		if err != nil || made.Account != "" {
			t.Fatalf("made %+v, %v", made, err)
		}
		p, err := k.Token(ctx, secret)
		if err != nil || p.Account != "token/backup" || p.Role != access.Manager || p.User != "" {
			t.Errorf("who: %+v, %v", p, err)
		}
		_, _, err = k.CreateToken(ctx, p, "child", access.Viewer, time.Time{})
		fails(t, "a token by it", err, "access.token_account")
		link := access.Principal{User: "ume", Role: access.Responder, Via: access.ViaLink}
		_, _, err = k.CreateToken(ctx, link, "child", access.Viewer, time.Time{})
		fails(t, "a token by a link", err, "access.token_account")
		fails(t, "revoked by itself", k.RevokeToken(ctx, p, made.Hash), "access.role")
		fails(t, "revoked by a link", k.RevokeToken(ctx, link, made.Hash), "access.role")
		fails(t, "revoked by the machine's own user", k.RevokeToken(ctx, local, made.Hash), "")
		_, err = k.Token(ctx, secret)
		fails(t, "after that", err, "access.token")
		if list, err := k.Tokens(ctx, string(make([]byte, 2000))); list != nil || err != nil {
			t.Errorf("tokens of what is no name: %v, %v", list, err)
		}
	})
}

func TestATokenExpiresToTheMillisecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper(storetest.New(t, "sqlite"))
		ume, _ := begin(t, k)
		time.Sleep(17 * time.Microsecond)
		secret, made, err := k.CreateToken(t.Context(), ume, "terraform", access.Admin, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(made.ExpiresAt) - time.Millisecond)
		_, err = k.Token(t.Context(), secret)
		fails(t, "a moment before", err, "")
		time.Sleep(time.Millisecond)
		_, err = k.Token(t.Context(), secret)
		fails(t, "a moment after", err, "access.token")
	})
}

func TestWhatCanBeNoTokenIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	k, ctx := keeper(db), t.Context()
	ume, _ := begin(t, k)
	soon := time.Now().Add(time.Hour)
	for _, tc := range []struct {
		name    string
		role    access.Role
		expires time.Time
		code    string
	}{
		{"", access.Viewer, soon, "access.token_name"},
		{" ", access.Viewer, soon, "access.token_name"},
		{strings.Repeat("梅", 101), access.Viewer, soon, "access.token_name"},
		{strings.Repeat("梅", 100), access.Viewer, soon, ""},
		{"a\nb", access.Viewer, soon, "access.token_name"},
		{"a\x00b", access.Viewer, soon, "access.token_name"},
		{"\xff", access.Viewer, soon, "access.token_name"},
		{"a", "", soon, "access.role_unknown"},
		{"a", "root", soon, "access.role_unknown"},
		{"a", access.Viewer, time.Now().Add(-time.Second), "access.token_expiry"},
		{"a", access.Viewer, time.Now().Add(11 * 365 * 24 * time.Hour), "access.token_expiry"},
	} {
		_, _, err := k.CreateToken(ctx, ume, tc.name, tc.role, tc.expires)
		fails(t, fmt.Sprintf("%.10q %s %v", tc.name, tc.role, tc.expires), err, tc.code)
	}
	_, _, err := k.CreateToken(ctx, access.Principal{}, "a", access.Viewer, soon)
	fails(t, "by nobody", err, "access.role")
	var last access.Token
	for range access.MaxTokens - 1 {
		if _, last, err = k.CreateToken(ctx, ume, "a", access.Viewer, soon); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = k.CreateToken(ctx, ume, "a", access.Viewer, soon)
	fails(t, "one too many", err, "access.token_many")
	if err := k.RevokeToken(ctx, ume, last.Hash); err != nil {
		t.Fatal(err)
	}
	_, _, err = k.CreateToken(ctx, ume, "a", access.Viewer, soon)
	fails(t, "after one was revoked", err, "")
}

func TestATokenMakesNoneThatOutlivesIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		ume, _ := begin(t, k)
		soon := time.Now().Add(time.Hour)
		secret, _, err := k.CreateToken(t.Context(), ume, "short", access.Admin, soon)
		if err != nil {
			t.Fatal(err)
		}
		by, err := k.Token(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, expires := range []time.Time{{}, soon.Add(time.Minute)} {
			_, _, err := k.CreateToken(t.Context(), by, "long", access.Viewer, expires)
			fails(t, "until "+expires.String(), err, "access.token_expiry")
		}
		if _, _, err := k.CreateToken(t.Context(), by, "shorter", access.Viewer, soon.Add(-time.Minute)); err != nil {
			t.Errorf("one that ends before it: %v", err)
		}
	})
}
