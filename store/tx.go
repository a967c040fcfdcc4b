package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"toban/oncall"
)

// Tx is one transaction with one idea of now: all rows it writes agree.
type Tx struct {
	Now time.Time // cut to the millisecond, as the store keeps it

	db   *DB
	q    querier
	fail error // the first statement that failed: the rest is void, on either engine

	wake      Wake
	entries   []oncall.Entry // lines of the timeline that are not written yet
	changes   []subject      // what pages have to draw again, not written yet
	reordered bool           // it has changed the configuration: what it reads of it is its own
}

// querier runs statements as the dialect words them.
type querier interface {
	exec(ctx context.Context, text string, args []any) (int64, error)
	query(ctx context.Context, text string, args []any, scan func(row) error) error
}

// row is a row that a statement returned.
type row interface{ Scan(dest ...any) error }

// each calls scan for every row and closes rows.
func each(rows *sql.Rows, err error, scan func(row) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// maxAttempts is how often a transaction is tried when the engine says that it
// might succeed another time.
const maxAttempts = 6

// Tx runs f in a transaction, and again from the start when the engine reports
// a serialisation failure or a busy database: f must have no other effects than
// SQL, and must not call Tx, Read or Accept. On SQLite f runs in the writer's
// goroutine and shares a commit with its neighbours, without sharing their
// failures. Once f has begun, Tx returns only when its fate is known; ctx ends
// what f waits for. On PostgreSQL a transaction may take 30 s.
func (db *DB) Tx(ctx context.Context, f func(*Tx) error) error {
	err := db.again(ctx, func() error { return db.engine.tx(ctx, f) })
	if err != nil && ctx.Err() == nil && !db.closed.Load() {
		db.heard(err)
	}
	return err
}

// Read runs f in a read-only transaction on a connection of the reader pool: all
// its statements see the same state.
func (db *DB) Read(ctx context.Context, f func(*Tx) error) error {
	return db.again(ctx, func() error { return db.engine.read(ctx, f) })
}

func (db *DB) again(ctx context.Context, once func() error) error {
	for attempt := 1; ; attempt++ {
		err := once()
		if err == nil {
			return nil
		}
		if attempt == maxAttempts || !db.dialect.retryable(err) {
			if ctx.Err() == nil && db.dialect.unavailable(err) {
				return fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			return err
		}
		db.log.Debug("transaction is tried again", "err", err)
		pause := time.NewTimer(time.Duration(attempt) * time.Millisecond * time.Duration(1+rand.IntN(4)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// now is the time of a transaction that begins.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// run calls f and writes what it left to be written. A panic in f is an error
// that carries it, so that whoever runs f for somebody else can hand it on.
func (tx *Tx) run(ctx context.Context, f func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{value: p, stack: debug.Stack()}
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.flush(ctx); err != nil {
		return err
	}
	if err := tx.flushChanges(ctx); err != nil {
		return err
	}
	return tx.fail
}

// panicked is a panic on its way from the goroutine that ran a closure to the
// one that asked for it.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic in a transaction: %v\n%s", p.value, p.stack)
}

// repanic goes on panicking in the goroutine that asked for the transaction.
func repanic(err error) {
	if p, ok := errors.AsType[*panicked](err); ok {
		panic(p.Error())
	}
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(ctx context.Context, s *sentence, args []any) (int64, error) {
	if tx.fail != nil {
		return 0, tx.fail
	}
	n, err := tx.q.exec(ctx, s.text, s.arranged(args))
	tx.fail = err
	return n, err
}

// query runs a statement and calls scan for each row it returns. All rows are
// read before it returns, so that what follows sees what the statement did.
func (tx *Tx) query(ctx context.Context, s *sentence, args []any, scan func(row) error) error {
	if tx.fail != nil {
		return tx.fail
	}
	tx.fail = tx.q.query(ctx, s.text, s.arranged(args), scan)
	return tx.fail
}

// do runs a statement that is not spread.
func (tx *Tx) do(ctx context.Context, statement string, args ...any) (int64, error) {
	return tx.exec(ctx, tx.db.sentence(statement, 0, 0), args)
}

// all runs a statement that is not spread and returns rows.
func (tx *Tx) all(ctx context.Context, statement string, scan func(row) error, args ...any) error {
	return tx.query(ctx, tx.db.sentence(statement, 0, 0), args, scan)
}

// one runs a statement that returns at most one row; found is false when it
// returned none.
func (tx *Tx) one(ctx context.Context, statement string, args []any, dest ...any) (found bool, err error) {
	err = tx.query(ctx, tx.db.sentence(statement, 0, 0), args, func(rows row) error {
		found = true
		return rows.Scan(dest...)
	})
	return found, err
}

// ErrUnavailable is returned when the store can't do anything at the moment: no
// connection, no room on the disk.
var ErrUnavailable = &oncall.Error{Kind: oncall.Unavailable, Code: "store.unavailable", Message: "it could not be stored; say it again in a moment"}

// ErrClosed is returned by a store that is closed or closing.
var ErrClosed = &oncall.Error{Kind: oncall.Unavailable, Code: "store.closed", Message: "the store is closed"}
