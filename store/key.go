package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// Key is an integration key as it is kept: the SHA-256 of what the sender shows.
type Key struct {
	Hash        string // hex
	Integration oncall.IntegrationID
	CreatedAt   time.Time
	RevokedAt   time.Time // zero = valid
}

// ErrUnknownKey is returned for a key that does not exist or was revoked.
var ErrUnknownKey = &oncall.Error{Kind: oncall.Unauthenticated, Code: "key.unknown", Message: "the key is unknown or was revoked"}

const insertKey = `
	INSERT INTO keys(hash, integration_id, created_at) VALUES ($1, $2, $3)
	ON CONFLICT (hash) DO NOTHING`

// AddKey keeps a key of an integration by its hash; one that exists already is
// left as it is.
func (tx *Tx) AddKey(ctx context.Context, hash, integration string) error {
	if _, err := tx.do(ctx, insertKey, hash, integration, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("key of %s: %w", integration, err)
	}
	return nil
}

const revokeKey = `UPDATE keys SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL`

// RevokeKey makes a key invalid, or fails with ErrUnknownKey.
func (tx *Tx) RevokeKey(ctx context.Context, hash string) error {
	n, err := tx.do(ctx, revokeKey, clean(hash), tx.Now.UnixMilli())
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if n == 0 {
		return ErrUnknownKey
	}
	return nil
}

const selectKeys = `
	SELECT hash, integration_id, created_at, revoked_at FROM keys
	WHERE $1 = '' OR integration_id = $1 ORDER BY created_at, hash`

// Keys returns the keys of an integration, or of all when it is "", the oldest
// first.
func (tx *Tx) Keys(ctx context.Context, integration string) ([]Key, error) {
	var list []Key
	err := tx.all(ctx, selectKeys, func(rows row) error {
		var k Key
		err := rows.Scan(&k.Hash, &k.Integration, (*millis)(&k.CreatedAt), (*millis)(&k.RevokedAt))
		list = append(list, k)
		return err
	}, clean(integration))
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return list, nil
}

const selectKey = `SELECT integration_id FROM keys WHERE hash = $1 AND revoked_at IS NULL`

// KeyIntegration returns the integration of a valid key, or ErrUnknownKey.
func (tx *Tx) KeyIntegration(ctx context.Context, hash string) (string, error) {
	var integration string
	found, err := tx.one(ctx, selectKey, []any{clean(hash)}, &integration)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	if !found {
		return "", ErrUnknownKey
	}
	return integration, nil
}
