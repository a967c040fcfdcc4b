package store_test

import (
	"errors"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestATokenIsListedUntilLongAfterItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		day := 24 * time.Hour
		want := store.Token{Hash: "a", Name: "terraform", Account: "ume", Role: "viewer"}
		tx(t, db, func(tx *store.Tx) error {
			want.CreatedAt, want.ExpiresAt = tx.Now, tx.Now.Add(day)
			err := tx.AddToken(t.Context(), store.Token{Hash: "long ago", Name: "x", Account: "ume", ExpiresAt: tx.Now.Add(-91 * day)})
			err2 := tx.AddToken(t.Context(), store.Token{Hash: "of late", Name: "y", Account: "ume", ExpiresAt: tx.Now.Add(-89 * day)})
			err3 := tx.AddToken(t.Context(), store.Token{Hash: "machine", Name: "z"})
			return errors.Join(err, err2, err3, tx.AddToken(t.Context(), want))
		})
		tx(t, db, func(tx *store.Tx) error {
			want.UsedAt = tx.Now
			err := tx.UseToken(t.Context(), "a", tx.Now.Add(-time.Minute))
			valid, err2 := tx.RevokeToken(t.Context(), "a")
			again, err3 := tx.RevokeToken(t.Context(), "a")
			want.RevokedAt = tx.Now
			if !valid || again {
				t.Errorf("revoked %v, again %v, want true and false", valid, again)
			}
			return errors.Join(err, err2, err3)
		})
		tx(t, db, func(tx *store.Tx) error { // used less than a minute ago
			return errors.Join(tx.UseToken(t.Context(), "a", tx.Now.Add(-time.Minute)), tx.RevokeTokens(t.Context(), "ume"))
		})
		read(t, db, func(tx *store.Tx) error {
			got, found, err := tx.Token(t.Context(), "a")
			if diff := cmp.Diff(want, got); diff != "" || !found {
				t.Errorf("found %v (-want +got):\n%s", found, diff)
			}
			_, found, err2 := tx.Token(t.Context(), "none")
			all, err3 := tx.Tokens(t.Context())
			of, err4 := tx.TokensOf(t.Context(), "ume")
			if found || len(all) != 3 || len(of) != 2 {
				t.Errorf("unknown %v, all %v, ume's %v; want a, of late and machine", found, all, of)
			}
			for _, each := range of {
				if each.RevokedAt.IsZero() {
					t.Errorf("%s is not revoked", each.Hash)
				}
			}
			return errors.Join(err, err2, err3, err4)
		})
	})
}

func TestAnInviteIsUsedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for _, i := range []store.Invite{
				{Hash: "first", Account: "ume", Role: "viewer", ExpiresAt: tx.Now.Add(time.Hour)},
				{Hash: "second", Account: "ume", Role: "viewer", CreatedBy: "matsu", ExpiresAt: tx.Now.Add(time.Hour)},
				{Hash: "late", Account: "take", ExpiresAt: tx.Now},
				{Hash: "gone", Account: "cho", ExpiresAt: tx.Now.Add(-31 * 24 * time.Hour)},
				{Hash: "other", Account: "ben", ExpiresAt: tx.Now.Add(time.Hour)},
			} {
				if err := tx.AddInvite(t.Context(), i); err != nil {
					return err
				}
			}
			return nil
		})
		used := make(chan bool)
		const most = 4
		for range most {
			go func() {
				var ok bool
				err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
					ok, err = tx.UseInvite(t.Context(), "second")
					return err
				})
				if err != nil {
					t.Error(err)
				}
				used <- ok
			}()
		}
		n := 0
		for range most {
			if <-used {
				n++
			}
		}
		if n != 1 {
			t.Errorf("used %d times, want once", n)
		}
		tx(t, db, func(tx *store.Tx) error {
			late, err := tx.UseInvite(t.Context(), "late")
			first, found, err2 := tx.Invite(t.Context(), "first")
			second, _, err3 := tx.Invite(t.Context(), "second")
			if late || found || second.CreatedBy != "matsu" || second.UsedAt.IsZero() {
				t.Errorf("late %v, first %v, second %v", late, first, second)
			}
			_, gone, err4 := tx.Invite(t.Context(), "gone")
			list, err5 := tx.Invites(t.Context())
			if gone || len(list) != 1 || list[0].Hash != "other" {
				t.Errorf("gone %v, open %v, want only ben's", gone, list)
			}
			n, err6 := tx.EndInvites(t.Context(), "ben")
			again, err7 := tx.EndInvites(t.Context(), "ume") // used: kept
			if n != 1 || again != 0 {
				t.Errorf("ended %d and %d, want 1 and 0", n, again)
			}
			return errors.Join(err, err2, err3, err4, err5, err6, err7)
		})
	})
}
