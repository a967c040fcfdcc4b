package store

import (
	"context"
	"time"
)

// A node's life begins with EnterNode and ends when somebody, itself or another
// node, says so with EndNode: from then on its heartbeats are refused and its
// rows may be adopted. NodeRow.StartedAt tells the lives of one name apart and
// rises with each; the LeaseUntil of an ended node is Unix time 0.

const enterNode = `
	INSERT INTO nodes(id, lease_until, started_at, address, binary_version) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until,
		started_at = CASE WHEN nodes.started_at < excluded.started_at THEN excluded.started_at ELSE nodes.started_at + 1 END,
		address = excluded.address, binary_version = excluded.binary_version
	RETURNING started_at`

// EnterNode begins a life of a node, whatever there was of that name before, and
// returns when it started: n.StartedAt, or later when there was a life that late.
func (tx *Tx) EnterNode(ctx context.Context, n NodeRow) (started time.Time, err error) {
	args := []any{n.ID, n.LeaseUntil.UnixMilli(), n.StartedAt.UnixMilli(), n.Address, n.Version}
	_, err = tx.one(ctx, enterNode, args, (*millis)(&started))
	return started, err
}

const beatNode = `
	UPDATE nodes SET lease_until = CASE WHEN lease_until < $1 THEN $2 ELSE lease_until + 1 END
	WHERE id = $3 AND started_at = $4 AND lease_until > 0`

// BeatNode renews the lease of that life; ok is false when it has ended. The
// stored value rises with every beat even when the clock does not.
func (tx *Tx) BeatNode(ctx context.Context, id string, started, until time.Time) (ok bool, err error) {
	n, err := tx.do(ctx, beatNode, until.UnixMilli(), until.UnixMilli(), id, started.UnixMilli())
	return n > 0, err
}

const endNode = `
	UPDATE nodes SET lease_until = 0 WHERE id = $1 AND started_at = $2 AND lease_until > 0`

// EndNode ends that life; ok is false when it was over already.
func (tx *Tx) EndNode(ctx context.Context, id string, started time.Time) (ok bool, err error) {
	n, err := tx.do(ctx, endNode, id, started.UnixMilli())
	return n > 0, err
}

const lockEndedNode = `
	SELECT id FROM nodes WHERE id = $1 AND lease_until = 0 /*skip*/`

// LockEndedNode locks the row of a node until the end of tx, so that it cannot
// enter again meanwhile; ok is false when the node lives, is not there, or is
// locked by somebody else.
func (tx *Tx) LockEndedNode(ctx context.Context, id string) (ok bool, err error) {
	return tx.one(ctx, lockEndedNode, []any{id}, &id)
}

const addEndedNode = `
	INSERT INTO nodes(id, lease_until, started_at, address, binary_version) VALUES ($1, 0, 0, '', '')
	ON CONFLICT (id) DO NOTHING`

// AddEndedNode notes that the owner of that name is dead, unless there is such a
// node.
func (tx *Tx) AddEndedNode(ctx context.Context, id string) error {
	_, err := tx.do(ctx, addEndedNode, id)
	return err
}

// EndSessions ends every connection that the process of that node has to the
// database, and with them the transactions it may be frozen in. PostgreSQL only.
func (tx *Tx) EndSessions(ctx context.Context, node string) error {
	_, err := tx.do(ctx, terminate, sessionName(node))
	return err
}
