package store

import (
	"context"
	"fmt"
	"time"

	"toban/internal/id"
)

// How long what is over is kept. The timeline says what happened for longer;
// these rows are what it was made with.
const (
	keepOutbox     = 7 * 24 * time.Hour
	keepDeliveries = 35 * 24 * time.Hour // a month's calls and their cost
	keepSignals    = 30 * 24 * time.Hour
	keepReplies    = 24 * time.Hour
	keepDigests    = 30 * 24 * time.Hour // of what chats; nobody looks for it so far up
)

const sweepRecent = `
	DELETE FROM recent WHERE (service_id, group_key) IN
		(SELECT service_id, group_key FROM recent WHERE until <= $1 ORDER BY until LIMIT $2 ` + markSkip + `)`

// Ids begin with the time at which they were made, so the oldest rows are at the
// start of the key, and nobody has to keep another index for the sweep.
const sweepOutbox = `
	DELETE FROM outbox WHERE id IN
		(SELECT id FROM outbox WHERE id < $1 AND due_at + 0 < $2 AND (state || '' = 'done' OR state || '' = 'dropped')
			ORDER BY id LIMIT $3 ` + markSkip + `)`

const sweepSignals = `
	DELETE FROM signals WHERE id IN
		(SELECT id FROM signals WHERE id < $1 AND received_at < $2 ORDER BY id LIMIT $3 ` + markSkip + `)`

const sweepChanges = `
	DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE seq < $1 ORDER BY seq LIMIT $2 ` + markSkip + `)`

const sweepReplies = `
	DELETE FROM replies WHERE key IN (SELECT key FROM replies WHERE created_at < $1 ORDER BY created_at LIMIT $2 ` + markSkip + `)`

const sweepDigests = `
	DELETE FROM chats WHERE incident_id IN
		(SELECT incident_id FROM chats WHERE incident_id >= $1 AND incident_id < $2 ORDER BY incident_id LIMIT $3 ` + markSkip + `)`

const sweepDeliveries = `
	DELETE FROM deliveries WHERE id IN
		(SELECT id FROM deliveries WHERE claimed_at < $1 AND ended_at IS NOT NULL ORDER BY claimed_at LIMIT $2 ` + markSkip + `)
	RETURNING id`

const sweepTold = `DELETE FROM delivery_incidents WHERE delivery_id IN ($1)`

// Sweep removes what nobody needs any more, at most limit rows of each table:
// what was to be kept in mind of resolved incidents until tx.Now, outbox rows that were done or
// dropped a week ago, deliveries that ended five weeks ago, signals and what told
// of several incidents in a chat of a month ago. A row that somebody holds is left for the next time. more says that
// some table had limit such rows or more.
func (tx *Tx) Sweep(ctx context.Context, limit int) (n int, more bool, err error) {
	count := func(removed int64) {
		n += int(removed)
		more = more || removed >= int64(limit)
	}
	for _, s := range []struct {
		table, statement string
		args             []any
	}{
		{"recent", sweepRecent, []any{tx.Now.UnixMilli(), limit}},
		{"outbox", sweepOutbox, []any{madeAt(id.Incident, tx.Now.Add(-keepOutbox)), tx.Now.Add(-keepOutbox).UnixMilli(), limit}},
		{"changes", sweepChanges, []any{SeqAt(tx.Now.Add(-keepChanges)), limit}},
		{"chats", sweepDigests, []any{DigestChat + "_", madeAt(DigestChat, tx.Now.Add(-keepDigests)), limit}},
		{"replies", sweepReplies, []any{tx.Now.Add(-keepReplies).UnixMilli(), limit}},
		{"signals", sweepSignals, []any{madeAt(id.Signal, tx.Now.Add(-keepSignals)), tx.Now.Add(-keepSignals).UnixMilli(), limit}},
	} {
		removed, err := tx.do(ctx, s.statement, s.args...)
		if err != nil {
			return 0, false, fmt.Errorf("sweep %s: %w", s.table, err)
		}
		count(removed)
	}
	var ended []string
	err = tx.all(ctx, sweepDeliveries, func(rows row) error {
		var name string
		err := rows.Scan(&name)
		ended = append(ended, name)
		return err
	}, tx.Now.Add(-keepDeliveries).UnixMilli(), limit)
	if err == nil {
		err = tx.queryIn(ctx, sweepTold, ids(ended), func(row) error { return nil })
	}
	if err != nil {
		return 0, false, fmt.Errorf("sweep deliveries: %w", err)
	}
	count(int64(len(ended)))
	return n, more, nil
}

// timeDigits is how many characters of an id say when it was made.
const timeDigits = 10

// madeAt is where the ids begin of what was made at t or later.
func madeAt(prefix string, t time.Time) string {
	return id.At(prefix, t)[:len(prefix)+1+timeDigits]
}
