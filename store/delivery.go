package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// ErrUnknownDelivery is returned for a delivery that does not exist.
var ErrUnknownDelivery = &oncall.Error{Kind: oncall.NotFound, Code: "delivery.not_found", Message: "no such delivery"}

const deliveryColumns = `d.id, d.outbox_id, d.attempt, d.user_id, d.channel, d.address_hash, d.provider, d.provider_id, d.state,
	d.claimed_at, d.sent_at, d.give_up_at, d.ended_at, d.outcome, d.cancel_at, d.cost_micros`

func scanDelivery(rows row) (d Delivery, err error) {
	return d, rows.Scan(&d.ID, &d.Outbox, &d.Attempt, into(&d.User), &d.Channel, &d.AddressHash, &d.Provider, into(&d.ProviderID),
		&d.State, (*millis)(&d.ClaimedAt), (*millis)(&d.SentAt), (*millis)(&d.GiveUpAt), (*millis)(&d.EndedAt),
		into(&d.Outcome), (*millis)(&d.CancelAt), &d.CostMicros)
}

func (tx *Tx) deliveries(ctx context.Context, statement string, args ...any) ([]Delivery, error) {
	var list []Delivery
	err := tx.all(ctx, statement, func(rows row) error {
		d, err := scanDelivery(rows)
		list = append(list, d)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("deliveries: %w", err)
	}
	return list, nil
}

func (tx *Tx) oneDelivery(ctx context.Context, statement string, args ...any) (*Delivery, error) {
	list, err := tx.deliveries(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrUnknownDelivery
	}
	return &list[0], nil
}

const insertDelivery = `
	INSERT INTO deliveries(id, outbox_id, attempt, user_id, channel, address_hash, provider, provider_id, state,
		claimed_at, sent_at, give_up_at, ended_at, outcome, cancel_at, cost_micros)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
	ON CONFLICT DO NOTHING`

func deliveryArgs(d *Delivery) []any {
	return []any{
		string(d.ID), string(d.Outbox), d.Attempt, str(d.User), string(d.Channel), d.AddressHash, d.Provider, str(d.ProviderID),
		string(d.State), d.ClaimedAt.UnixMilli(), ms(d.SentAt), ms(d.GiveUpAt), ms(d.EndedAt), str(d.Outcome), ms(d.CancelAt), d.CostMicros,
	}
}

// InsertDelivery claims a delivery. ok is false when it can't be made: a live
// call to the same number exists (R24), or this try of the attempt does.
func (tx *Tx) InsertDelivery(ctx context.Context, d Delivery) (ok bool, err error) {
	if d.ClaimedAt.IsZero() {
		d.ClaimedAt = tx.Now
	}
	n, err := tx.do(ctx, insertDelivery, deliveryArgs(&d)...)
	if err != nil {
		return false, fmt.Errorf("delivery %s: %w", d.ID, err)
	}
	return n == 1, nil
}

const insertTold = `
	INSERT INTO delivery_incidents(delivery_id, incident_id, attempt_id, epoch) VALUES ($1, $2, $3, $4)
	ON CONFLICT (incident_id, delivery_id) DO NOTHING`

// AddTold notes incidents that a delivery tells of; twice is once.
func (tx *Tx) AddTold(ctx context.Context, told ...Told) error {
	args := make([]any, 0, 4*len(told))
	for _, t := range told {
		args = append(args, string(t.Delivery), string(t.Incident), string(t.Attempt), t.Epoch)
	}
	if _, err := tx.execSet(ctx, insertTold, 4, args); err != nil {
		return fmt.Errorf("told: %w", err)
	}
	return nil
}

const selectTold = `
	SELECT incident_id, attempt_id, epoch FROM delivery_incidents WHERE delivery_id = $1 ORDER BY incident_id`

// Told returns the incidents that a delivery tells of, in the order of their
// ids.
func (tx *Tx) Told(ctx context.Context, delivery oncall.DeliveryID) ([]Told, error) {
	var list []Told
	err := tx.all(ctx, selectTold, func(rows row) error {
		t := Told{Delivery: delivery}
		err := rows.Scan(&t.Incident, &t.Attempt, &t.Epoch)
		list = append(list, t)
		return err
	}, clean(string(delivery)))
	if err != nil {
		return nil, fmt.Errorf("told by %s: %w", delivery, err)
	}
	return list, nil
}

const (
	lockDelivery           = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.id = $1 ` + markLock
	lockDeliveryByProvider = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.provider = $1 AND d.provider_id = $2 ` + markLock
	selectDeliveriesOf     = `SELECT ` + deliveryColumns + ` FROM deliveries d WHERE d.outbox_id = $1 ORDER BY d.attempt`
	selectLiveCall         = `SELECT ` + deliveryColumns + ` FROM deliveries d
		WHERE d.address_hash = $1 AND d.channel = 'call' AND d.ended_at IS NULL`
	selectLiveDeliveries = `SELECT ` + deliveryColumns + ` FROM delivery_incidents n JOIN deliveries d ON d.id = n.delivery_id
		WHERE n.incident_id = $1 AND d.ended_at IS NULL ORDER BY d.id`
	selectOpenDeliveries = `SELECT ` + deliveryColumns + ` FROM outbox o JOIN deliveries d ON d.outbox_id = o.id
		WHERE o.owner = $1 AND o.state = 'claimed' AND d.state = 'claimed' AND d.provider_id IS NULL AND d.ended_at IS NULL
		ORDER BY d.claimed_at LIMIT $2`
)

// Delivery returns the delivery with that id, locked until the end of tx, or
// ErrUnknownDelivery.
func (tx *Tx) Delivery(ctx context.Context, id oncall.DeliveryID) (*Delivery, error) {
	return tx.oneDelivery(ctx, lockDelivery, clean(string(id)))
}

// DeliveryByProvider returns the delivery that a provider knows by that id,
// locked until the end of tx, or ErrUnknownDelivery.
func (tx *Tx) DeliveryByProvider(ctx context.Context, provider, providerID string) (*Delivery, error) {
	return tx.oneDelivery(ctx, lockDeliveryByProvider, clean(provider), clean(providerID))
}

const updateDelivery = `
	UPDATE deliveries SET provider_id = $2, state = $3, sent_at = $4, give_up_at = $5, ended_at = $6, outcome = $7,
		cancel_at = $8, cost_micros = $9
	WHERE id = $1`

// SaveDelivery stores what changes in a delivery: the provider's id, state,
// times, outcome and cost.
func (tx *Tx) SaveDelivery(ctx context.Context, d *Delivery) error {
	n, err := tx.do(ctx, updateDelivery, string(d.ID), str(clean(d.ProviderID)), string(d.State), ms(d.SentAt), ms(d.GiveUpAt), ms(d.EndedAt),
		str(d.Outcome), ms(d.CancelAt), d.CostMicros)
	if err != nil {
		return fmt.Errorf("delivery %s: %w", d.ID, err)
	}
	if n == 0 {
		return ErrUnknownDelivery
	}
	return nil
}

// LiveDeliveries returns the deliveries that tell of an incident and have not
// ended, in the order of their ids.
func (tx *Tx) LiveDeliveries(ctx context.Context, incident oncall.IncidentID) ([]Delivery, error) {
	return tx.deliveries(ctx, selectLiveDeliveries, string(incident))
}

// DeliveriesOf returns all deliveries of an attempt, in the order of their
// tries.
func (tx *Tx) DeliveriesOf(ctx context.Context, attempt oncall.AttemptID) ([]Delivery, error) {
	return tx.deliveries(ctx, selectDeliveriesOf, string(attempt))
}

// LiveCall returns the call to that number that has not ended, or nil.
func (tx *Tx) LiveCall(ctx context.Context, addressHash string) (*Delivery, error) {
	list, err := tx.deliveries(ctx, selectLiveCall, addressHash)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// OpenDeliveries returns at most limit deliveries of outbox rows of this node
// that were claimed and whose provider's id is not known, the oldest first:
// what has to be looked up after a start or a take-over (R23).
func (tx *Tx) OpenDeliveries(ctx context.Context, limit int) ([]Delivery, error) {
	return tx.deliveries(ctx, selectOpenDeliveries, tx.db.node, limit)
}

const sumSpent = `SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) FROM deliveries WHERE claimed_at >= $1`

// Spent returns what deliveries claimed since then cost, in millionths of the
// tariff's currency (R26).
func (tx *Tx) Spent(ctx context.Context, since time.Time) (micros int64, err error) {
	if _, err := tx.one(ctx, sumSpent, []any{since.UnixMilli()}, &micros); err != nil {
		return 0, fmt.Errorf("spent: %w", err)
	}
	return micros, nil
}
