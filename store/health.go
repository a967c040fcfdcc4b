package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// health is whether what is to be kept is kept.
type health struct {
	failing atomic.Bool
	trying  sync.Mutex
	tried   time.Time
}

// tryEvery is how often a store that failed is tried on behalf of those who ask.
const tryEvery = time.Second

// heard takes notice of how a commit ended: only what the store itself is to
// blame for counts.
func (db *DB) heard(err error) {
	switch {
	case err == nil:
		if db.health.failing.Load() && db.health.failing.Swap(false) {
			db.log.Info("what is told is kept again")
		}
	case db.dialect.broken(err) && !db.health.failing.Swap(true):
		db.log.Error("what is told is not kept", "err", err)
	}
}

// proof is the counter that is raised to see whether the store keeps it.
const proof = "proof"

// Keeps reports whether the last commit worked: nil, or ErrUnavailable since one
// has failed for want of room, of a disk or of a server. While it has, the store
// is tried with a write of its own, at most once a second, so that it is found
// well again when nobody else writes. That ends with ctx.
func (db *DB) Keeps(ctx context.Context) error {
	if !db.health.failing.Load() {
		return nil
	}
	if !db.health.trying.TryLock() {
		return ErrUnavailable // somebody is trying
	}
	defer db.health.trying.Unlock()
	if time.Since(db.health.tried) < tryEvery {
		return ErrUnavailable
	}
	defer func() { db.health.tried = time.Now() }()
	err := db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.NextCounter(ctx, proof, 1)
		return err
	})
	if db.heard(err); err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	return nil
}

// Failing reports whether the last commit failed as Keeps tells, without a try.
func (db *DB) Failing() bool { return db.health.failing.Load() }
