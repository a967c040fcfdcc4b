package lease

import (
	"context"
	"database/sql"
	"time"

	"toban/store"
)

const (
	// adoptSize is how many rows of a table are adopted in one transaction.
	adoptSize = 500
	// inheritSize is the same at a start on SQLite, where nobody waits.
	inheritSize = 20_000
	// settle is how long a node that had to connect again, perhaps because
	// PostgreSQL was away, does not judge by session locks: the others are
	// connecting as well.
	settle = time.Second
	// grace is how long a node that has ended may finish what it had begun before
	// its sessions are ended.
	grace = 500 * time.Millisecond
	// strayEvery is how often rows are looked for whose owner is no node.
	strayEvery = 10 * time.Second
)

// sight is what is known of another node.
type sight struct {
	row   store.NodeRow
	since time.Time // when row was first seen like this
}

// death is how a node was found to be dead, if it was.
type death string

const (
	alive       death = ""
	ended       death = "ended"   // its row says so
	leaseOver   death = "lease"   // its row has not changed for too long
	sessionFree death = "session" // nobody holds its session lock
)

// watcher looks at the other nodes on a connection of its own: it is not held up
// by whatever the pool is doing, nor does it hold up a heartbeat.
type watcher struct {
	*Node
	conn      *sql.Conn
	connected bool      // once
	lockFrom  time.Time // from then on a free session lock means death
	strayAt   time.Time // when to look for stray rows
	seen      map[string]sight
}

// watch finds dead nodes and takes over their rows until ctx ends.
func (n *Node) watch(ctx context.Context) {
	w := &watcher{Node: n, seen: map[string]sight{}}
	defer w.hangUp()
	next := time.NewTicker(n.o.Watch)
	defer next.Stop()
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if n.Fenced() {
			continue // who may not act for itself does not judge others
		}
		err := w.look(ctx)
		if err == nil {
			warned = false
			continue
		}
		w.hangUp()
		if !warned && ctx.Err() == nil {
			n.log.Warn("the other nodes cannot be watched", "err", err)
		}
		warned = true
	}
}

