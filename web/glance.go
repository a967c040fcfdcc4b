package web

import (
	"context"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// glance is what all who look on have in common: the configuration, and what is
// open. A change is drawn for hundreds of views at once; this part of each is
// read once.
type glance struct {
	mu   sync.Mutex
	turn int64 // of the hub, before it was read
	read time.Time
	dir  *oncall.Directory
	open store.OpenOfAll
}

// glanceHolds bounds how long a glance is believed, whatever is heard of
// changes.
const glanceHolds = time.Second

// look returns both as they are after everything that the hub has told so far.
func (g *glance) look(ctx context.Context, a *Web) (*oncall.Directory, store.OpenOfAll, error) {
	needed := a.Hub.Turn()
	g.mu.Lock() // who comes second waits for the first, and has what that found
	defer g.mu.Unlock()
	if g.dir != nil && g.turn >= needed && time.Since(g.read) < glanceHolds {
		return g.dir, g.open, nil
	}
	turn, began := a.Hub.Turn(), time.Now()
	var dir *oncall.Directory
	var open store.OpenOfAll
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		open, err = tx.CountOpenOfAll(ctx)
		return err
	})
	if err != nil {
		return nil, store.OpenOfAll{}, err
	}
	g.turn, g.read, g.dir, g.open = turn, began, dir, open
	return dir, open, nil
}

// again is the same reader at a later time.
func (s *request) again(ctx context.Context) (*request, error) {
	later := *s
	later.now, later.note = now(), nil
	dir, open, err := s.web.glance.look(ctx, s.web)
	if err != nil {
		return nil, err
	}
	later.dir = dir
	if s.known {
		later.counts = view.Counts{Triggered: open.Triggered, Acknowledged: open.Acknowledged, Mine: open.Held[s.who.User]}
	}
	return &later, nil
}
