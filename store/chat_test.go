package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"toban/internal/id"
	"toban/store"
	"toban/store/storetest"
)

func TestAChatIsWorkedOnByOneNodeAtATime(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			a := storetest.Open(t, dsn, store.Options{Node: "a"})
			b := a // SQLite has one node
			if engine == "postgres" {
				b = storetest.Open(t, dsn, store.Options{Node: "b"})
			}
			claim := func(db *store.DB, lasts time.Duration) (c store.Chat, ok bool) {
				t.Helper()
				tx(t, db, func(tx *store.Tx) (err error) {
					c, ok, err = tx.ClaimChat(t.Context(), "inc_1", tx.Now.Add(lasts))
					return err
				})
				return c, ok
			}
			mine, ok := claim(a, time.Minute)
			if !ok || string(mine.State) != "{}" || mine.ClaimedBy != "a" {
				t.Fatalf("got %+v %v, want a new chat claimed by a", mine, ok)
			}
			mine.State, mine.Channel = []byte(`{"posted":3}`), "C1"
			tx(t, a, func(tx *store.Tx) error { return tx.SaveChat(t.Context(), &mine) })
			again, ok := claim(a, -time.Second)
			if !ok || string(again.State) != `{"posted":3}` {
				t.Errorf("got %+v %v, want the same node to have it again", again, ok)
			}
			if engine == "postgres" {
				claim(a, time.Minute)
				if _, ok := claim(b, time.Minute); ok {
					t.Error("another node got it while it was claimed")
				}
				claim(a, -time.Second)
				if _, ok := claim(b, time.Minute); !ok {
					t.Error("another node did not get it after the claim had ended")
				}
			}
			err := a.Tx(t.Context(), func(tx *store.Tx) error { return tx.SaveChat(t.Context(), &mine) })
			if !errors.Is(err, store.ErrStale) {
				t.Errorf("saved by who had lost it: got %v, want %v", err, store.ErrStale)
			}
		})
	}
}

func TestAChatIsFoundByItsChannel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range []store.Chat{{Ref: "inc_1", Channel: "C1"}, {Ref: "inc_2", Channel: "C2"}, {Ref: "inc_3"}} {
			tx(t, db, func(tx *store.Tx) error { return tx.SaveChat(t.Context(), &c) })
		}
		for channel, want := range map[string]string{"C1": "inc_1", "C2": "inc_2", "C3": "", "": ""} {
			tx(t, db, func(tx *store.Tx) error {
				got, ok, err := tx.ChatOfChannel(t.Context(), channel)
				if got != want || ok != (want != "") {
					t.Errorf("%q: got %q %v, want %q", channel, got, ok, want)
				}
				return err
			})
		}
		tx(t, db, func(tx *store.Tx) error {
			c, err := tx.ChatLocked(t.Context(), "inc_2")
			if c.Channel != "C2" || c.Version != 1 {
				t.Errorf("got %+v, want the chat of inc_2", c)
			}
			if none, err := tx.Chat(t.Context(), "inc_9"); err != nil || none.Version != 0 {
				t.Errorf("got %+v %v, want no chat", none, err)
			}
			return err
		})
	})
}

func TestAWaitOfAChatThatIsDueIsNeitherPutOffNorEnded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		due := func() (at time.Duration, ok bool) {
			tx(t, db, func(tx *store.Tx) error {
				list, err := tx.OwnTimers(t.Context(), tx.Now.Add(24*time.Hour), 10)
				for _, l := range list {
					at, ok = l.DueAt.Sub(tx.Now).Round(time.Minute), true
				}
				return err
			})
			return at, ok
		}
		put := func(f func(tx *store.Tx) error) {
			t.Helper()
			tx(t, db, f)
		}
		put(func(tx *store.Tx) error { return tx.DeferChat(t.Context(), "i", tx.Now.Add(time.Hour)) })
		put(func(tx *store.Tx) error { return tx.DeferChat(t.Context(), "i", tx.Now.Add(2*time.Hour)) })
		if at, _ := due(); at != 2*time.Hour {
			t.Errorf("got a wait of %v, want it put off to 2h", at)
		}
		put(func(tx *store.Tx) error { return tx.HurryChat(t.Context(), "i", tx.Now.Add(3*time.Hour)) })
		if at, _ := due(); at != 2*time.Hour {
			t.Errorf("got a wait of %v, want 2h as before", at)
		}
		put(func(tx *store.Tx) error { return tx.HurryChat(t.Context(), "i", tx.Now.Add(-time.Second)) })
		put(func(tx *store.Tx) error { return tx.DeferChat(t.Context(), "i", tx.Now.Add(time.Hour)) })
		put(func(tx *store.Tx) error { return tx.RestChat(t.Context(), "i") })
		if at, ok := due(); !ok || at != 0 {
			t.Errorf("got a wait of %v %v, want the due one untouched", at, ok)
		}
		put(func(tx *store.Tx) error { return tx.DeleteTimers(t.Context(), store.TimerChat, "i") })
		put(func(tx *store.Tx) error { return tx.DeferChat(t.Context(), "i", tx.Now.Add(time.Hour)) })
		put(func(tx *store.Tx) error { return tx.RestChat(t.Context(), "i") })
		if at, ok := due(); ok {
			t.Errorf("got a wait of %v, want none", at)
		}
	})
}

func TestASweepOfChatsTakesDigestsOfAMonthAgoAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		old, young := time.Now().Add(-31*24*time.Hour), time.Now().Add(-29*24*time.Hour)
		gone := []string{id.At(store.DigestChat, old), id.At(store.DigestChat, old.Add(-24*time.Hour))}
		kept := []string{id.At(store.DigestChat, young), id.New(store.DigestChat), id.At(id.Incident, old), id.New(id.Incident)}
		for _, ref := range append(slices.Clone(gone), kept...) {
			tx(t, db, func(tx *store.Tx) error {
				return tx.SaveChat(t.Context(), &store.Chat{Ref: ref, State: []byte(`{"n":1}`)})
			})
		}
		removed := 0
		for more := true; more; {
			tx(t, db, func(tx *store.Tx) (err error) {
				var n int
				n, more, err = tx.Sweep(t.Context(), 1)
				removed += n
				return err
			})
		}
		if removed != len(gone) {
			t.Errorf("swept %d, want %d", removed, len(gone))
		}
		tx(t, db, func(tx *store.Tx) error {
			for i, ref := range append(slices.Clone(kept), gone...) {
				if c, err := tx.Chat(t.Context(), ref); err != nil || (c.Version > 0) != (i < len(kept)) {
					t.Errorf("%s: got version %d %v", ref, c.Version, err)
				}
			}
			return nil
		})
	})
}
