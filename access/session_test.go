package access_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestASessionEndsFourteenDaysAfterItsLastUse(t *testing.T) {
	t.Parallel()
	for engine, dsn := range dsns(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := keeper(storetest.Open(t, dsn, store.Options{}))
				_, session := begin(t, k)
				time.Sleep(access.SessionIdle - time.Second)
				alive(t, k, "a second before", session)
				time.Sleep(access.SessionIdle - time.Second)
				alive(t, k, "a second before, again", session)
				time.Sleep(access.SessionIdle)
				ended(t, k, "a fortnight later", session)
				if list, err := k.Sessions(t.Context(), "ume"); len(list) != 0 || err != nil {
					t.Errorf("listed: %v, %v, want none", list, err)
				}
			})
		})
	}
}

func TestASessionEndsAfterNinetyDaysHoweverItIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keeper(storetest.New(t, "sqlite"))
		_, session := begin(t, k)
		began := time.Now()
		for time.Since(began) < access.SessionMost-time.Minute {
			alive(t, k, "in between", session)
			time.Sleep(min(24*time.Hour, access.SessionMost-time.Minute-time.Since(began)))
		}
		alive(t, k, "a minute before", session)
		time.Sleep(time.Minute - time.Millisecond)
		alive(t, k, "a moment before", session)
		time.Sleep(time.Millisecond)
		ended(t, k, "ninety days later", session)
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		k := keeper(db)
		ume, session := begin(t, k)
		secret, _, err := k.CreateToken(t.Context(), ume, "terraform", access.Viewer, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		seen := map[time.Time]bool{}
		used := map[time.Time]bool{}
		for range 150 {
			time.Sleep(time.Second)
			alive(t, k, "in between", session)
			if _, err := k.Token(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			list, err := k.Sessions(t.Context(), "ume")
			if err != nil {
				t.Fatal(err)
			}
			tokens, err := k.Tokens(t.Context(), "ume")
			if err != nil {
				t.Fatal(err)
			}
			seen[list[0].LastSeen] = true
			used[tokens[0].UsedAt] = true
		}
		if len(seen) != 3 { // when it was opened, and twice since
			t.Errorf("the session was seen at %d times in %v, want 3: %v", len(seen), time.Since(began), seen)
		}
		if len(used) != 3 {
			t.Errorf("the token was used at %d times in %v, want 3: %v", len(used), time.Since(began), used)
		}
	})
}

func TestAnEndedSessionIsOfNoUseAtOnceHereAndSoonElsewhere(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	synctest.Test(t, func(t *testing.T) {
		here := keeper(storetest.Open(t, dsn, store.Options{Node: "a"}))
		there := keeper(storetest.Open(t, dsn, store.Options{Node: "b"}))
		ume, session := begin(t, here)
		take, takes := join(t, here, ume, "take", access.Manager)
		token, made, err := here.CreateToken(t.Context(), take, "terraform", access.Viewer, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		alive(t, there, "before", takes)
		_, err = there.Token(t.Context(), token)
		fails(t, "the token before", err, "")

		if err := here.EndSession(t.Context(), ume, take.Session); err != nil {
			t.Fatal(err)
		}
		if err := here.RevokeToken(t.Context(), ume, made.Hash); err != nil {
			t.Fatal(err)
		}
		ended(t, here, "here", takes)
		_, err = here.Token(t.Context(), token)
		fails(t, "the token here", err, "access.token")
		time.Sleep(5 * time.Second)
		ended(t, there, "there", takes)
		_, err = there.Token(t.Context(), token)
		fails(t, "the token there", err, "access.token")
		alive(t, there, "another session", session)
	})
}

func TestWhoIsEndedWhileBeingLookedUpIsNotRemembered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := keeper(db)
		ume, _ := begin(t, k)
		for range 20 {
			secret, err := login(k, "ume", good, home)
			if err != nil {
				t.Fatal(err)
			}
			p := who(t, keeper(db), secret) // k doesn't know it yet
			stop := make(chan struct{})
			looked := make(chan struct{})
			go func() {
				defer close(looked)
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = k.Session(context.Background(), secret)
					}
				}
			}()
			if err := k.EndSession(t.Context(), ume, p.Session); err != nil {
				t.Error(err)
			}
			ended(t, k, "at once", secret)
			close(stop)
			<-looked
		}
	})
}

