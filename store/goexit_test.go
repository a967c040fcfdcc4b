package store_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"
)

// goexit runs a transaction whose closure ends its goroutine, as t.Fatal does,
// and returns what its caller got: ended when that was the closure's goroutine.
func goexit(t *testing.T, run func(context.Context, func(*store.Tx) error) error, f func(tx *store.Tx) error) (err error, ended bool) { //nolint:staticcheck // the error belongs to not ended
	t.Helper()
	ended = true
	done := make(chan struct{})
	go func() { // ends at once, one way or the other
		defer close(done)
		err = run(t.Context(), func(tx *store.Tx) error {
			if err := f(tx); err != nil {
				t.Errorf("before it ended: %v", err)
			}
			runtime.Goexit()
			return nil
		})
		ended = false
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("its caller waits for ever")
		return nil, true
	}
	return err, ended
}

func TestAClosureThatEndsItsGoroutineFailsAloneAndTheStoreGoesOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 3 {
			err, ended := goexit(t, db.Tx, func(tx *store.Tx) error {
				_, err := tx.NextCounter(t.Context(), "c", 5)
				return err
			})
			if !ended && (err == nil || !strings.Contains(err.Error(), "Goexit")) {
				t.Errorf("got %v, want an error that says what the closure did", err)
			}
		}
		accept(t, db, trigger("after"))
		tx(t, db, func(tx *store.Tx) error {
			first, err := tx.NextCounter(t.Context(), "c", 1)
			if first != 1 {
				t.Errorf("the counter is at %d, want 1: nothing of the others is committed", first)
			}
			return err
		})
	})
}

func TestTheNeighboursOfAClosureThatEndsItsGoroutineAreCommitted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const each = 60
		count := func(name string) func(tx *store.Tx) error {
			return func(tx *store.Tx) error {
				_, err := tx.NextCounter(t.Context(), name, 1)
				return err
			}
		}
		var all sync.WaitGroup
		for i := range each {
			all.Go(func() {
				if err := db.Tx(t.Context(), count(fmt.Sprintf("good%d", i))); err != nil {
					t.Errorf("neighbour %d: %v", i, err)
				}
			})
			all.Go(func() {
				if _, err := db.Accept(t.Context(), []store.Acceptance{trigger(fmt.Sprintf("k%d", i))}); err != nil {
					t.Errorf("signal %d: %v", i, err)
				}
			})
			if i%10 == 0 {
				all.Go(func() { goexit(t, db.Tx, count("bad")) }) //nolint:errcheck // the neighbours are what this is about
			}
		}
		all.Wait()
		tx(t, db, func(tx *store.Tx) error {
			for i := range each {
				if first, err := tx.NextCounter(t.Context(), fmt.Sprintf("good%d", i), 1); err != nil || first != 2 {
					t.Errorf("counter of neighbour %d: got %d, %v, want that it was counted once", i, first, err)
				}
			}
			first, err := tx.NextCounter(t.Context(), "bad", 1)
			if first != 1 {
				t.Errorf("the others counted to %d, want nothing of theirs", first)
			}
			return err
		})
	})
}

// A reader that is never given back would be missing for good.
func TestAReadThatEndsItsGoroutineGivesItsConnectionBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			_, err := tx.NextCounter(t.Context(), "c", 5)
			return err
		})
		look := func(tx *store.Tx) error {
			_, err := tx.Counter(t.Context(), "c")
			return err
		}
		for range 20 { // more than there are connections
			goexit(t, db.Read, look) //nolint:errcheck // that it comes back is what this is about
		}
		read(t, db, look)
	})
}
