// Package lease is the membership of a node among the nodes on one database: who
// is there, who is dead, and who takes over the rows of the dead.
//
// On PostgreSQL a node has a row that its heartbeats renew, and holds a session
// lock on the connection that they use. Another node is dead when it says so
// itself, when its row has not changed for the time of a lease, or when its
// session lock is free, which PostgreSQL sees to the moment the process dies.
// How long a row has not changed is measured by the clock of who looks, and how
// old one's own lease is by one's own: clocks are never compared.
//
// Ownership of rows is what keeps work from being done twice; a lease only says
// when work may be taken over. So a node that doubts its lease (Fenced) holds its
// work and drops nothing, and one that was taken for dead joins again.
//
// On SQLite a process is alone: it adopts what earlier ones have left and is
// never fenced.
package lease

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// Options are the times of the membership; zero values are the defaults.
type Options struct {
	// TTL is how long a node that shows no other sign of death is believed to
	// live after its last heartbeat; zero = 1.7 s, so that with what follows a
	// frozen node's work goes on within 2 s.
	TTL time.Duration
	// Beat is the time between heartbeats; zero = 250 ms.
	Beat time.Duration
	// Watch is the time between looks at the other nodes; zero = 50 ms.
	Watch time.Duration
	// Address and Version are kept in the node's row for people to read.
	Address, Version string
}

const (
	defaultTTL   = 1700 * time.Millisecond
	defaultBeat  = 250 * time.Millisecond
	defaultWatch = 50 * time.Millisecond
	// joinRetry is the time between attempts to join.
	joinRetry = 50 * time.Millisecond
	// joinPatience is for how many leases Join waits for its name to be free.
	joinPatience = 3
	// leaveTime bounds what a node that stops waits for the database.
	leaveTime = 2 * time.Second
)

// ErrTaken is returned when another process runs under the same node name.
var ErrTaken = &oncall.Error{Kind: oncall.Conflict, Code: "node.taken", Message: "another process runs under this node name"}

// ErrName is returned for a node name that the database would not keep as it is.
var ErrName = &oncall.Error{Kind: oncall.Invalid, Code: "node.name", Message: "a node name has 1 to 50 characters, each a letter, a digit or one of . - _"}

// nameOK reports whether name survives as part of PostgreSQL's
// application_name, which is cut after 63 bytes and keeps ASCII only.
func nameOK(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 50
}

// Node is this process among the nodes.
type Node struct {
	db  *store.DB
	log *slog.Logger
	o   Options

	conn *sql.Conn // holds the session lock and carries the heartbeats; only Join and beats use it

	mu         sync.Mutex
	started    time.Time // of this life
	beat       time.Time // beginning of the last heartbeat that arrived; zero = none holds
	onTakeOver []func(context.Context, store.Wake)
	onReturn   []func(context.Context)
}

// Join makes this process a member under db.Node(), so that from then on its rows
// are looked after by the others when it dies. On SQLite it adopts the rows of
// whoever had the database before. Run has to follow.
func Join(ctx context.Context, db *store.DB, log *slog.Logger, o Options) (*Node, error) {
	if o.TTL <= 0 {
		o.TTL = defaultTTL
	}
	if o.Beat <= 0 {
		o.Beat = defaultBeat
	}
	if o.Watch <= 0 {
		o.Watch = defaultWatch
	}
	n := &Node{db: db, log: log, o: o}
	if n.alone() {
		return n, n.inherit(ctx)
	}
	if !nameOK(db.Node()) {
		return nil, ErrName
	}
	ctx, cancel := context.WithTimeout(ctx, joinPatience*o.TTL)
	defer cancel()
	var last error
	// A connection may be lost on the way, and a name may be held for a moment by
	// somebody who looks whether its node is dead.
	for {
		err := n.join(ctx)
		if err == nil {
			return n, nil
		}
		if ctx.Err() == nil {
			last = err
		}
		if wait(ctx, joinRetry) != nil {
			return nil, fmt.Errorf("join as node %q: %w", db.Node(), cmp.Or(last, err))
		}
	}
}

func (n *Node) alone() bool { return n.db.Engine() == "sqlite" }

// Fenced reports that this node may not act: its lease is older than three
// quarters of its time, or it knows that it has lost it. Work is then held.
func (n *Node) Fenced() bool {
	if n.alone() {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.beat.IsZero() || time.Since(n.beat) > n.o.TTL*3/4
}

// OnTakeOver has f called with rows that have become this node's own because
// their node died, after that is committed. To be called before Run.
func (n *Node) OnTakeOver(f func(ctx context.Context, w store.Wake)) {
	n.onTakeOver = append(n.onTakeOver, f)
}

// OnReturn has f called when the node has joined again after it lost its lease:
// others may have taken rows of it. To be called before Run.
func (n *Node) OnReturn(f func(ctx context.Context)) { n.onReturn = append(n.onReturn, f) }

// Run sends heartbeats and looks after the other nodes until ctx ends. Then it
// gives the lease up, so that the others take over at once: end it after
// everything that works on this node's rows.
func (n *Node) Run(ctx context.Context) error {
	if n.alone() {
		<-ctx.Done()
		return nil
	}
	var work sync.WaitGroup
	work.Go(func() { n.watch(ctx) })
	n.beats(ctx)
	n.leave(ctx)
	work.Wait()
	return nil
}

// wait returns after d, or with an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
