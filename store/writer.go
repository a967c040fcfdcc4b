package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// writer owns the only connection that writes to a SQLite database. It puts what
// waits into one commit, since a commit costs a sync of the disk whatever is in
// it: first closures, each in a savepoint so that a bad one never fails its
// neighbours, then one batch of signals.
type writer struct {
	db      *DB
	q       *pinned
	accepts queue
	nums    numbers
	exited  bool // a closure has ended the goroutine that runs this; its next one goes on

	mu       sync.Mutex
	closures []*closure
	closed   bool
	ended    chan struct{}
}

// closure is one call of Tx that waits for its turn.
type closure struct {
	ctx   context.Context
	f     func(*Tx) error
	state atomic.Int32 // fresh, begun or left, as that of a call
	done  chan error

	tx  *Tx
	err error
}

// Limits of what goes into one commit, so that the first in it does not wait for
// too many others.
const (
	maxClosures = 256
	maxGroup    = 20 * time.Millisecond
)

// errGroupLost is what the members of a group get whose commit failed, or whose
// savepoints the engine rolled back with everything else. Nothing of theirs is
// committed.
var errGroupLost = errors.New("store: the commit was lost with that of its neighbours")

// errExited is what Tx returns when its closure has ended the goroutine that ran
// it, which is the writer's. Nothing of it is committed.
var errExited = errors.New("store: the closure of a transaction called runtime.Goexit (as t.Fatal does) instead of returning")

func newWriter(db *DB, conn *sql.Conn) *writer {
	return &writer{
		db: db, q: &pinned{conn: conn, stmts: map[string]*sql.Stmt{}},
		accepts: queue{wake: make(chan struct{}, 1)}, ended: make(chan struct{}),
	}
}

// tx hands f to the writer and waits for its fate.
func (w *writer) tx(ctx context.Context, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &closure{ctx: ctx, f: f, done: make(chan error, 1)}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.closures = append(w.closures, c)
	w.mu.Unlock()
	w.accepts.notify()
	var err error
	select {
	case err = <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(fresh, left) {
			return ctx.Err()
		}
		err = <-c.done
	}
	repanic(err)
	return err
}

// run commits groups until the writer is closed and nothing waits. A closure that
// ends this goroutine does not end the writer: it goes on in another one.
func (w *writer) run() {
	defer func() {
		if w.exited {
			w.exited = false
			go w.run() // close waits for its end
			return
		}
		close(w.ended)
	}()
	for awake := true; awake; _, awake = <-w.accepts.wake {
		for w.group() {
		}
		w.mu.Lock()
		closed := w.closed && len(w.closures) == 0
		w.mu.Unlock()
		if closed && w.accepts.len() == 0 {
			return
		}
	}
}

// next removes a closure from the queue; nil when none waits.
func (w *writer) next() *closure {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.closures) > 0 {
		c := w.closures[0]
		w.closures[0] = nil
		if w.closures = w.closures[1:]; len(w.closures) == 0 {
			w.closures = nil
		}
		if c.state.CompareAndSwap(fresh, begun) {
			return c
		}
	}
	return nil
}

// group commits what waits, and reports whether something did.
func (w *writer) group() bool {
	ctx := context.Background() // a member that gives up must not take its neighbours along
	first := w.next()
	var items []*item
	if first == nil {
		if items = w.accepts.take(maxBatch); len(items) == 0 {
			return false
		}
	}
	began := time.Now()
	if err := w.q.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		w.fail(err, first, items)
		return true
	}
	var members []*closure
	var err error
	defer func() {
		if w.exited { // in one of them; the others are run again
			w.rollBack()
			w.lose(errExited, members, items)
		}
	}()
	for c := first; c != nil && err == nil; {
		members = append(members, c)
		if err = w.member(ctx, c); err != nil || len(members) == maxClosures || time.Since(began) > maxGroup {
			break
		}
		c = w.next()
	}
	var accepted Wake
	if err == nil {
		if items == nil {
			items = w.accepts.take(maxBatch)
		}
		accepted, err = w.accept(ctx, items)
	}
	if err == nil {
		err = w.q.run(ctx, "COMMIT")
	}
	if err != nil {
		w.db.log.Error("commit failed", "err", err)
		w.db.heard(err)
		w.rollBack()
		w.lose(err, members, items)
		return true
	}
	w.db.figures.committed(len(members)+len(items), began)
	if slices.ContainsFunc(items, func(it *item) bool { return it.failed == nil }) {
		w.db.heard(nil)
	}
	for _, c := range members {
		if c.err == nil {
			w.db.told.done(w.db.told.draw(), c.tx.wake)
		}
		c.done <- c.err
	}
	w.db.told.done(w.db.told.draw(), accepted)
	for _, it := range items {
		it.finish(it.failed)
	}
	return true
}

