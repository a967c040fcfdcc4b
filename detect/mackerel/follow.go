package mackerel

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

// Follow takes over the monitors of service metrics in the store's configuration,
// if that has changed. Run does so by itself; who has just changed something, and
// who is about to serve the Handler, asks for it at once. Of a monitor that can't
// be judged by the error says so, once.
func (m *Metrics) Follow(ctx context.Context) error {
	var version int64
	err := m.o.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err == nil {
			version = dir.Version
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("service metrics: %w", err)
	}
	m.mu.Lock()
	same := version == m.version && !m.since.IsZero()
	m.mu.Unlock()
	if same {
		return nil
	}
	var dir *oncall.Directory
	err = m.apply(ctx, func(ctx context.Context, tx *store.Tx) (monitors []*oncall.Monitor, err error) {
		if dir, err = tx.Directory(ctx); err != nil {
			return nil, err
		}
		monitors, _, err = tx.Monitors(ctx)
		return monitors, err
	})
	if _, unreadable := errors.AsType[*oncall.Error](err); err != nil && !unreadable {
		return err
	}
	m.mu.Lock()
	m.version = dir.Version
	m.mu.Unlock()
	return err
}

// follow is Follow until ctx ends.
func (m *Metrics) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for failed := ""; ctx.Err() == nil; {
		err := m.Follow(ctx)
		switch {
		case err == nil:
			failed = ""
		case ctx.Err() == nil && err.Error() != failed: // once, not twice a second
			failed = err.Error()
			m.log.ErrorContext(ctx, "service metrics are not taken over as configured", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
