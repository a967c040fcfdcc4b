package access_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestLoginOpensASession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		begin(t, k)
		secret, err := k.Login(t.Context(), " Ｕme ", good, home, strings.Repeat("Firefox ", 100))
		if err != nil {
			t.Fatal(err)
		}
		p := who(t, k, secret)
		if p.Account != "ume" || p.Role != access.Admin {
			t.Errorf("who: %+v", p)
		}
		list, err := k.Sessions(access.With(t.Context(), p), "ume")
		if err != nil || len(list) != 2 {
			t.Fatalf("sessions %v, %v, want 2", list, err)
		}
		for _, s := range list {
			if s.Current != (s.Hash == p.Session) || s.Address != "192.0.2.7" || len(s.Agent) > 300 {
				t.Errorf("session %+v", s)
			}
			if s.Hash == secret || strings.Contains(fmt.Sprint(s), secret) {
				t.Error("the secret is kept")
			}
		}
	})
}

// Set-up asks "who are you? 松": the name beside it must not be the only one that
// is understood later.
func TestWhoeverIsCalledSoAloneMaySignInByIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, _ := begin(t, k)
		for _, name := range []string{"matsu", "take", "kiku", "ran", "sakura"} {
			join(t, k, ume, name, access.Responder)
		}
		var objects []store.Object
		for id, called := range map[string]string{
			"matsu": "松", "Take": "Take Takeda", "kiku": "花", "ran": "花", "sakura": "ume", "nashi": "梨",
		} {
			body, err := json.Marshal(oncall.User{ID: oncall.UserID(id), Name: called})
			if err != nil {
				t.Fatal(err)
			}
			objects = append(objects, store.Object{Kind: store.ObjectUser, Name: id, Body: body})
		}
		err := db.Tx(ctx, func(tx *store.Tx) error {
			_, _, err := tx.Apply(ctx, objects)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for typed, want := range map[string]string{
			"松": "matsu", "matsu": "matsu", " ｔake takeda": "take",
			"花":   "",    // two are called so
			"ume": "ume", // an account's own name comes first
			"梨":   "",    // has no account
			"":    "",
		} {
			secret, err := login(k, typed, good, home)
			if want == "" {
				fails(t, typed, err, "access.password")
			} else if err != nil {
				t.Errorf("%q: %v, want a session of %s", typed, err, want)
			} else if got := who(t, k, secret).Account; got != want {
				t.Errorf("%q signs in %s, want %s", typed, got, want)
			}
		}
	})
}

// Trying another of one's names gives no further tries.
func TestTriesByAPersonsNameCountForTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		k := keeper(db)
		begin(t, k)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.Apply(t.Context(), []store.Object{{Kind: store.ObjectUser, Name: "ume", Body: []byte(`{"ID":"ume","Name":"梅"}`)}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			_, err := login(k, []string{"梅", "ume"}[i%2], other, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
			fails(t, "a try", err, "access.password")
		}
		for _, typed := range []string{"梅", "ume"} {
			if _, err := login(k, typed, good, netip.MustParseAddr("203.0.113.9")); !isTries(err) {
				t.Errorf("%s: %v, want too many tries", typed, err)
			}
		}
	})
}

func isTries(err error) bool {
	_, ok := errors.AsType[*access.TriesError](err)
	return ok
}

func TestAnUnknownAccountAndAWrongPasswordLookTheSame(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	var text bytes.Buffer
	// A cost that takes much longer than what is around it.
	k := access.New(db, slog.New(slog.NewTextHandler(&text, nil)), access.Options{Argon: access.ArgonParams{Memory: 16 << 10, Iterations: 2}})
	begin(t, k)
	quickest := func(name string) (best time.Duration, err error) {
		best = time.Hour
		for i := range 4 {
			began := time.Now()
			_, err = login(k, name, other, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
			best = min(best, time.Since(began))
		}
		return best, err
	}
	wrong, err := quickest("ume")
	unknown, err2 := quickest("nobody")
	if err == nil || err2 == nil || err.Error() != err2.Error() {
		t.Errorf("wrong: %v, unknown: %v, want the same words", err, err2)
	}
	fails(t, "wrong", err, "access.password")
	if wrong > 3*unknown || unknown > 3*wrong { // without a hash it would be a hundredth
		t.Errorf("wrong took %v, unknown %v, want about the same", wrong, unknown)
	}
	for _, secret := range []string{good, other, "nobody"} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, &text)
		}
	}
}

