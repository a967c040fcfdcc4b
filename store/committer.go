package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// committer writes signals to PostgreSQL on a connection of its own.
type committer struct {
	db      *DB
	config  *pgx.ConnConfig
	conn    *pgx.Conn // nil while there is none
	accepts queue
	nums    numbers
	ctx     context.Context
	stop    context.CancelFunc
	ended   chan struct{}
}

// stuck is how long a transaction may take before its connection is given up.
const stuck = 30 * time.Second

func newCommitter(db *DB, config *pgx.ConnConfig) *committer {
	ctx, stop := context.WithCancel(context.Background())
	return &committer{
		db: db, config: config, ctx: ctx, stop: stop,
		accepts: queue{wake: make(chan struct{}, 1)}, ended: make(chan struct{}),
	}
}

func (c *committer) connect(ctx context.Context) (err error) {
	c.conn, err = pgx.ConnectConfig(ctx, c.config)
	return err
}

// run commits batches until the committer is closed and nothing waits.
func (c *committer) run() {
	defer close(c.ended)
	for range c.accepts.wake {
		for {
			items := c.accepts.take(maxBatch)
			if len(items) == 0 {
				break
			}
			c.accept(items)
			for _, it := range items {
				it.finish(it.failed)
			}
		}
		if c.accepts.finished() {
			return
		}
	}
}

// accept commits items. When they can't be, it halves them, until the one that
// can't be written is alone and gets its error.
func (c *committer) accept(items []*item) {
	var err error
	var doubt *doubt // a commit of them was not answered
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		lost := false
		err = nil
		if doubt != nil {
			var done bool
			if done, lost, err = c.committed(items, doubt); done {
				return
			}
		}
		if err == nil {
			if lost, err = c.once(items); err == nil {
				return
			}
		}
		if d, ok := errors.AsType[*unanswered](err); ok {
			doubt = &d.doubt
		}
		if lost {
			c.disconnect()
		}
		// Of what the server still was committing, a second try meets the rows.
		inDoubt := doubt != nil && c.db.dialect.unique(err)
		if !lost && !inDoubt && !c.db.dialect.retryable(err) {
			break
		}
		if c.ctx.Err() != nil {
			break
		}
		c.db.log.Debug("batch is tried again", "err", err)
		c.pause(time.Duration(attempt) * 5 * time.Millisecond)
	}
	c.db.heard(err)
	if errors.Is(err, errUnavailable) || c.db.dialect.unavailable(err) || c.ctx.Err() != nil {
		c.db.log.Error("signals could not be written", "err", err)
		for _, it := range items {
			it.failed = ErrUnavailable
		}
		return
	}
	if len(items) == 1 {
		items[0].failed = fmt.Errorf("signal %s: %w", items[0].signal, err)
		return
	}
	half := len(items) / 2
	c.accept(items[:half])
	c.accept(items[half:])
}

// errUnavailable is a failure of the connection, not of what was to be written.
var errUnavailable = errors.New("store: no connection")

// once tries to commit the items. lost says that the connection is of no more
// use; a commit whose answer did not come may or may not have happened, and the
// error is then an unanswered.
func (c *committer) once(items []*item) (lost bool, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, stuck)
	defer cancel()
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			c.conn = nil
			return false, fmt.Errorf("%w: %w", errUnavailable, err)
		}
	}
	defer func() {
		if err != nil {
			lost = lost || c.db.dialect.lost(err) || ctx.Err() != nil
		}
	}()
	q := &pipelined{conn: c.conn}
	if count := c.nums.want(triggers(items)); count > 0 {
		// On its own, so that nobody who wants numbers waits for this batch.
		if err := c.nums.refill(ctx, &Tx{Now: now(), db: c.db, q: q}, count); err != nil {
			return false, err
		}
	}
	before := c.nums.copied()
	began := time.Now()
	q.hold("BEGIN", nil, nil)
	tx := &Tx{Now: now(), db: c.db, q: q}
	err = tx.run(ctx, func(tx *Tx) error { return (&batch{tx: tx, nums: &c.nums, items: items}).write(ctx) })
	if err == nil {
		if lost, err = c.commit(ctx, tx, q, before); err == nil {
			c.db.figures.committed(len(items), began)
			c.db.heard(nil)
		}
		return lost, err
	}
	c.nums = before
	_, undone := c.conn.Exec(ctx, "ROLLBACK")
	return undone != nil, err
}

