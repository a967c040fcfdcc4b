package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
	"toban/store"
)

// Integration is an intake address and how its body is read.
type Integration struct {
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	Service string `json:"service,omitempty" doc:"by labels when left out"`
	Stage   string `json:"stage,omitempty"`
	Mapped  bool   `json:"mapped" doc:"a jq mapping reads its body"`
	Place   string `json:"place,omitempty" doc:"file and line that manage it"`
}

// IntegrationList is one page of integrations.
type IntegrationList struct {
	Integrations []Integration `json:"integrations"`
	NextCursor   string        `json:"next_cursor,omitempty"`
}

// Key is an integration key as it can be shown: Secret only when it is made.
type Key struct {
	Hash      string     `json:"hash" doc:"names the key; the key itself is not kept"`
	Secret    string     `json:"secret,omitempty" doc:"shown this once"`
	URL       string     `json:"url,omitempty" doc:"that the sender posts to; shown this once"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// KeyList is one page of keys.
type KeyList struct {
	Keys       []Key  `json:"keys"`
	NextCursor string `json:"next_cursor,omitempty"`
}

func (a *API) integrations(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-integrations", Method: http.MethodGet, Path: "/api/v1/integrations", Tags: []string{tagSenders}, Errors: []int{400},
		Summary: "List integrations by name", Description: "Where senders come in, and how what they say is read.",
	}, a.listIntegrations)
	register(a, h, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/api/v1/integrations/{name}/keys", Tags: []string{tagSenders},
		DefaultStatus: http.StatusCreated, Errors: []int{404, 409},
		Summary: "Make a key for a sender", Description: "It is shown this once; only its hash is kept.",
	}, a.createKey)
	register(a, h, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/api/v1/integrations/{name}/keys", Tags: []string{tagSenders}, Errors: []int{400, 404},
		Summary: "The keys of an integration", Description: "By their hashes, the oldest first; revoked ones, too.",
	}, a.listKeys)
	register(a, h, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/v1/integrations/{name}/keys/{hash}", Tags: []string{tagSenders}, Errors: []int{404, 409},
		Summary: "Revoke a key", Description: "It stops working within a second. A key that a file refers to is revoked by taking it out of there.",
	}, func(ctx context.Context, in *struct {
		Named
		Hash string `path:"hash" maxLength:"64" doc:"the hash, or an unmistakable beginning of six characters or more"`
	},
	) (*struct{ Body Key }, error) {
		k, err := a.o.Edit.RevokeKey(ctx, oncall.IntegrationID(in.Name), in.Hash)
		return &struct{ Body Key }{wireKey(k)}, err
	})
}

// integrationsOf are those of a directory by name.
func integrationsOf(dir *oncall.Directory) []*oncall.Integration {
	all := make([]*oncall.Integration, 0, len(dir.Integrations))
	for _, id := range slices.Sorted(maps.Keys(dir.Integrations)) {
		all = append(all, dir.Integrations[id])
	}
	return all
}

func (a *API) listIntegrations(ctx context.Context, in *Paged) (*struct{ Body IntegrationList }, error) {
	dir, at, err := a.configured(ctx, store.ObjectIntegration)
	if err != nil {
		return nil, err
	}
	part, next, err := page(integrationsOf(dir), *in, func(i **oncall.Integration) string { return string((*i).ID) })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body IntegrationList }{IntegrationList{Integrations: []Integration{}, NextCursor: next}}
	for _, i := range part {
		out.Body.Integrations = append(out.Body.Integrations, Integration{
			Name: string(i.ID), Dialect: i.Dialect, Service: string(i.Service), Stage: string(i.Stage), Mapped: i.Map != "", Place: at[string(i.ID)],
		})
	}
	return out, nil
}

func (a *API) createKey(ctx context.Context, in *Named) (*struct{ Body Key }, error) {
	made, err := a.o.Edit.CreateKey(ctx, oncall.IntegrationID(in.Name))
	if err != nil {
		return nil, err
	}
	k := wireKey(made.Key)
	k.Secret, k.URL = made.Secret, a.address(made.Path)
	return &struct{ Body Key }{k}, nil
}

// address is a path as people outside reach it.
func (a *API) address(path string) string {
	if a.o.External == nil {
		return path
	}
	return strings.TrimSuffix(a.o.External(), "/") + path
}

func (a *API) listKeys(ctx context.Context, in *struct {
	Named
	Paged
},
) (*struct{ Body KeyList }, error) {
	keys, err := a.o.Edit.Keys(ctx, oncall.IntegrationID(in.Name))
	if err != nil {
		return nil, err
	}
	part, next, err := page(keys, in.Paged, func(k *store.Key) string { return k.Hash })
	out := &struct{ Body KeyList }{KeyList{Keys: []Key{}, NextCursor: next}}
	for _, k := range part {
		out.Body.Keys = append(out.Body.Keys, wireKey(k))
	}
	return out, err
}

func wireKey(k store.Key) Key {
	return Key{Hash: k.Hash, CreatedAt: k.CreatedAt, RevokedAt: optional(k.RevokedAt)}
}
