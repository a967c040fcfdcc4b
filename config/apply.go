package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"toban/alert/intake"
	"toban/store"
)

// KindKey is the kind of object that an integration key of the folder is; its
// name is the hash.
const KindKey = "key"

// keyOf says whose key it is.
type keyOf struct{ Integration string }

// Resolved is Objects with the integration keys that the folder refers to, as
// their hashes.
func (c *Config) Resolved(getenv func(string) string) ([]Object, error) {
	presets, err := c.KeyPresets(getenv)
	if err != nil {
		return nil, err
	}
	all := c.Objects()
	for _, p := range presets {
		body, err := json.Marshal(keyOf{p.Integration})
		if err != nil {
			return nil, err
		}
		all = append(all, Object{Kind: KindKey, Name: intake.HashKey(p.Key), Body: body})
	}
	return all, nil
}

// Apply makes objects, which Resolved gave, all that comes from files: what is
// not among them any more is gone, and a key that is not is revoked. What was
// made at run time stays.
func Apply(ctx context.Context, tx *store.Tx, objects []Object) (version int64, changed int, err error) {
	before, err := tx.Objects(ctx, KindKey)
	if err != nil {
		return 0, 0, err
	}
	rows := make([]store.Object, len(objects))
	now := map[string]bool{}
	for i, o := range objects {
		rows[i] = store.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line}
		if o.Kind != KindKey {
			continue
		}
		now[o.Name] = true
		var k keyOf
		if err := json.Unmarshal(o.Body, &k); err != nil {
			return 0, 0, fmt.Errorf("key of an integration: %w", err)
		}
		if err := tx.AddKey(ctx, o.Name, k.Integration); err != nil {
			return 0, 0, fmt.Errorf("key of integration %s: %w", k.Integration, err)
		}
	}
	for _, o := range before {
		if now[o.Name] {
			continue
		}
		if err := tx.RevokeKey(ctx, o.Name); err != nil && !errors.Is(err, store.ErrUnknownKey) {
			return 0, 0, fmt.Errorf("revoke a key that the folder no longer names: %w", err)
		}
	}
	return tx.Apply(ctx, rows)
}
