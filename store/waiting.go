package store

import (
	"context"

	"toban/oncall"
)

const selectWaitingResponses = `
	SELECT t.ref FROM timers t JOIN responses r ON r.incident_id = t.ref
	WHERE t.kind = 'response' AND t.owner = $1 AND t.ref > $2 AND r.phase IN ('waiting', 'escalating')
	ORDER BY t.ref LIMIT $3`

// WaitingResponses returns at most limit incidents, in the order of their ids
// and behind after, whose responses page or are about to, and whose next step is
// this node's.
func (tx *Tx) WaitingResponses(ctx context.Context, after oncall.IncidentID, limit int) ([]oncall.IncidentID, error) {
	var out []oncall.IncidentID
	err := tx.all(ctx, selectWaitingResponses, func(rows row) error {
		var id oncall.IncidentID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		out = append(out, id)
		return nil
	}, tx.db.Node(), string(after), limit)
	return out, err
}

const selectCounter = `SELECT next FROM counters WHERE name = $1`

// Counter returns the number that NextCounter would return, without taking it.
func (tx *Tx) Counter(ctx context.Context, name string) (next int64, err error) {
	found, err := tx.one(ctx, selectCounter, []any{name}, &next)
	if !found {
		next = 1
	}
	return next, err
}

const upsertCounter = `
	INSERT INTO counters(name, next) VALUES ($1, $2)
	ON CONFLICT (name) DO UPDATE SET next = excluded.next`

// SetCounter makes next the number that Counter returns.
func (tx *Tx) SetCounter(ctx context.Context, name string, next int64) error {
	_, err := tx.do(ctx, upsertCounter, name, next)
	return err
}

const peekDelivery = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.id = $1`

// DeliveryUnlocked returns the delivery with that id without locking it, or
// ErrUnknownDelivery.
func (tx *Tx) DeliveryUnlocked(ctx context.Context, id oncall.DeliveryID) (*Delivery, error) {
	return tx.oneDelivery(ctx, peekDelivery, clean(string(id)))
}
