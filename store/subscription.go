package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"toban/oncall"
)

// Subscription is a browser or telephone that takes push messages for a user.
// Endpoint, P256dh and Auth are secrets of the device: the caller seals them
// before they come here, and they never reach a log.
type Subscription struct {
	ID        string // a hash of the endpoint
	User      oncall.UserID
	Endpoint  string
	P256dh    string
	Auth      string
	Agent     string // what the browser calls itself, for the user's list
	CreatedAt time.Time
	UsedAt    time.Time // when it last took a message; zero = never
}

// MaxSubscriptions is how many devices a user may have; the oldest goes.
const MaxSubscriptions = 20

const maxAgent = 300

const (
	trimSubscriptions = `
		DELETE FROM subscriptions WHERE user_id = $1 AND id <> $2 AND id NOT IN (
			SELECT id FROM subscriptions WHERE user_id = $1 AND id <> $2
			ORDER BY created_at DESC, id DESC LIMIT $3)`
	upsertSubscription = `
		INSERT INTO subscriptions(id, user_id, endpoint, p256dh, auth, agent, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, endpoint = excluded.endpoint,
			p256dh = excluded.p256dh, auth = excluded.auth, agent = excluded.agent, created_at = excluded.created_at`
)

// AddSubscription keeps a device of a user from now on. One that is known is
// refreshed; one that was another user's is this user's alone, since a telephone
// rings for whoever holds it. Of more than MaxSubscriptions the oldest goes.
func (tx *Tx) AddSubscription(ctx context.Context, s Subscription) error {
	agent := strings.ToValidUTF8(s.Agent[:min(len(s.Agent), maxAgent)], "")
	if _, err := tx.do(ctx, trimSubscriptions, string(s.User), s.ID, MaxSubscriptions-1); err != nil {
		return fmt.Errorf("devices of %s: %w", s.User, err)
	}
	_, err := tx.do(ctx, upsertSubscription, s.ID, string(s.User), s.Endpoint, s.P256dh, s.Auth, clean(agent), tx.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("device %s: %w", s.ID, err)
	}
	return nil
}

const selectSubscriptions = `
	SELECT id, user_id, endpoint, p256dh, auth, agent, created_at, used_at FROM subscriptions
	WHERE user_id = $1 ORDER BY created_at DESC, id DESC`

// Subscriptions returns the devices of a user, the newest first.
func (tx *Tx) Subscriptions(ctx context.Context, user oncall.UserID) ([]Subscription, error) {
	var list []Subscription
	err := tx.all(ctx, selectSubscriptions, func(rows row) error {
		var s Subscription
		err := rows.Scan(&s.ID, &s.User, &s.Endpoint, &s.P256dh, &s.Auth, &s.Agent, (*millis)(&s.CreatedAt), (*millis)(&s.UsedAt))
		list = append(list, s)
		return err
	}, clean(string(user)))
	if err != nil {
		return nil, fmt.Errorf("devices of %s: %w", user, err)
	}
	return list, nil
}

const useSubscription = `UPDATE subscriptions SET used_at = $2 WHERE id = $1`

// UseSubscription writes down that a device took a message just now.
func (tx *Tx) UseSubscription(ctx context.Context, id string) error {
	if _, err := tx.do(ctx, useSubscription, clean(id), tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("device %s: %w", id, err)
	}
	return nil
}

const deleteSubscription = `DELETE FROM subscriptions WHERE id = $1`

// DeleteSubscription forgets a device. Forgetting one that is not known is no
// error: its service and its user may both say so.
func (tx *Tx) DeleteSubscription(ctx context.Context, id string) error {
	if _, err := tx.do(ctx, deleteSubscription, clean(id)); err != nil {
		return fmt.Errorf("device %s: %w", id, err)
	}
	return nil
}
