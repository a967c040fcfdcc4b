package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// keysStale is how long a key is believed without asking the store: a revoked
// key stops working within that time.
const keysStale = time.Second

// maxKnown bounds the keys held in memory.
const maxKnown = 10_000

// HashKey is what is kept of an integration key.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// keys finds the integration of a key by the key's hash, so that neither the
// key nor the time of a comparison gives anything away.
type keys struct {
	db    *store.DB
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	in   *oncall.Integration
	read time.Time
}

func (k *keys) integration(ctx context.Context, key string) (*oncall.Integration, error) {
	return k.cached(HashKey(key), func(tx *store.Tx) (string, error) { return tx.KeyIntegration(ctx, HashKey(key)) }, ctx)
}

// named finds an integration by name; the cache keeps names apart from hashes
// by a sign that no hash has.
func (k *keys) named(ctx context.Context, name oncall.IntegrationID) (*oncall.Integration, error) {
	return k.cached("="+string(name), func(*store.Tx) (string, error) { return string(name), nil }, ctx)
}

func (k *keys) cached(entry string, find func(*store.Tx) (string, error), ctx context.Context) (*oncall.Integration, error) {
	k.mu.Lock()
	hit, ok := k.known[entry]
	k.mu.Unlock()
	if ok && time.Since(hit.read) < keysStale {
		return hit.in, nil
	}
	var in *oncall.Integration
	err := k.db.Read(ctx, func(tx *store.Tx) error {
		name, err := find(tx)
		if err != nil || name == "" {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		in = dir.Integrations[oncall.IntegrationID(name)]
		return nil
	})
	switch {
	case errors.Is(err, store.ErrUnknownKey), err == nil && in == nil:
		return nil, ErrUnknownKey
	case err != nil:
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	k.known[entry] = known{in: in, read: time.Now()}
	return in, nil
}
