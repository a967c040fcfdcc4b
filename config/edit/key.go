package edit

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"toban/access"
	"toban/alert/intake"
	"toban/config"
	"toban/oncall"
	"toban/store"
)

// NewKey is a key as it is made: the only time that it is known in clear.
type NewKey struct {
	store.Key
	Secret string
	Path   string // where the sender posts to, below the external URL
}

// maxKeys is how many valid keys an integration may have.
const maxKeys = 50

// least is how many characters of a hash name a key.
const least = 6

// CreateKey makes a key for a sender. It needs a manager.
func (e *Editor) CreateKey(ctx context.Context, integration oncall.IntegrationID) (made NewKey, err error) {
	if err := may(ctx, access.Manager); err != nil {
		return made, err
	}
	secret := rand.Text() // 130 bits: its hash can't be guessed back
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		known, err := integrationOf(ctx, tx, integration)
		if err != nil {
			return err
		}
		keys, err := tx.Keys(ctx, string(integration))
		if err != nil {
			return err
		}
		valid := 0
		for _, k := range keys {
			if k.RevokedAt.IsZero() {
				valid++
			}
		}
		if valid >= maxKeys {
			return &oncall.Error{Kind: oncall.Conflict, Code: "key.too_many", Message: "the integration has 50 valid keys; revoke some"}
		}
		made = NewKey{
			Key:    store.Key{Hash: intake.HashKey(secret), Integration: integration, CreatedAt: tx.Now},
			Secret: secret, Path: pathOf(known.Dialect, secret),
		}
		if err := tx.AddKey(ctx, made.Hash, string(integration)); err != nil {
			return err
		}
		return access.Record(ctx, tx, "created", "integration_key", keyName(made.Key), nil, facts(made.Key))
	})
	return made, err
}

// Keys returns the keys of an integration, the oldest first. It needs a viewer:
// a hash gives no access.
func (e *Editor) Keys(ctx context.Context, integration oncall.IntegrationID) (keys []store.Key, err error) {
	if err := may(ctx, access.Viewer); err != nil {
		return nil, err
	}
	err = e.o.DB.Read(ctx, func(tx *store.Tx) error {
		if _, err := integrationOf(ctx, tx, integration); err != nil {
			return err
		}
		keys, err = tx.Keys(ctx, string(integration))
		return err
	})
	return keys, err
}

// RevokeKey makes the key invalid whose hash begins with prefix, which has to be
// unmistakable, and returns it. Senders are refused within a second. It needs a
// manager.
func (e *Editor) RevokeKey(ctx context.Context, integration oncall.IntegrationID, prefix string) (key store.Key, err error) {
	if err := may(ctx, access.Manager); err != nil {
		return key, err
	}
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		keys, err := tx.Keys(ctx, string(integration))
		if err != nil {
			return err
		}
		if key, err = oneKey(keys, prefix); err != nil {
			return err
		}
		if err := fileKey(ctx, tx, key); err != nil {
			return err
		}
		before := facts(key)
		if err := tx.RevokeKey(ctx, key.Hash); err != nil {
			return err
		}
		key.RevokedAt = tx.Now
		return access.Record(ctx, tx, "revoked", "integration_key", keyName(key), before, facts(key))
	})
	return key, err
}

// fileKey refuses a key that the folder refers to: the next apply would expect
// it.
func fileKey(ctx context.Context, tx *store.Tx, key store.Key) error {
	presets, err := tx.Objects(ctx, config.KindKey)
	if err != nil {
		return err
	}
	for _, o := range presets {
		if o.Name == key.Hash {
			at, err := place(ctx, tx, store.ObjectIntegration, string(key.Integration))
			if err != nil {
				return err
			}
			return managed("the key of integration "+string(key.Integration), at)
		}
	}
	return nil
}

func integrationOf(ctx context.Context, tx *store.Tx, name oncall.IntegrationID) (*oncall.Integration, error) {
	dir, err := tx.Directory(ctx)
	if err != nil {
		return nil, err
	}
	if in := dir.Integrations[name]; in != nil {
		return in, nil
	}
	return nil, missing("integration", string(name))
}

// oneKey finds the one key whose hash begins with prefix. Of several only one
// that is valid still is meant.
func oneKey(keys []store.Key, prefix string) (store.Key, error) {
	var found []store.Key
	for _, k := range keys {
		if len(prefix) >= least && strings.HasPrefix(k.Hash, prefix) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) > 1:
		return store.Key{}, missing("single key", prefix+": several begin so; give more of the hash")
	case len(found) == 0:
		return store.Key{}, missing("key", prefix)
	case !found[0].RevokedAt.IsZero():
		return store.Key{}, &oncall.Error{Kind: oncall.Conflict, Code: "key.revoked", Message: "the key was revoked already, at " + found[0].RevokedAt.Format(time.RFC3339)}
	}
	return found[0], nil
}

// keyName is how people call a key: never by more than the beginning of its
// hash.
func keyName(k store.Key) string { return string(k.Integration) + "/" + k.Hash[:min(12, len(k.Hash))] }

// keyFacts is what the audit log says of a key.
type keyFacts struct {
	Integration string     `json:"integration"`
	CreatedAt   time.Time  `json:"created_at"`
	RevokedAt   *time.Time `json:"revoked_at,omitempty"`
}

func facts(k store.Key) keyFacts {
	f := keyFacts{Integration: string(k.Integration), CreatedAt: k.CreatedAt}
	if !k.RevokedAt.IsZero() {
		f.RevokedAt = &k.RevokedAt
	}
	return f
}

// pathOf is where the sender of a key posts, below the external URL.
func pathOf(dialect, secret string) string {
	switch dialect { // in these the key is in a header
	case "agent":
		return "/agent/v1/write"
	case "remote_write":
		return "/prometheus/api/v1/write"
	case "mackerel":
		return "/api/v0/services/SERVICE/tsdb"
	}
	return "/integrations/" + dialect + "/" + secret
}
