package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

const selectLatestDeliveries = `SELECT ` + deliveryColumns + ` FROM deliveries d
	WHERE d.claimed_at >= $1 ORDER BY d.claimed_at DESC LIMIT $2`

// LatestDeliveries returns at most limit deliveries that were claimed since then,
// the newest first: how people were reached lately.
func (tx *Tx) LatestDeliveries(ctx context.Context, since time.Time, limit int) ([]Delivery, error) {
	return tx.deliveries(ctx, selectLatestDeliveries, since.UnixMilli(), limit)
}

const countDevices = `SELECT user_id, COUNT(*) FROM subscriptions WHERE user_id >= '' GROUP BY user_id`

// CountDevices returns how many devices of each user take push messages.
func (tx *Tx) CountDevices(ctx context.Context) (map[oncall.UserID]int, error) {
	counts := map[oncall.UserID]int{}
	err := tx.all(ctx, countDevices, func(rows row) error {
		var user oncall.UserID
		var n int
		err := rows.Scan(&user, &n)
		counts[user] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	return counts, nil
}

const selectLatestSignal = `
	SELECT integration_id, received_at FROM signals WHERE incident_id > '' AND integration_id <> ''
	ORDER BY incident_id DESC LIMIT 1`

// LatestSignal returns the integration by which the signal came that opened the
// newest incident, and when; "" when none has come from outside yet.
func (tx *Tx) LatestSignal(ctx context.Context) (from oncall.IntegrationID, at time.Time, err error) {
	if _, err := tx.one(ctx, selectLatestSignal, nil, &from, (*millis)(&at)); err != nil {
		return "", time.Time{}, fmt.Errorf("latest signal: %w", err)
	}
	return from, at, nil
}

const selectLatestChats = `SELECT ` + chatColumns + ` FROM chats WHERE incident_id >= '' ORDER BY incident_id DESC LIMIT $1`

// LatestChats returns at most limit chats, that of the newest incident first.
func (tx *Tx) LatestChats(ctx context.Context, limit int) ([]Chat, error) {
	var list []Chat
	err := tx.all(ctx, selectLatestChats, func(rows row) error {
		c, err := scanChat(rows)
		list = append(list, c)
		return err
	}, limit)
	if err != nil {
		return nil, fmt.Errorf("latest chats: %w", err)
	}
	return list, nil
}
