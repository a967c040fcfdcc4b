// Package follow takes over the monitors of the configuration in the store
// whenever that has changed.
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"toban/oncall"
	"toban/store"
)

// every is how long a change of the configuration that nobody has told of may
// stay unnoticed.
const every = 500 * time.Millisecond

// Read reads the monitors of the configuration within a transaction.
type Read func(ctx context.Context, tx *store.Tx) ([]*oncall.Monitor, error)

// Follower follows for one kind of monitor. Its methods may be called from many
// goroutines.
type Follower struct {
	DB   *store.DB
	Name string // in errors and the log: "heartbeats"
	// Apply takes over what read returns. An *oncall.Error is about some of it; the
	// others are taken.
	Apply func(ctx context.Context, read Read) error
	// Applying is told the configuration that is about to be taken over, so that what
	// is said about that is said as it wants; nil = nobody wants to know.
	Applying func(dir *oncall.Directory)
	// Began reports whether anything was taken over yet.
	Began func() bool

	version atomic.Int64 // that was taken over
}

// Follow takes over the configuration in the store, unless it was already.
func (f *Follower) Follow(ctx context.Context) error {
	var found, dir *oncall.Directory
	err := f.DB.Read(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Directory(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if found.Version == f.version.Load() && f.Began() {
		return nil
	}
	if f.Applying != nil {
		f.Applying(found)
	}
	err = f.Apply(ctx, func(ctx context.Context, tx *store.Tx) (monitors []*oncall.Monitor, err error) {
		if dir, err = tx.Directory(ctx); err != nil {
			return nil, err
		}
		monitors, _, err = tx.Monitors(ctx)
		return monitors, err
	})
	if _, unreadable := errors.AsType[*oncall.Error](err); err != nil && !unreadable {
		return err
	}
	if f.Applying != nil && dir.Version != found.Version { // it has changed meanwhile
		f.Applying(dir)
	}
	f.version.Store(dir.Version)
	return err
}

// Run is Follow until ctx ends. What does not work is logged once, not twice a
// second.
func (f *Follower) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for failed := ""; ctx.Err() == nil; {
		err := f.Follow(ctx)
		switch {
		case err == nil:
			failed = ""
		case ctx.Err() == nil && err.Error() != failed:
			failed = err.Error()
			log.ErrorContext(ctx, "monitors are not taken over as configured", "kind", f.Name, "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
