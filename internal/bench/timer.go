package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"toban/internal/due"
	"toban/store"
)

// waiting is how many waits there are while their lateness is measured.
const waiting = 10_000

// Timers measures how late waits fire when 10,000 of them wait and nothing else
// happens: from when each is due until its handler has taken its row. All come
// due once within the duration, evenly, and each leaves another wait behind, as
// a response does: the queue alone, below what timer10k measures. The database at
// dsn should be empty.
func Timers(ctx context.Context, dsn string, duration time.Duration, log *slog.Logger) ([]Figure, error) {
	db, err := store.Open(ctx, dsn, store.Options{Node: "bench", Log: log})
	if err != nil {
		return nil, err
	}
	late, err := lateness(ctx, db, duration, log)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	at := func(share float64) float64 {
		return float64(late[int(share*float64(len(late)-1))].Microseconds()) / 1000
	}
	name := "store." + db.Engine() + ".timer10k."
	return []Figure{
		{name + "late_p50", at(0.5), "ms"},
		{name + "late_p99", at(0.99), "ms"},
		{name + "late_max", at(1), "ms"},
	}, nil
}

// lateness returns how late each wait was, the most punctual first.
func lateness(ctx context.Context, db *store.DB, duration time.Duration, log *slog.Logger) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, duration+time.Minute)
	defer cancel()
	var mu sync.Mutex
	late := make(map[int]time.Duration, waiting) // a transaction may run again
	dueAt := make([]time.Time, waiting)
	done := make(chan struct{})
	finish := sync.OnceFunc(func() { close(done) })
	q := due.New(db, log)
	q.Handle(store.TimerResponse, due.Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
		now := time.Now()
		next := make([]store.Timer, len(refs))
		for i, ref := range refs {
			next[i] = store.Timer{Kind: store.TimerResponse, Ref: ref, DueAt: now.Add(time.Hour)}
		}
		if err := tx.PutTimers(ctx, next...); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ref := range refs {
			n, err := strconv.Atoi(ref)
			if err != nil {
				return err
			}
			late[n] = now.Sub(dueAt[n])
		}
		if len(late) == waiting {
			finish()
		}
		return nil
	})

	// Time enough to write them all before the first is due.
	first := time.Now().Add(2 * time.Second).Truncate(time.Millisecond)
	timers := make([]store.Timer, waiting)
	for i := range timers {
		dueAt[i] = first.Add(duration * time.Duration(i) / waiting).Truncate(time.Millisecond)
		timers[i] = store.Timer{Kind: store.TimerResponse, Ref: strconv.Itoa(i), DueAt: dueAt[i]}
	}
	if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.PutTimers(ctx, timers...) }); err != nil {
		return nil, err
	}
	if wrote := time.Since(first); wrote > 0 {
		return nil, fmt.Errorf("bench: writing %d waits took %s too long", waiting, wrote)
	}

	run, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { q.Run(run) }) //nolint:errcheck // it has no error to return
	select {
	case <-done:
	case <-ctx.Done():
	}
	stop()
	work.Wait()
	if len(late) != waiting {
		return nil, fmt.Errorf("bench: %d of %d waits have fired: %w", len(late), waiting, context.Cause(ctx))
	}
	return slices.Sorted(maps.Values(late)), nil
}
