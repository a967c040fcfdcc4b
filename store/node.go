package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"time"
)

// NodeRow is a running process and until when it says it lives.
type NodeRow struct {
	ID         string
	LeaseUntil time.Time
	StartedAt  time.Time
	Address    string
	Version    string // of the binary
}

const selectNodes = `SELECT id, lease_until, started_at, address, binary_version FROM nodes ORDER BY id`

// Nodes returns all nodes in the order of their ids.
func (tx *Tx) Nodes(ctx context.Context) ([]NodeRow, error) {
	var list []NodeRow
	err := tx.all(ctx, selectNodes, func(rows row) error {
		var n NodeRow
		err := rows.Scan(&n.ID, (*millis)(&n.LeaseUntil), (*millis)(&n.StartedAt), &n.Address, &n.Version)
		list = append(list, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	return list, nil
}

const deleteNode = `
	DELETE FROM nodes WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM timers WHERE owner = $1)
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE owner = $1 AND state = 'due')
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE owner = $1 AND state = 'claimed')`

// ForgetNode removes the row of a node that owns nothing any more; ok is false
// when it still owns timers or unfinished outbox rows, or is not there.
func (tx *Tx) ForgetNode(ctx context.Context, id string) (ok bool, err error) {
	n, err := tx.do(ctx, deleteNode, id)
	if err != nil {
		return false, fmt.Errorf("node %s: %w", id, err)
	}
	return n == 1, nil
}

const selectOwners = `
	SELECT DISTINCT owner FROM timers
	UNION SELECT owner FROM outbox WHERE state = 'due'
	UNION SELECT owner FROM outbox WHERE state = 'claimed'
	ORDER BY owner`

// Owners returns the names under which timers and due or claimed outbox rows are
// owned, whether or not there is a node of that name. It reads the indexes of
// both tables: not for every heartbeat.
func (tx *Tx) Owners(ctx context.Context) ([]string, error) {
	var list []string
	err := tx.all(ctx, selectOwners, func(rows row) error {
		var owner string
		err := rows.Scan(&owner)
		list = append(list, owner)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("owners: %w", err)
	}
	return list, nil
}

// Session locks are PostgreSQL's own: they end with the connection, however that
// ends.
const (
	postgresLockSession   = `SELECT pg_try_advisory_lock($1, $2)`
	postgresUnlockSession = `SELECT pg_advisory_unlock($1, $2)`
)

// sessionLocks keeps toban's locks apart from those of others in the database.
const sessionLocks = 7001

func sessionKey(name string) int32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int32(h.Sum32())
}

// LockSession takes the session lock of that name on conn, which holds it until
// UnlockSession or its end, and reports whether it got it. PostgreSQL only.
func (db *DB) LockSession(ctx context.Context, conn *sql.Conn, name string) (bool, error) {
	var ok bool
	if err := conn.QueryRowContext(ctx, postgresLockSession, sessionLocks, sessionKey(name)).Scan(&ok); err != nil {
		return false, fmt.Errorf("session lock %s: %w", name, err)
	}
	return ok, nil
}

// UnlockSession gives up the session lock of that name on conn.
func (db *DB) UnlockSession(ctx context.Context, conn *sql.Conn, name string) error {
	if _, err := conn.ExecContext(ctx, postgresUnlockSession, sessionLocks, sessionKey(name)); err != nil {
		return fmt.Errorf("session lock %s: %w", name, err)
	}
	return nil
}

// sessionName is what the connections of a node are called in the database,
// which keeps 63 bytes of a name.
func sessionName(node string) string {
	name := "toban " + node
	return name[:min(len(name), 63)]
}

// terminate ends every connection of that name but the one that asks.
const terminate = `
	SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()`
