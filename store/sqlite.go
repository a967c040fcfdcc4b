package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"toban/internal/lockfile"
	"toban/oncall"
)

// sqlite is the embedded engine: one connection that writes, used by one
// goroutine, and a pool of connections that read.
type sqliteEngine struct {
	db      *DB
	lock    *lockfile.Lock
	writing *sql.DB
	reading *sql.DB
	stmts   sync.Map // text → *sql.Stmt of the readers
	writer  *writer
}

// openSQLite opens the file at path, which no other process may have open.
func openSQLite(ctx context.Context, db *DB, path string, o Options) (_ engine, err error) {
	if path == "" || path == ":memory:" {
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "store.address", Message: "a SQLite store needs a file, such as sqlite:/var/lib/toban/toban.db"}
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	e := &sqliteEngine{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.closeFiles())
		}
	}()
	if e.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	// WAL: readers never wait for the writer. FULL: a commit is on the disk when
	// it returns; NORMAL would lose acknowledged signals with the power. The cache
	// holds the ends of the indexes, where all writing happens.
	if e.writing, err = sql.Open("sqlite", address(path, url.Values{
		"_txlock": {"immediate"},
		// A checkpoint every 32 MiB of log rather than every 4: it stands in the way of
		// commits, and durability does not depend on it.
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)", "wal_autocheckpoint(8192)", "temp_store(MEMORY)"},
	})); err != nil {
		return nil, err
	}
	e.writing.SetMaxOpenConns(1)
	if err := migrate(ctx, db.dialect, e.writing); err != nil {
		return nil, err
	}
	if e.reading, err = sql.Open("sqlite", address(path, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)", "cache_size(-8192)", "temp_store(MEMORY)"},
	})); err != nil {
		return nil, err
	}
	readers := min(o.Conns, 4) // more than there are processors only wait for each other
	e.reading.SetMaxOpenConns(readers)
	e.reading.SetMaxIdleConns(readers)
	conn, err := e.writing.Conn(ctx)
	if err != nil {
		return nil, err
	}
	e.writer = newWriter(db, conn)
	go e.writer.run()
	return e, nil
}

func address(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// lockFile holds the file until it is released or the process ends, whatever way.
func lockFile(path string) (*lockfile.Lock, error) {
	l, err := lockfile.Take(path)
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, &oncall.Error{
			Kind: oncall.Unavailable, Code: "store.in_use",
			Message: "another process is using this database; a SQLite store belongs to one process (held: " + path + ")",
		}
	}
	return l, err
}

func (e *sqliteEngine) tx(ctx context.Context, f func(*Tx) error) error { return e.writer.tx(ctx, f) }

func (e *sqliteEngine) read(ctx context.Context, f func(*Tx) error) error {
	local, err := e.reading.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return e.db.orClosed(err)
	}
	r := &reader{e: e, tx: local}
	tx := &Tx{Now: now(), db: e.db, q: r}
	err = func() error {
		defer local.Rollback() //nolint:errcheck // nothing was written
		return tx.run(ctx, f)  // which may end the goroutine
	}()
	r.prepareMissed(ctx)
	repanic(err)
	return err
}

// reader runs statements prepared once for the pool.
type reader struct {
	e      *sqliteEngine
	tx     *sql.Tx
	missed []string // texts that were not prepared yet
}

func (r *reader) exec(ctx context.Context, text string, args []any) (int64, error) {
	return 0, errors.New("store: a read-only transaction writes")
}

func (r *reader) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	prepared, ok := r.e.stmts.Load(text)
	if !ok {
		r.missed = append(r.missed, text)
		rows, err := r.tx.QueryContext(ctx, text, args...)
		return each(rows, err, scan)
	}
	rows, err := r.tx.StmtContext(ctx, prepared.(*sql.Stmt)).QueryContext(ctx, args...)
	return each(rows, err, scan)
}

// prepareMissed prepares for the next time what this transaction ran unprepared.
// The pool is asked only now that the transaction has given its connection back:
// when all of them wait for one more to prepare on, nobody goes on.
func (r *reader) prepareMissed(ctx context.Context) {
	for _, text := range r.missed {
		if _, ok := r.e.stmts.Load(text); ok {
			continue
		}
		stmt, err := r.e.reading.PrepareContext(ctx, text)
		if err != nil {
			return // the next one tries
		}
		if _, again := r.e.stmts.LoadOrStore(text, stmt); again {
			stmt.Close()
		}
	}
}

func (e *sqliteEngine) queueOf(*item) *queue { return &e.writer.accepts }

func (e *sqliteEngine) conn(context.Context) (*sql.Conn, error) {
	return nil, &oncall.Error{Kind: oncall.Invalid, Code: "store.one_process", Message: "SQLite has no other connections: one process is alone"}
}

func (e *sqliteEngine) overloaded() bool {
	return e.writer.accepts.late() || e.writer.accepts.len() >= e.db.limit
}

func (e *sqliteEngine) waiting() int { return e.writer.waiting() }

func (e *sqliteEngine) close() error {
	err := e.writer.close()
	return errors.Join(err, e.closeFiles())
}

func (e *sqliteEngine) closeFiles() (err error) {
	e.stmts.Range(func(text, stmt any) bool {
		err = errors.Join(err, stmt.(*sql.Stmt).Close())
		e.stmts.Delete(text)
		return true
	})
	if e.reading != nil {
		err = errors.Join(err, e.reading.Close())
	}
	if e.writing != nil {
		err = errors.Join(err, e.writing.Close())
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Release())
	}
	return err
}
