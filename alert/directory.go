package alert

import (
	"context"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// staleAfter is how old the directory may be that signals are routed by. The
// response that follows always reads the current one.
const staleAfter = time.Second

// directory keeps the configuration at hand for the hot path, so that a signal
// costs no query of its own.
type directory struct {
	db   *store.DB
	mu   sync.Mutex
	read time.Time
	dir  *oncall.Directory
}

func (d *directory) get(ctx context.Context) (*oncall.Directory, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir != nil && time.Since(d.read) < staleAfter {
		return d.dir, nil
	}
	var dir *oncall.Directory
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(ctx)
		return err
	})
	if err != nil {
		if d.dir != nil { // an old agreement is better than a lost signal
			return d.dir, nil
		}
		return nil, err
	}
	d.dir, d.read = dir, time.Now()
	return dir, nil
}
