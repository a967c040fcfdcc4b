package due

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"
)

// Several goroutines move the same waits about while they fire. Afterwards
// nothing is left, and nothing has fired before its time or not since it was
// last put.
func TestNoWaitIsLostWhileOthersMoveIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		q := New(db, slog.New(slog.DiscardHandler))
		var mu sync.Mutex
		fired := map[string]time.Time{}
		q.Handle("x", Options{Batch: 8, Workers: 4}, func(ctx context.Context, tx *store.Tx, refs []string) error {
			mu.Lock()
			defer mu.Unlock()
			for _, ref := range refs {
				fired[ref] = tx.Now
			}
			return nil
		})
		stop := run(t, q)
		last := map[string]time.Time{}
		var movers sync.WaitGroup
		for m := range 4 {
			movers.Go(func() {
				rnd := rand.New(rand.NewPCG(1, uint64(m)))
				for range 150 {
					// Each has a wait of its own as well, so that its last word is known.
					refs := []string{fmt.Sprintf("own-%d-%d", m, rnd.IntN(10)), fmt.Sprint("shared-", rnd.IntN(10)), fmt.Sprint("shared-", rnd.IntN(10))}
					var timers []store.Timer
					err := db.Tx(t.Context(), func(tx *store.Tx) error {
						timers = timers[:0]
						for _, ref := range refs {
							timers = append(timers, store.Timer{Kind: "x", Ref: ref, DueAt: tx.Now.Add(time.Duration(rnd.IntN(60)) * time.Millisecond)})
						}
						return tx.PutTimers(t.Context(), timers...)
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					last[refs[0]] = timers[0].DueAt
					mu.Unlock()
				}
			})
		}
		movers.Wait()
		eventually(t, "no wait is left", func() bool {
			left := 0
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				own, err := tx.OwnTimers(t.Context(), tx.Now.Add(time.Hour), 100)
				left = len(own)
				return err
			})
			return err == nil && left == 0
		})
		stop()
		mu.Lock()
		defer mu.Unlock()
		for ref, due := range last {
			if fired[ref].Before(due) {
				t.Errorf("%s fired last at %s, want it at %s or later", ref, fired[ref], due)
			}
		}
		if s := q.Stats(); s.InHand != 0 || s.Failing != 0 {
			t.Errorf("stats = %+v, want nothing in hand or failing", s)
		}
	})
}

// Two thousand waits over a second, in real time and on a machine that is busy
// with other tests. The bench measures it properly.
func TestWaitsFireOnTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 2000
		q := New(db, slog.New(slog.DiscardHandler))
		done := make(chan struct{})
		left := n
		var mu sync.Mutex
		q.Handle("x", Options{}, func(_ context.Context, _ *store.Tx, refs []string) error {
			mu.Lock()
			defer mu.Unlock()
			if left -= len(refs); left == 0 {
				close(done)
			}
			return nil
		})
		stop := run(t, q)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			timers := make([]store.Timer, n)
			for i := range timers {
				timers[i] = store.Timer{Kind: "x", Ref: fmt.Sprint(i), DueAt: tx.Now.Add(500*time.Millisecond + time.Duration(i)*time.Millisecond/2)}
			}
			return tx.PutTimers(t.Context(), timers...)
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("not all have fired")
		}
		stop()
		late := q.Stats().Kinds["x"].Late
		t.Logf("%s: mean lateness %s, by bucket %v", db.Engine(), late.Sum/n, late.Counts)
		if got := late.Sum / n; got > 250*time.Millisecond {
			t.Errorf("mean lateness %s, want far less", got)
		}
	})
}

// run runs q in real time until stop, which the end of the test calls at the
// latest.
func run(t *testing.T, q *Queue) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := q.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	t.Cleanup(stop)
	return stop
}

// eventually asks holds every 10 ms for twenty seconds.
func eventually(t *testing.T, promise string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if holds() {
			return
		}
	}
	t.Fatalf("after 20 s it does not hold that %s", promise)
}
