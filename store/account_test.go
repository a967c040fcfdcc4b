package store_test

import (
	"errors"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestAnAccountIsKeptAsItIsSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := store.Account{Name: "ume", Password: "$argon2id$1", Role: "admin"}
		tx(t, db, func(tx *store.Tx) error {
			if _, err := tx.LockAccount(t.Context(), "ume"); !errors.Is(err, store.ErrUnknownAccount) {
				t.Errorf("before: %v, want %v", err, store.ErrUnknownAccount)
			}
			want.CreatedAt = tx.Now
			return tx.SaveAccount(t.Context(), want)
		})
		tx(t, db, func(tx *store.Tx) error {
			want.Language, want.Theme, want.Zone, want.DisabledAt = "ja", "dark", "Asia/Tokyo", tx.Now
			return tx.SaveAccount(t.Context(), want)
		})
		tx(t, db, func(tx *store.Tx) error {
			return tx.SaveAccount(t.Context(), store.Account{Name: "matsu", Password: "$argon2id$2", Role: "admin"})
		})
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.Account(t.Context(), "ume")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			list, err2 := tx.Accounts(t.Context())
			if len(list) != 2 || list[0].Name != "matsu" || list[1].Name != "ume" {
				t.Errorf("got %v, want matsu and ume", list)
			}
			n, err3 := tx.CountRole(t.Context(), "admin")
			if n != 1 {
				t.Errorf("%d admins, want the one who is not disabled", n)
			}
			_, err4 := tx.Account(t.Context(), "nobody\x00")
			if !errors.Is(err4, store.ErrUnknownAccount) {
				t.Errorf("a name that can't be: %v", err4)
			}
			return errors.Join(err, err2, err3)
		})
	})
}

func TestOfAllAccountsOneTransactionDecidesAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const most = 8
		done := make(chan error, most)
		for range most {
			go func() {
				done <- db.Tx(t.Context(), func(tx *store.Tx) error {
					if err := tx.LockAccounts(t.Context()); err != nil {
						return err
					}
					has, err := tx.HasAccounts(t.Context())
					if err != nil || has {
						return errors.Join(err, errors.New("there is one"))
					}
					return tx.SaveAccount(t.Context(), store.Account{Name: "ume"})
				})
			}()
		}
		made := 0
		for range most {
			if err := <-done; err == nil {
				made++
			}
		}
		if made != 1 {
			t.Errorf("%d found no account and made the first, want 1", made)
		}
	})
}

func TestASessionIsSeenAndEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var at time.Time
		tx(t, db, func(tx *store.Tx) error {
			at = tx.Now
			for _, s := range []store.Session{
				{Hash: "a", Account: "ume", Address: "192.0.2.1", Agent: "Firefox\x00", ExpiresAt: at.Add(time.Hour)},
				{Hash: "b", Account: "ume", ExpiresAt: at.Add(time.Hour)},
				{Hash: "c", Account: "matsu", ExpiresAt: at.Add(time.Hour)},
				{Hash: "old", Account: "matsu", ExpiresAt: at},
			} {
				if err := tx.AddSession(t.Context(), s); err != nil {
					return err
				}
			}
			return tx.SaveAccount(t.Context(), store.Account{Name: "ume", Role: "viewer"})
		})
		found := func(hash string) (s store.Session, found bool) {
			t.Helper()
			read(t, db, func(tx *store.Tx) (err error) {
				var a store.Account
				s, a, found, err = tx.Session(t.Context(), hash)
				if found && a.Role != "viewer" {
					t.Errorf("of account %v, want the viewer", a)
				}
				return err
			})
			return s, found
		}
		want := store.Session{Hash: "a", Account: "ume", Address: "192.0.2.1", Agent: "Firefox\uFFFD", CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(time.Hour)}
		if got, _ := found("a"); !cmp.Equal(want, got) {
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
		}
		for _, hash := range []string{"c", "old", "none"} { // no account, expired, unknown
			if _, ok := found(hash); ok {
				t.Errorf("session %s is valid", hash)
			}
		}
		tx(t, db, func(tx *store.Tx) error {
			err := tx.SeeSession(t.Context(), "a", at.Add(2*time.Hour), at.Add(-time.Millisecond)) // seen after that
			return errors.Join(err, tx.SeeSession(t.Context(), "b", at.Add(2*time.Hour), at))
		})
		if got, _ := found("a"); !got.ExpiresAt.Equal(at.Add(time.Hour)) {
			t.Errorf("a expires %v, want as before", got.ExpiresAt)
		}
		if got, _ := found("b"); !got.ExpiresAt.Equal(at.Add(2 * time.Hour)) {
			t.Errorf("b expires %v, want an hour later", got.ExpiresAt)
		}
		tx(t, db, func(tx *store.Tx) error {
			account, ok, err := tx.CloseSession(t.Context(), "b")
			if account != "ume" || !ok {
				t.Errorf("closed %q, %v, want ume's", account, ok)
			}
			_, again, err2 := tx.CloseSession(t.Context(), "b")
			n, err3 := tx.CloseSessions(t.Context(), "ume", "a")
			if again || n != 0 {
				t.Errorf("closed twice: %v; others: %d, want none", again, n)
			}
			return errors.Join(err, err2, err3)
		})
		read(t, db, func(tx *store.Tx) error {
			all, err := tx.Sessions(t.Context())
			of, err2 := tx.SessionsOf(t.Context(), "ume")
			if len(all) != 2 || len(of) != 1 || of[0].Hash != "a" {
				t.Errorf("all %v, ume's %v, want a and c, a", all, of)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestOfTooManySessionsTheLeastRecentGoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var first string
		for i := range store.MaxSessions + 2 {
			tx(t, db, func(tx *store.Tx) error {
				s := store.Session{Hash: string(rune('0' + i)), Account: "ume", ExpiresAt: tx.Now.Add(time.Hour)}
				if i == 2 {
					first = s.Hash
				}
				return tx.AddSession(t.Context(), s)
			})
		}
		read(t, db, func(tx *store.Tx) error {
			list, err := tx.SessionsOf(t.Context(), "ume")
			if len(list) != store.MaxSessions || list[len(list)-1].Hash < first {
				t.Errorf("%d sessions, the oldest %q, want %d from %q", len(list), list[len(list)-1].Hash, store.MaxSessions, first)
			}
			return err
		})
	})
}