// commit sends what was held back of the batch and the commit in one go.
func (c *committer) commit(ctx context.Context, tx *Tx, q *pipelined, before numbers) (lost bool, err error) {
	q.hold("COMMIT", nil, nil)
	ticket := c.db.told.draw()
	if err = q.send(ctx); err == nil {
		c.db.told.done(ticket, tx.wake)
		return false, nil
	}
	c.db.told.done(ticket, Wake{})
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Severity == "ERROR" {
		// The server has refused one of the statements, and with it the commit.
		c.nums = before
		_, undone := c.conn.Exec(ctx, "ROLLBACK")
		return undone != nil, err
	}
	c.nums = numbers{} // they may be used
	return true, &unanswered{doubt{wake: tx.wake}, fmt.Errorf("%w: commit: %w", errUnavailable, err)}
}

// doubt is what is left to be done if a commit that was not answered has
// happened. The results of its items stand in them.
type doubt struct{ wake Wake }

// unanswered is a commit of which nobody knows whether it has happened.
type unanswered struct {
	doubt doubt
	err   error
}

func (u *unanswered) Error() string { return u.err.Error() }
func (u *unanswered) Unwrap() error { return u.err }

const (
	selectSignalsThere   = `SELECT id FROM signals WHERE id IN ($1)`
	selectIncidentsThere = `SELECT id FROM incidents WHERE id IN ($1)`
)

// committed looks whether the commit has happened after all: a batch that wrote
// any row of its own wrote all. One that has only counted repetitions leaves no
// such row, and counts them twice.
func (c *committer) committed(items []*item, d *doubt) (done, lost bool, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, stuck)
	defer cancel()
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			c.conn = nil
			return false, false, fmt.Errorf("%w: %w", errUnavailable, err)
		}
	}
	var signals, incidents []any
	for _, it := range items {
		signals = append(signals, it.signal)
		if it.incident.ID != "" {
			incidents = append(incidents, string(it.incident.ID))
		}
	}
	tx := &Tx{Now: now(), db: c.db, q: &pipelined{conn: c.conn}}
	found := func(row) error { done = true; return nil }
	if err = tx.queryIn(ctx, selectSignalsThere, signals, found); err == nil {
		err = tx.queryIn(ctx, selectIncidentsThere, incidents, found)
	}
	if err != nil {
		return false, c.db.dialect.lost(err) || ctx.Err() != nil, err
	}
	if done {
		c.db.told.done(c.db.told.draw(), d.wake)
	}
	return done, false, nil
}

func (c *committer) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// close refuses what comes from now on, and returns when what waited is done.
func (c *committer) close() error {
	c.accepts.close()
	grace := time.AfterFunc(stuck, c.stop)
	<-c.ended
	grace.Stop()
	c.stop()
	c.disconnect()
	return nil
}

// disconnect ends the connection, however it is.
func (c *committer) disconnect() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.conn.Close(ctx); err != nil {
		c.db.log.Debug("disconnected", "err", err)
	}
	c.conn = nil
}

// pipelined runs statements on a committer's connection, which prepares each
// once, and sends those that are held back in one round trip.
type pipelined struct {
	conn  *pgx.Conn
	batch pgx.Batch
}

func (p *pipelined) exec(ctx context.Context, text string, args []any) (int64, error) {
	if err := p.send(ctx); err != nil {
		return 0, err
	}
	tag, err := p.conn.Exec(ctx, text, args...)
	return tag.RowsAffected(), err
}

func (p *pipelined) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	p.hold(text, args, scan)
	return p.send(ctx)
}

func (p *pipelined) hold(text string, args []any, scan func(row) error) {
	queued := p.batch.Queue(text, args...)
	if scan == nil {
		return
	}
	queued.Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

func (p *pipelined) send(ctx context.Context) error {
	if p.batch.Len() == 0 {
		return nil
	}
	held := p.batch
	p.batch = pgx.Batch{}
	return p.conn.SendBatch(ctx, &held).Close()
}
