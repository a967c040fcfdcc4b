package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"toban/internal/metric"
	"toban/oncall"
)

// Options are what Open needs to know beside the address.
type Options struct {
	// Node is this process's name as the owner of timers and outbox rows. It has
	// to differ from that of every other process on the same database.
	Node string
	Log  *slog.Logger // nil = discarded

	// Committers is how many goroutines commit what Accept was given, each on its
	// own connection; zero = 2. SQLite takes no more than one.
	Committers int
	// Conns is how many connections Tx and Read may use; zero = 16.
	Conns int
	// Queue is how many signals may wait for a commit before Accept refuses more;
	// zero = 8192.
	Queue int

	// Metrics counts what is committed; nil = nobody does.
	Metrics *metric.Registry
}

// DB is an open store. Its methods may be called from many goroutines.
type DB struct {
	dialect dialect
	engine  engine
	node    string
	log     *slog.Logger
	limit   int // of signals that wait
	figures figures
	health  health
	closed  atomic.Bool

	sentences sync.Map // form → *sentence
	told      publisher
	config    directoryCache
	loading   sync.Mutex // one goroutine builds the directory of a version
	following sync.Mutex // held by who changes follow
	follow    atomic.Pointer[[]follower]
	seq       atomic.Int64 // of the last change
}

// engine is what SQLite and PostgreSQL do differently: how transactions are
// brought to a commit.
type engine interface {
	tx(ctx context.Context, f func(*Tx) error) error
	read(ctx context.Context, f func(*Tx) error) error
	queueOf(it *item) *queue
	conn(ctx context.Context) (*sql.Conn, error)
	overloaded() bool
	waiting() int
	close() error
}

// Open opens the database at dsn, "sqlite:/path/to/toban.db" or
// "postgres://…", and brings it to the newest schema. A SQLite database is held
// exclusively: a second process gets an Unavailable error with code
// store.in_use.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Node == "" {
		o.Node = "main"
	}
	if o.Committers <= 0 {
		o.Committers = 2
	}
	if o.Conns <= 0 {
		o.Conns = 16
	}
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	db := &DB{node: o.Node, log: o.Log, limit: o.Queue, figures: newFigures(o.Metrics)}
	var err error
	switch path, isFile := strings.CutPrefix(dsn, "sqlite:"); {
	case isFile:
		db.engine, err = openSQLite(ctx, db, path, o)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		db.dialect.postgres = true
		db.engine, err = openPostgres(ctx, db, dsn, o)
	default:
		return nil, &oncall.Error{
			Kind: oncall.Invalid, Code: "store.address",
			Message: "a store is at sqlite:/path/to/toban.db or postgres://user@host/database",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return db, nil
}

// Close lets what has begun finish, refuses the rest, and closes every
// connection.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	return db.engine.close()
}

// orClosed is err, or what it comes from when the store is closed.
func (db *DB) orClosed(err error) error {
	if err != nil && db.closed.Load() {
		return ErrClosed
	}
	return err
}

// Engine returns "sqlite" or "postgres".
func (db *DB) Engine() string { return db.dialect.name() }

// Node returns the name under which this process owns rows.
func (db *DB) Node() string { return db.node }

// Conn returns a connection of its own, outside the pools, to hold a session
// lock or to send heartbeats on. The caller closes it. There is none on SQLite,
// where one process is alone.
func (db *DB) Conn(ctx context.Context) (*sql.Conn, error) { return db.engine.conn(ctx) }

// TxOn is Tx on a connection that Conn returned, tried once; it may take 30 s.
func (db *DB) TxOn(ctx context.Context, conn *sql.Conn, f func(*Tx) error) error {
	return db.txOn(ctx, conn, f)
}

// Subscribe calls f after each commit with the timers and outbox rows that it
// wrote for this node. Of two transactions that wrote the same row, the one that
// committed first is told first. f must not block and must not call the store.
func (db *DB) Subscribe(f func(Wake)) (cancel func()) { return db.told.subscribe(f) }

// Overloaded reports whether Accept would refuse, or had to let signals wait
// too long: intake should answer its sender with what it retries on.
func (db *DB) Overloaded() bool { return db.engine.overloaded() }