// member runs one closure in a savepoint. Its failure is its own; an error of
// member is one of the whole group.
func (w *writer) member(ctx context.Context, c *closure) error {
	c.err = nil
	if err := c.ctx.Err(); err != nil {
		c.err = err
		return nil
	}
	if err := w.q.run(ctx, "SAVEPOINT member"); err != nil {
		return err
	}
	c.tx = &Tx{Now: now(), db: w.db, q: patient{w.q}}
	w.exited, c.err = true, errExited
	c.err = c.tx.run(c.ctx, c.f)
	if w.exited = false; c.err == nil {
		return w.q.run(ctx, "RELEASE member")
	}
	return w.undo(ctx)
}

// rollBack ends a group of which nothing is to be kept.
func (w *writer) rollBack() {
	w.q.run(context.Background(), "ROLLBACK") //nolint:errcheck // the engine may have done it already
	w.nums = numbers{}
}

func (w *writer) undo(ctx context.Context) error {
	if err := w.q.run(ctx, "ROLLBACK TO member"); err != nil {
		return err
	}
	return w.q.run(ctx, "RELEASE member")
}

// accept writes signals; on an error it halves them, until the one that can't be
// written is alone and gets its error.
func (w *writer) accept(ctx context.Context, items []*item) (Wake, error) {
	if len(items) == 0 {
		return Wake{}, nil
	}
	if count := w.nums.want(triggers(items)); count > 0 {
		tx := &Tx{Now: now(), db: w.db, q: w.q}
		if err := w.nums.refill(ctx, tx, count); err != nil {
			return Wake{}, err
		}
	}
	before := w.nums.copied()
	if err := w.q.run(ctx, "SAVEPOINT member"); err != nil {
		return Wake{}, err
	}
	tx := &Tx{Now: now(), db: w.db, q: w.q}
	err := tx.run(ctx, func(tx *Tx) error { return (&batch{tx: tx, nums: &w.nums, items: items}).write(ctx) })
	if err == nil {
		return tx.wake, w.q.run(ctx, "RELEASE member")
	}
	w.nums = before
	if err := w.undo(ctx); err != nil {
		return Wake{}, err
	}
	if w.db.dialect.unavailable(err) {
		w.db.heard(err)
		w.db.log.Error("signals could not be written", "err", err)
		for _, it := range items {
			it.failed = ErrUnavailable
		}
		return Wake{}, nil
	}
	if len(items) == 1 {
		items[0].failed = fmt.Errorf("signal %s: %w", items[0].signal, err)
		return Wake{}, nil
	}
	half := len(items) / 2
	wake, err := w.accept(ctx, items[:half])
	if err != nil {
		return Wake{}, err
	}
	more, err := w.accept(ctx, items[half:])
	wake.Timers = append(wake.Timers, more.Timers...)
	wake.Changes = append(wake.Changes, more.Changes...)
	return wake, err
}

// triggers is how many incidents the items may open.
func triggers(items []*item) (n int) {
	for _, it := range items {
		if !it.resolve {
			n++
		}
	}
	return n
}

// fail tells the members of a group that could not begin.
func (w *writer) fail(err error, c *closure, items []*item) {
	var members []*closure
	if c != nil {
		members = append(members, c)
	}
	w.db.log.Error("no transaction", "err", err)
	w.db.heard(err)
	w.lose(err, members, items)
}

// lose tells the members of a group that nothing of it is committed. Closures
// are run again by Tx; signals are refused, their senders say them again.
func (w *writer) lose(err error, members []*closure, items []*item) {
	for _, c := range members {
		if c.err == nil {
			c.err = fmt.Errorf("%w: %w", errGroupLost, err)
		}
		c.done <- c.err
	}
	for _, it := range items {
		it.finish(ErrUnavailable) // the log has the reason
	}
}

// waiting returns how many closures and signals wait.
func (w *writer) waiting() int {
	w.mu.Lock()
	n := len(w.closures)
	w.mu.Unlock()
	return n + w.accepts.len()
}

// close refuses what comes from now on, and returns when what waited is done.
func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.accepts.close()
	<-w.ended
	return w.q.close()
}
