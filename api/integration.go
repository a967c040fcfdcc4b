package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/alert/intake"
	"toban/oncall"
	"toban/store"
)

// Key is an integration key as it can be shown: Secret only when it is made.
type Key struct {
	Hash      string     `json:"hash" doc:"names the key; the key itself is not kept"`
	Secret    string     `json:"secret,omitempty" doc:"shown this once"`
	URL       string     `json:"url,omitempty" doc:"path that the sender posts to"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// Named names an object of the configuration.
type Named struct {
	Name string `path:"name" maxLength:"255"`
}

type keyOutput struct{ Body Key }

type keysOutput struct {
	Body struct {
		Keys []Key `json:"keys"`
	}
}

func (a *API) integrations(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/api/v1/integrations/{name}/keys", Summary: "Make a key for a sender; it is shown once", DefaultStatus: http.StatusCreated, Errors: []int{404},
	}, a.createKey)
	huma.Register(h, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/api/v1/integrations/{name}/keys", Summary: "The keys of an integration", Errors: []int{404},
	}, a.listKeys)
	huma.Register(h, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/v1/integrations/{name}/keys/{hash}", Summary: "Revoke a key; it stops working within a second", DefaultStatus: http.StatusNoContent, Errors: []int{404},
	}, a.revokeKey)
}

func (a *API) createKey(ctx context.Context, in *Named) (*keyOutput, error) {
	secret := rand.Text() // 130 bits
	out := &keyOutput{Body: Key{Hash: intake.HashKey(secret), Secret: secret}}
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		integration := dir.Integrations[oncall.IntegrationID(in.Name)]
		if integration == nil {
			return unknown("integration", in.Name)
		}
		out.Body.URL = "/integrations/" + integration.Dialect + "/" + secret
		out.Body.CreatedAt = tx.Now
		return tx.AddKey(ctx, out.Body.Hash, in.Name)
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return out, nil
}

func (a *API) listKeys(ctx context.Context, in *Named) (*keysOutput, error) {
	var out keysOutput
	out.Body.Keys = []Key{}
	err := a.db.Read(ctx, func(tx *store.Tx) error {
		keys, err := tx.Keys(ctx, in.Name)
		for _, k := range keys {
			out.Body.Keys = append(out.Body.Keys, Key{Hash: k.Hash, CreatedAt: k.CreatedAt, RevokedAt: optional(k.RevokedAt)})
		}
		return err
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return &out, nil
}

func (a *API) revokeKey(ctx context.Context, in *struct {
	Named
	Hash string `path:"hash" maxLength:"64" doc:"the hash, or an unmistakable beginning of it"`
},
) (*struct{}, error) {
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		keys, err := tx.Keys(ctx, in.Name)
		if err != nil {
			return err
		}
		hash, err := oneKey(keys, in.Hash)
		if err != nil {
			return err
		}
		return tx.RevokeKey(ctx, hash)
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return nil, nil
}

// oneKey finds the one key whose hash begins with prefix.
func oneKey(keys []store.Key, prefix string) (string, error) {
	var found []string
	for _, k := range keys {
		if len(prefix) >= 6 && len(k.Hash) >= len(prefix) && k.Hash[:len(prefix)] == prefix {
			found = append(found, k.Hash)
		}
	}
	if len(found) != 1 {
		return "", unknown("key", prefix)
	}
	return found[0], nil
}
