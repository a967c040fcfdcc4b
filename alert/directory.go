package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// staleAfter is how old the directory may be that signals are routed by. The
	// response that follows always reads the current one.
	staleAfter = time.Second
	// readTime is how long a reading of it may take.
	readTime = 2 * time.Second
)

// directory keeps the configuration at hand for the hot path, so that a signal
// costs no query of its own. One signal at a time reads it anew; the others
// go on by the old one, so that a store that hangs does not hold them up.
type directory struct {
	load func(ctx context.Context) (*oncall.Directory, error)

	mu      sync.Mutex
	dir     *oncall.Directory
	err     error         // of the last reading
	at      time.Time     // its end
	reading chan struct{} // closed when the reading ends that is under way; nil = none is
}

func newDirectory(db *store.DB) *directory {
	return &directory{load: func(ctx context.Context) (dir *oncall.Directory, err error) {
		err = db.Read(ctx, func(tx *store.Tx) error {
			dir, err = tx.Directory(ctx)
			return err
		})
		return dir, err
	}}
}

func (d *directory) get(ctx context.Context) (*oncall.Directory, error) {
	for {
		d.mu.Lock()
		dir, err, reading := d.dir, d.err, d.reading
		switch {
		case !d.at.IsZero() && time.Since(d.at) < staleAfter: // an old agreement is better than a lost signal
			d.mu.Unlock()
			if dir != nil {
				err = nil
			}
			return dir, err
		case reading == nil:
			d.reading = make(chan struct{})
			d.mu.Unlock()
			d.read(ctx)
			continue
		}
		d.mu.Unlock()
		if dir != nil {
			return dir, nil
		}
		select {
		case <-reading:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// read reads the directory and keeps what came of it. It does not end with the
// request that happens to do it.
func (d *directory) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	var dir *oncall.Directory
	err := errUnread
	defer func() { // whatever happens, others wait
		d.mu.Lock()
		defer d.mu.Unlock()
		if err == nil {
			d.dir = dir
		}
		d.err, d.at = err, time.Now()
		close(d.reading)
		d.reading = nil
	}()
	dir, err = d.load(ctx)
}

var errUnread = errors.New("the configuration was not read")
