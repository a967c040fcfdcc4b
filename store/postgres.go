package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"toban/oncall"
)

// postgresEngine is the engine of many nodes: a transaction for each closure,
// and committers that write signals in sets.
type postgresEngine struct {
	db         *DB
	pool       *sql.DB
	side       *sql.DB // connections of their own: heartbeats, session locks
	committers []*committer
}

// openPostgres connects to the database at dsn.
func openPostgres(ctx context.Context, db *DB, dsn string, o Options) (_ engine, err error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's error names the password in some cases.
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "store.address", Message: "the address of the PostgreSQL database can't be read"}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	set := func(name, value string) {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	config.RuntimeParams["application_name"] = sessionName(db.node)
	set("timezone", "UTC")
	// Every statement is prepared once and meant for an index. A plan made while a
	// table was empty would read it whole for as long as the statement lives.
	set("plan_cache_mode", "force_generic_plan")
	set("enable_seqscan", "off")
	set("enable_bitmapscan", "off") // and a sort of everything it finds, where the index has the order already
	set("enable_hashjoin", "off")
	set("enable_mergejoin", "off")
	set("jit", "off")

	e := &postgresEngine{db: db, pool: stdlib.OpenDB(*config), side: stdlib.OpenDB(*config)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	e.pool.SetMaxOpenConns(o.Conns)
	e.pool.SetMaxIdleConns(o.Conns)
	e.pool.SetConnMaxIdleTime(10 * time.Minute)
	e.side.SetMaxIdleConns(0)
	if err := durable(ctx, e.pool); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db.dialect, e.pool); err != nil {
		return nil, err
	}
	if err := tune(ctx, e.pool); err != nil {
		return nil, err
	}
	for range o.Committers {
		c := newCommitter(db, config)
		if err := c.connect(ctx); err != nil {
			return nil, err
		}
		e.committers = append(e.committers, c)
		go c.run()
	}
	return e, nil
}

// durable refuses a server that says a commit is done before it is on the disk.
func durable(ctx context.Context, pool *sql.DB) error {
	var commit string
	if err := pool.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&commit); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if commit == "off" {
		return &oncall.Error{
			Kind: oncall.Invalid, Code: "store.not_durable",
			Message: "the PostgreSQL server has synchronous_commit=off: an accepted signal could be lost; set it to on for this database",
		}
	}
	return nil
}

func (e *postgresEngine) tx(ctx context.Context, f func(*Tx) error) error {
	conn, err := e.pool.Conn(ctx)
	if err != nil {
		return e.db.orClosed(err)
	}
	defer conn.Close()
	return e.db.txOn(ctx, conn, f)
}

// txOn runs f in a transaction on conn. ctx ends what f waits for; the commit it
// does not interrupt, since then nobody would know what became of it.
func (db *DB) txOn(ctx context.Context, conn *sql.Conn, f func(*Tx) error) error {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), stuck)
	defer cancel()
	began := time.Now()
	local, err := conn.BeginTx(whole, nil)
	if err != nil {
		return err
	}
	defer local.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	tx := &Tx{Now: now(), db: db, q: inTx{local}}
	if err := tx.run(ctx, f); err != nil {
		repanic(err)
		return err
	}
	ticket := db.told.draw()
	if err := local.Commit(); err != nil {
		db.told.done(ticket, Wake{})
		return fmt.Errorf("commit: %w", err)
	}
	db.figures.committed(1, began)
	db.told.done(ticket, tx.wake)
	return nil
}

func (e *postgresEngine) read(ctx context.Context, f func(*Tx) error) error {
	local, err := e.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return e.db.orClosed(err)
	}
	defer local.Rollback() //nolint:errcheck // nothing was written
	tx := &Tx{Now: now(), db: e.db, q: inTx{local}}
	err = tx.run(ctx, f)
	repanic(err)
	return err
}

// inTx runs statements in a transaction of the pool; the driver prepares each
// once for a connection.
type inTx struct{ tx *sql.Tx }

func (q inTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	result, err := q.tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q inTx) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	rows, err := q.tx.QueryContext(ctx, text, args...)
	return each(rows, err, scan)
}

// queueOf gives all signals of a group to the same committer, so that two don't
// wait for each other's rows.
func (e *postgresEngine) queueOf(it *item) *queue {
	h := fnv.New32a()
	h.Write([]byte(it.service))
	h.Write([]byte{0})
	h.Write([]byte(it.group))
	return &e.committers[h.Sum32()%uint32(len(e.committers))].accepts
}

func (e *postgresEngine) conn(ctx context.Context) (*sql.Conn, error) { return e.side.Conn(ctx) }

func (e *postgresEngine) overloaded() bool {
	for _, c := range e.committers {
		if c.accepts.late() || c.accepts.len() >= e.db.limit {
			return true
		}
	}
	return false
}

func (e *postgresEngine) waiting() (n int) {
	for _, c := range e.committers {
		n += c.accepts.len()
	}
	return n
}

func (e *postgresEngine) close() (err error) {
	for _, c := range e.committers {
		err = errors.Join(err, c.close())
	}
	return errors.Join(err, e.pool.Close(), e.side.Close())
}
