package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// followEvery is how long a change of the configuration that nobody has told of
// may stay unnoticed.
const followEvery = 500 * time.Millisecond

// Follow takes over the heartbeats of the configuration in the store, if that has
// changed. Run does so by itself; who has just changed something, and who is
// about to serve the Handler, asks for it at once. Of a heartbeat whose calendar
// can't be read the error says so, once.
func (l *Listener) Follow(ctx context.Context) error {
	var version int64
	err := l.o.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err == nil {
			version = dir.Version
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("heartbeats: %w", err)
	}
	l.mu.Lock()
	same := version == l.version && !l.since.IsZero()
	l.mu.Unlock()
	if same {
		return nil
	}
	var dir *oncall.Directory
	err = l.apply(ctx, func(ctx context.Context, tx *store.Tx) (monitors []*oncall.Monitor, err error) {
		if dir, err = tx.Directory(ctx); err != nil {
			return nil, err
		}
		monitors, _, err = tx.Monitors(ctx)
		return monitors, err
	})
	if _, unreadable := errors.AsType[*oncall.Error](err); err != nil && !unreadable {
		return err
	}
	zone, unknown := oncall.LoadZone(dir.Settings.Zone)
	if unknown != nil {
		zone = time.UTC
	}
	l.mu.Lock()
	l.version, l.zone = dir.Version, zone
	l.mu.Unlock()
	return err
}

// follow is Follow until ctx ends.
func (l *Listener) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for failed := ""; ctx.Err() == nil; {
		err := l.Follow(ctx)
		switch {
		case err == nil:
			failed = ""
		case ctx.Err() == nil && err.Error() != failed: // once, not twice a second
			failed = err.Error()
			l.log.ErrorContext(ctx, "heartbeats are not taken over as configured", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