func TestOneEndsOnesOwnSessionsAndAnAdminAnybodys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, umes := begin(t, k)
		take, takes := join(t, k, ume, "take", access.Manager)
		second, err := login(k, "take", good, abroad)
		if err != nil {
			t.Fatal(err)
		}
		fails(t, "an admin's by a manager", k.EndSession(ctx, take, ume.Session), "access.role")
		fails(t, "all of an admin's by a manager", k.EndSessions(ctx, take, "ume"), "access.role")
		alive(t, k, "the admin's", umes)
		fails(t, "one that is not there", k.EndSession(ctx, take, "nothing"), "")
		fails(t, "by nobody", k.EndSession(ctx, access.Principal{}, take.Session), "access.role")
		fails(t, "all of nobody's by nobody", k.EndSessions(ctx, access.Principal{}, ""), "access.role")

		if all, err := k.AllSessions(ctx); len(all) != 3 || err != nil {
			t.Errorf("all: %v, %v, want 3", all, err)
		}
		fails(t, "one's others", k.EndSessions(ctx, take, "Take"), "")
		ended(t, k, "the other one", second)
		alive(t, k, "the one by which it was asked", takes)
		fails(t, "one's own", k.EndSession(ctx, take, take.Session), "")
		ended(t, k, "one's own", takes)

		third, err := login(k, "take", good, home)
		if err != nil {
			t.Fatal(err)
		}
		fails(t, "anybody's by an admin", k.EndSessions(ctx, ume, "take"), "")
		ended(t, k, "anybody's", third)
		for range 2 {
			fails(t, "logout", k.Logout(ctx, umes), "")
		}
		ended(t, k, "logged out", umes)
		for _, odd := range []string{"", "x", third + "x", "' OR 1=1"} {
			fails(t, "logout of what is none", k.Logout(ctx, odd), "")
			ended(t, k, odd, odd)
		}
		if list, err := k.Sessions(ctx, string(make([]byte, 1<<20))); list != nil || err != nil {
			t.Errorf("sessions of what is no name: %v, %v", list, err)
		}
	})
}

func TestAPrincipalIsTheUserOfItsName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		ume, _ := begin(t, k)
		if ume.User != "" {
			t.Errorf("user %q, want none before there are any", ume.User)
		}
		users := func(names ...string) {
			t.Helper()
			var objects []store.Object
			for _, name := range names {
				objects = append(objects, store.Object{Kind: store.ObjectUser, Name: name, Body: []byte(`{"ID":"` + name + `"}`)})
			}
			err := db.Tx(ctx, func(tx *store.Tx) error {
				_, _, err := tx.Apply(ctx, objects)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		users("Ume", "take", "Take", "松")
		for name, want := range map[string]oncall.UserID{"take": "take", "松": "松", "nobody": ""} {
			p, _ := join(t, k, ume, name, access.Viewer)
			if p.User != want {
				t.Errorf("%s is user %q, want %q", name, p.User, want)
			}
		}
		list, err := k.Accounts(ctx)
		if err != nil || len(list) != 4 {
			t.Fatalf("accounts %v, %v", list, err)
		}
		for _, a := range list {
			if a.Name == "ume" && a.User != "Ume" {
				t.Errorf("ume is user %q, want Ume", a.User)
			}
		}
		users("UME", "Ume")
		if secret, err := login(k, "ume", good, home); err != nil || who(t, k, secret).User != "" {
			t.Errorf("which of two would it be? %v", err)
		}
	})
}

func TestTroubleOfTheStoreIsNoReasonToLogInAgain(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	_, session := begin(t, keeper(db))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := keeper(db).Session(ctx, session)
	if err == nil || errors.Is(err, access.ErrLogin) {
		t.Errorf("a request that has ended: %v, want its end and not that it has to log in", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = keeper(db).Session(t.Context(), session)
	fails(t, "a store that is closed", err, "store.closed")
}