func (w *watcher) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// look reads the nodes once and takes over from those that are dead.
func (w *watcher) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*w.o.TTL) // adopting included
	defer cancel()
	if w.conn == nil {
		if w.conn, err = w.db.Conn(ctx); err != nil {
			return err
		}
		if w.connected {
			w.lockFrom = time.Now().Add(settle)
		}
		w.connected = true
	}
	before := time.Now() // what is read is at least as new as this
	var rows []store.NodeRow
	err = w.db.TxOn(ctx, w.conn, func(tx *store.Tx) (err error) {
		if !before.Before(w.strayAt) {
			if err = addStrays(ctx, tx, w.db.Node()); err != nil {
				return err
			}
		}
		rows, err = tx.Nodes(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if !before.Before(w.strayAt) {
		w.strayAt = before.Add(strayEvery)
	}
	w.remember(rows)
	for _, row := range rows {
		if row.ID == w.db.Node() {
			continue
		}
		why, err := w.judge(ctx, row, before)
		if err != nil {
			return err
		}
		if why != alive && !w.Fenced() { // it may have been frozen since it looked
			if err := w.takeOver(ctx, row, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// remember notes since when each row is as it is.
func (w *watcher) remember(rows []store.NodeRow) {
	now := time.Now()
	seen := make(map[string]sight, len(rows))
	for _, row := range rows {
		old, known := w.seen[row.ID]
		if known && old.row.LeaseUntil.Equal(row.LeaseUntil) && old.row.StartedAt.Equal(row.StartedAt) {
			seen[row.ID] = old
		} else {
			seen[row.ID] = sight{row, now}
		}
	}
	w.seen = seen
}

// judge says whether and how a node is dead. before is a time at which row was
// not older than it is.
func (w *watcher) judge(ctx context.Context, row store.NodeRow, before time.Time) (death, error) {
	switch {
	case row.LeaseUntil.UnixMilli() <= 0:
		return ended, nil
	case before.Sub(w.seen[row.ID].since) >= w.o.TTL:
		return leaseOver, nil
	case before.Before(w.lockFrom):
		return alive, nil
	}
	free, err := w.db.LockSession(ctx, w.conn, row.ID)
	if err != nil || !free {
		return alive, err
	}
	return sessionFree, w.db.UnlockSession(ctx, w.conn, row.ID)
}

// takeOver ends a dead node, unless it has entered again since, and makes its
// rows this node's own.
func (w *watcher) takeOver(ctx context.Context, row store.NodeRow, why death) error {
	began := time.Now()
	rows, err := w.adopt(ctx, row, why)
	if rows > 0 || why != ended {
		w.log.Info("took over from a dead node", "node", row.ID, "why", string(why), "rows", rows, "took", time.Since(began))
	}
	return err
}

// adopt makes the rows of a dead node this node's own, the most urgent first, a
// batch in each transaction, and tells of each batch after its commit: what is
// told of before is not yet found by whoever acts on it. It adopts nothing while
// somebody else does, or when the node has entered again. Rows that another
// transaction holds are left to the next look, which finds the node ended.
func (w *watcher) adopt(ctx context.Context, row store.NodeRow, why death) (rows int, err error) {
	for ; ; why = ended {
		var wake store.Wake
		err := w.db.TxOn(ctx, w.conn, func(tx *store.Tx) error {
			if ok, err := w.claim(ctx, tx, row, why); err != nil || !ok {
				return err
			}
			var err error
			if wake, err = tx.AdoptRows(ctx, row.ID, adoptSize); err != nil || count(wake) > 0 {
				return err
			}
			forgotten, err := tx.ForgetNode(ctx, row.ID)
			if err == nil && !forgotten && time.Since(w.seen[row.ID].since) > grace {
				err = tx.EndSessions(ctx, row.ID) // who was to do so has died as well
			}
			return err
		})
		if err != nil || count(wake) == 0 {
			return rows, err
		}
		rows += count(wake)
		w.tell(ctx, wake)
	}
}

// claim locks the row of a dead node, and ends it if that has not been done. One
// whose lease ran out may be frozen inside a transaction, with rows locked that
// others wait for: its connections are ended with it.
func (w *watcher) claim(ctx context.Context, tx *store.Tx, row store.NodeRow, why death) (ok bool, err error) {
	if why == ended {
		return tx.LockEndedNode(ctx, row.ID)
	}
	ok, err = tx.EndNode(ctx, row.ID, row.StartedAt)
	if err == nil && ok && why == leaseOver {
		err = tx.EndSessions(ctx, row.ID)
	}
	return ok, err
}

func count(w store.Wake) int { return len(w.Timers) + len(w.Outbox) }

func (n *Node) tell(ctx context.Context, wake store.Wake) {
	for _, f := range n.onTakeOver {
		f(ctx, wake)
	}
}

// addStrays notes as dead the owners of rows that are no nodes: processes that
// wrote something and never joined, or names of a database's former life.
func addStrays(ctx context.Context, tx *store.Tx, self string) error {
	owners, err := tx.Owners(ctx)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if owner == self {
			continue
		}
		if err := tx.AddEndedNode(ctx, owner); err != nil {
			return err
		}
	}
	return nil
}

// inherit adopts everything on a database that no other process can have.
func (n *Node) inherit(ctx context.Context) error {
	var owners []string
	err := n.db.Read(ctx, func(tx *store.Tx) (err error) {
		owners, err = tx.Owners(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if owner == n.db.Node() {
			continue
		}
		for more := true; more; {
			err := n.db.Tx(ctx, func(tx *store.Tx) error {
				wake, err := tx.AdoptRows(ctx, owner, inheritSize)
				more = count(wake) > 0
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
