package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"
)

const replyWithin = 90 * time.Second

func take(t *testing.T, db *store.DB, key, request string, within time.Duration) (r store.Reply, taken bool) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
		r, taken, err = tx.TakeReply(t.Context(), key, request, within)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, taken
}

func TestARepeatedRequestFindsItsReply(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, taken := take(t, db, "k", "create", replyWithin)
		if !taken {
			t.Fatal("the first request was not taken up")
		}
		if r, again := take(t, db, "k", "create", replyWithin); again || r.Status != 0 || r.Request != "create" {
			t.Fatalf("while it is under way: got %+v, taken %v, want the request without an answer", r, again)
		}
		mine.Status, mine.Body = 201, `{"id":"ovr_1"}`
		keep := func(tx *store.Tx) error { return tx.KeepReply(t.Context(), mine) }
		if err := db.Tx(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		r, again := take(t, db, "k", "something else", replyWithin)
		if again || r.Status != 201 || r.Body != mine.Body || r.Request != "create" {
			t.Errorf("afterwards: got %+v, taken %v, want the answer", r, again)
		}
		if _, taken := take(t, db, "other", "create", replyWithin); !taken {
			t.Error("another key was not taken up")
		}
	})
}

func TestARequestThatEndedWithoutAWordIsTakenOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		lost, _ := take(t, db, "k", "create", replyWithin)
		tick := time.NewTimer(5 * time.Millisecond) // the two have to differ in their milliseconds
		<-tick.C
		mine, taken := take(t, db, "k", "create", time.Millisecond)
		if !taken {
			t.Fatal("it was not taken over")
		}
		lost.Status = 500
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.KeepReply(t.Context(), lost) })
		if !errors.Is(err, store.ErrReplyTaken) {
			t.Errorf("the first one's answer: got %v, want %v", err, store.ErrReplyTaken)
		}
		err = db.Tx(t.Context(), func(tx *store.Tx) error { return tx.DropReply(t.Context(), lost) })
		if err != nil {
			t.Fatal(err)
		}
		mine.Status = 200
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.KeepReply(t.Context(), mine) }); err != nil {
			t.Errorf("the second one's answer: %v", err)
		}
	})
}

func TestADroppedRequestIsANewTry(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, _ := take(t, db, "k", "create", replyWithin)
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.DropReply(t.Context(), mine) }); err != nil {
			t.Fatal(err)
		}
		if _, taken := take(t, db, "k", "create", replyWithin); !taken {
			t.Error("it was not taken up again")
		}
	})
}

func TestOfManyAtOnceOneTakesARequestUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := db.Tx(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
					_, taken, err := tx.TakeReply(t.Context(), "k", "create", replyWithin)
					if taken {
						won.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("got %d that took it up, want 1", won.Load())
		}
	})
}