func TestADisabledAccountIsOnlyToldToWhoeverKnowsThePassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		ume, _ := begin(t, k)
		_, session := join(t, k, ume, "take", access.Viewer)
		if err := k.Disable(t.Context(), ume, "take"); err != nil {
			t.Fatal(err)
		}
		ended(t, k, "the session", session)
		_, err := login(k, "take", other, home)
		fails(t, "a wrong password", err, "access.password")
		_, err = login(k, "take", good, home)
		fails(t, "the right one", err, "access.disabled")
		if err := k.Enable(t.Context(), ume, "take"); err != nil {
			t.Fatal(err)
		}
		ended(t, k, "the session of before", session)
		_, err = login(k, "take", good, home)
		fails(t, "enabled again", err, "")
	})
}

func TestTenTriesInTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper(storetest.New(t, "sqlite"))
		ume, session := begin(t, k)
		join(t, k, ume, "take", access.Viewer)
		guess := func(name string, i int) error {
			_, err := login(k, name, other, netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}))
			return err
		}
		for i := range 10 {
			fails(t, "a guess", guess("take", i), "access.password")
		}
		time.Sleep(time.Minute)
		err := guess("take", 10)
		fails(t, "one more", err, "access.tries")
		e, ok := errors.AsType[*access.TriesError](err)
		if !ok || time.Until(e.Until) != 9*time.Minute {
			t.Errorf("got %v, want to be told that it is 9 minutes", err)
		}
		if o, ok := errors.AsType[*oncall.Error](err); !ok || o.Kind != oncall.Limited || !strings.Contains(o.Message, "9 min") {
			t.Errorf("got %v", err)
		}
		_, err = login(k, "take", good, abroad)
		fails(t, "the right one from somewhere new", err, "access.tries")
		_, err = login(k, "take", good, home)
		fails(t, "the right one where take is logged in", err, "")
		_, err = login(k, "take", good, abroad)
		fails(t, "after a success", err, "")
		alive(t, k, "somebody else", session)

		for i := range 10 {
			fails(t, "a guess", guess("take", 100+i), "access.password")
		}
		fails(t, "one more", guess("take", 200), "access.tries")
		time.Sleep(10 * time.Minute)
		fails(t, "ten minutes after the first", guess("take", 201), "access.password")
	})
}

func TestAnAddressMayNotTryAllNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper(storetest.New(t, "sqlite"))
		begin(t, k)
		network := netip.MustParsePrefix("2001:db8:1:2::/64").Addr()
		for i := range 30 {
			network = network.Next()
			_, err := login(k, fmt.Sprintf("name%d", i), other, network)
			fails(t, "a guess", err, "access.password")
			if i%10 == 0 { // what succeeds is no try, and wipes none out
				_, err = login(k, "ume", good, network)
				fails(t, "one's own account in between", err, "")
			}
		}
		_, err := login(k, "ume", good, network.Next())
		fails(t, "another address of that network", err, "access.tries")
		_, err = login(k, "ume", good, netip.MustParseAddr("2001:db8:1:3::1"))
		fails(t, "another network", err, "")
		time.Sleep(10 * time.Minute)
		_, err = login(k, "ume", good, network)
		fails(t, "later", err, "")
	})
}

func TestAHundredAtOnceAreAHundredTries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		begin(t, k)
		results := make(chan error)
		for i := range 100 {
			go func() {
				_, err := login(k, "ume", other, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
				results <- err
			}()
		}
		heard := 0
		for range 100 {
			if err := <-results; errors.Is(err, access.ErrPassword) {
				heard++
			}
		}
		if heard != 10 {
			t.Errorf("%d guesses were looked at, want 10", heard)
		}
	})
}

func TestAPasswordMovesToANewCostWithTheNextLogin(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		cheap := keeper(db)
		begin(t, cheap)
		dear := access.New(db, slog.New(slog.DiscardHandler), access.Options{Argon: access.ArgonParams{Memory: 128, Iterations: 2}})
		if _, err := login(dear, "ume", good, home); err != nil {
			t.Fatal(err)
		}
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			a, err := tx.Account(t.Context(), "ume")
			if !strings.HasPrefix(a.Password, "$argon2id$v=19$m=128,t=2,p=1$") {
				t.Errorf("kept as %.30s…, want at the new cost", a.Password)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = login(dear, "ume", good, home)
		fails(t, "login after that", err, "")
	})
}

func TestWhatCanBeNoLoginIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		begin(t, k)
		for i, tc := range []struct{ name, password string }{
			{"", ""},
			{"ume", ""},
			{"ume", strings.Repeat("x", 1<<20)},
			{strings.Repeat("u", 1<<20), good},
			{"ume\x00", good},
			{"\xff", "\xff\x00"},
			{"token/x", good},
			{"' OR '1'='1", good},
		} {
			_, err := k.Login(t.Context(), tc.name, tc.password, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), "\xff\x00")
			fails(t, fmt.Sprintf("%.20q", tc.name), err, "access.password")
		}
		_, err := k.Login(t.Context(), "ume", good, netip.Addr{}, "\xff\x00")
		fails(t, "from nowhere that is known", err, "")
	})
}
