package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestEveryChangeIsRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		step := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ume, _ := begin(t, k)
		join(t, k, ume, "take", access.Viewer)
		step(k.SetRole(ctx, ume, "take", access.Responder))
		session, err := login(k, "take", good, home)
		step(err)
		take := who(t, k, session)
		step(k.SetPreferences(ctx, take, access.Preferences{Language: "ja"}))
		step(k.ChangePassword(ctx, take, good, other))
		_, token, err := k.CreateToken(ctx, take, "terraform", access.Viewer, time.Time{})
		step(err)
		step(k.RevokeToken(access.With(ctx, take), ume, token.Hash)) // who is passed counts
		step(k.Logout(ctx, session))
		_, err = k.Invite(ctx, ume, "take", "")
		step(err)
		step(k.Uninvite(ctx, ume, "take"))
		link, err := k.Invite(ctx, ume, "take", "")
		step(err)
		session, err = k.Accept(ctx, link, "", good, home, "Firefox")
		step(err)
		step(k.EndSession(ctx, ume, who(t, k, session).Session))
		step(k.Disable(ctx, ume, "take"))
		step(k.Enable(ctx, ume, "take"))

		got, entries := audit(t, db)
		slices.Reverse(got)
		slices.Reverse(entries)
		want := []string{
			"toban  invited account ", "ume page created account ume", "ume page login session ume",
			"ume page invited account take", "take page created account take", "take page login session take",
			"ume page role account take", "take page login session take",
			"take page preferences account take", "take page password account take",
			"take page created token terraform", "ume page revoked token terraform", "take page logout session take",
			"ume page invited account take", "ume page uninvited account take", "ume page invited account take",
			"take page reset account take", "take page login session take", "ume page ended session take",
			"ume page disabled account take", "ume page enabled account take",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if e := entries[6]; string(e.Before) != `{"role":"viewer"}` || string(e.After) != `{"role":"responder"}` {
			t.Errorf("a new role: %s → %s", e.Before, e.After)
		}
		for _, e := range entries {
			if all := string(e.Before) + string(e.After); strings.Contains(all, "argon2id") || strings.Contains(all, session) {
				t.Errorf("a secret is in the log: %s", all)
			}
		}
	})
}

func TestARecordStandsAndFallsWithItsTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		undo := errors.New("undo")
		ctx := access.With(t.Context(), access.Principal{User: "matsu", Role: access.Responder, Via: access.ViaLink})
		record := func(err error) error {
			return db.Tx(ctx, func(tx *store.Tx) error {
				return errors.Join(access.Record(ctx, tx, "created", "override", "ovr_1", nil, map[string]any{"b": "<梅>", "a": 1}), err)
			})
		}
		if err := record(undo); !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if got, _ := audit(t, db); len(got) != 0 {
			t.Errorf("got %v, want nothing", got)
		}
		if err := record(nil); err != nil {
			t.Fatal(err)
		}
		got, entries := audit(t, db)
		if diff := cmp.Diff([]string{"matsu link created override ovr_1"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if e := entries[0]; e.Before != nil || string(e.After) != `{"a":1,"b":"<梅>"}` {
			t.Errorf("%s → %s", e.Before, e.After)
		}
		err := db.Tx(ctx, func(tx *store.Tx) error { return access.Record(ctx, tx, "x", "x", "x", nil, make(chan int)) })
		if err == nil {
			t.Error("what can't be written down was")
		}
	})
}
