package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

const outboxColumns = `id, incident_id, epoch, kind, state, owner, due_at, attempts, claimed_at, address_hash, payload, last_error`

func scanOutbox(rows row) (o OutboxRow, err error) {
	return o, rows.Scan(&o.ID, into(&o.Incident), &o.Epoch, &o.Kind, &o.State, &o.Owner, (*millis)(&o.DueAt), &o.Attempts,
		(*millis)(&o.ClaimedAt), into(&o.AddressHash), document{&o.Payload}, into(&o.LastError))
}

func (tx *Tx) outbox(ctx context.Context, statement string, args ...any) ([]OutboxRow, error) {
	var list []OutboxRow
	err := tx.all(ctx, statement, func(rows row) error {
		o, err := scanOutbox(rows)
		list = append(list, o)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return list, nil
}

const insertOutbox = `
	INSERT INTO outbox(id, incident_id, epoch, kind, state, owner, due_at, attempts, claimed_at, address_hash, payload, last_error)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	ON CONFLICT (id) DO NOTHING`

// AddOutbox adds new outbox rows, owned by this node. One whose id exists
// already is left as it is.
func (tx *Tx) AddOutbox(ctx context.Context, rows ...OutboxRow) error {
	args := make([]any, 0, 12*len(rows))
	for i := range rows {
		o := &rows[i]
		payload, err := encode(&o.Payload)
		if err != nil {
			return fmt.Errorf("outbox %s: %w", o.ID, err)
		}
		args = append(args, string(o.ID), str(o.Incident), o.Epoch, string(o.Kind), string(o.State), tx.db.node,
			o.DueAt.UnixMilli(), o.Attempts, ms(o.ClaimedAt), str(o.AddressHash), payload, str(clean(o.LastError)))
	}
	if _, err := tx.execSet(ctx, insertOutbox, 12, args); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	tx.hint(rows)
	return nil
}

// hint leaves a note for the subscribers of what may be claimed.
func (tx *Tx) hint(rows []OutboxRow) {
	for _, o := range rows {
		if o.State == OutboxDue {
			tx.wake.Outbox = append(tx.wake.Outbox, OutboxHint{ID: o.ID, DueAt: o.DueAt})
		}
	}
}

const selectOwnOutbox = `
	SELECT id, due_at FROM outbox WHERE owner = $1 AND due_at < $2 AND state = 'due' ORDER BY due_at LIMIT $3`

// OwnOutbox returns at most limit due rows of this node that may be claimed
// before that time, the earliest first.
func (tx *Tx) OwnOutbox(ctx context.Context, before time.Time, limit int) ([]OutboxHint, error) {
	var list []OutboxHint
	err := tx.all(ctx, selectOwnOutbox, func(rows row) error {
		var hint OutboxHint
		err := rows.Scan(&hint.ID, (*millis)(&hint.DueAt))
		list = append(list, hint)
		return err
	}, tx.db.node, before.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return list, nil
}

// A claim is fenced by the owner, by the state, and by the epoch: whatever makes
// attempts void raises it and drops the due rows in one transaction, and whoever
// of the two locks the row first is seen by the other. As expressions owner and
// due_at don't lead to the index of all due rows.
const lockOutbox = `
	SELECT ` + outboxColumns + ` FROM outbox
	WHERE id IN ($1) AND owner || '' = $2 AND state = 'due' AND due_at + 0 <= $3
		AND (incident_id IS NULL OR EXISTS (SELECT 1 FROM incidents WHERE incidents.id = outbox.incident_id AND incidents.epoch = outbox.epoch))
	ORDER BY id ` + markSkip

// LockOutbox returns those of the rows that this node owns and that may be
// claimed now, locked until the end of tx. A row that somebody else holds, or
// whose incident has another epoch by now, is absent.
func (tx *Tx) LockOutbox(ctx context.Context, names []oncall.AttemptID) ([]OutboxRow, error) {
	list := make([]OutboxRow, 0, len(names))
	err := tx.queryIn(ctx, lockOutbox, ids(names), func(rows row) error {
		o, err := scanOutbox(rows)
		list = append(list, o)
		return err
	}, tx.db.node, tx.Now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return list, nil
}

const updateOutbox = `
	UPDATE outbox SET state = v.column2, due_at = v.column3, attempts = v.column4, claimed_at = v.column5,
		address_hash = v.column6, payload = v.column7, last_error = v.column8, owner = $9
	FROM (VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT),
		CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT))) AS v
	WHERE outbox.id = v.column1`

// SaveOutbox stores changed rows, which become this node's own. ID, incident,
// epoch and kind do not change.
func (tx *Tx) SaveOutbox(ctx context.Context, rows ...OutboxRow) error {
	args := make([]any, 0, 8*len(rows))
	for i := range rows {
		o := &rows[i]
		payload, err := encode(&o.Payload)
		if err != nil {
			return fmt.Errorf("outbox %s: %w", o.ID, err)
		}
		args = append(args, string(o.ID), string(o.State), o.DueAt.UnixMilli(), o.Attempts, ms(o.ClaimedAt),
			str(o.AddressHash), payload, str(clean(o.LastError)))
	}
	n, err := tx.execSet(ctx, updateOutbox, 8, args, tx.db.node)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	if n != int64(len(rows)) {
		tx.fail = fmt.Errorf("outbox: %d of %d rows exist", n, len(rows))
		return tx.fail
	}
	tx.hint(rows)
	return nil
}

const lockOutboxRow = `SELECT ` + outboxColumns + ` FROM outbox WHERE id = $1 ` + markLock

// OutboxRow returns the row with that id, locked until the end of tx, or nil.
func (tx *Tx) OutboxRow(ctx context.Context, id oncall.AttemptID) (*OutboxRow, error) {
	if !fits(id) {
		return nil, nil
	}
	list, err := tx.outbox(ctx, lockOutboxRow, string(id))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

const selectOutboxOf = `
	SELECT ` + outboxColumns + ` FROM outbox
	WHERE incident_id = $1 AND (state = 'due' OR state = 'claimed') ORDER BY id`

// OutboxOf returns the due and claimed rows of an incident, in the order of
// their ids.
func (tx *Tx) OutboxOf(ctx context.Context, incident oncall.IncidentID) ([]OutboxRow, error) {
	return tx.outbox(ctx, selectOutboxOf, string(incident))
}

const dropOutbox = `UPDATE outbox SET state = 'dropped' WHERE incident_id = $1 AND epoch < $2 AND state = 'due'`

// DropOutbox drops the due rows of an incident with a lower epoch and returns
// how many those were.
func (tx *Tx) DropOutbox(ctx context.Context, incident oncall.IncidentID, belowEpoch int64) (n int, err error) {
	dropped, err := tx.do(ctx, dropOutbox, string(incident), belowEpoch)
	if err != nil {
		return 0, fmt.Errorf("outbox of %s: %w", incident, err)
	}
	return int(dropped), nil
}

const selectWaiting = `
	SELECT ` + outboxColumns + ` FROM outbox
	WHERE address_hash = $1 AND state = 'due' ORDER BY due_at, id LIMIT $2 ` + markSkip

// WaitingFor returns at most limit due rows that wait for the live call to a
// number to end, locked until the end of tx, the earliest first. A row that
// somebody else holds is absent.
func (tx *Tx) WaitingFor(ctx context.Context, addressHash string, limit int) ([]OutboxRow, error) {
	return tx.outbox(ctx, selectWaiting, addressHash, limit)
}
