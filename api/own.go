package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/store"
)

// Me is who asks.
type Me struct {
	Account  string `json:"account"`
	User     string `json:"user,omitempty" doc:"the user of that name in the configuration, if there is one"`
	Role     string `json:"role" enum:"viewer,responder,manager,admin"`
	Via      string `json:"via" doc:"api, page or cli"`
	Language string `json:"language,omitempty"`
	Zone     string `json:"zone" doc:"in which times are shown to it: its own, else the installation's"`
}

// Status is how this toban does.
type Status struct {
	Version       string     `json:"version" doc:"of the program"`
	Engine        string     `json:"engine" enum:"sqlite,postgres"`
	Node          string     `json:"node" doc:"that answered"`
	Nodes         []Node     `json:"nodes" doc:"those that share a PostgreSQL; none with the embedded store"`
	Configuration int64      `json:"configuration" doc:"version that is in force"`
	Providers     []Provider `json:"providers" doc:"that this node has used since its start"`
	Open          Open       `json:"open"`
}

// Node is one process of the installation.
type Node struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	Alive     bool      `json:"alive" doc:"its lease holds"`
}

// Provider is how a provider has done.
type Provider struct {
	Name      string     `json:"name"`
	Sent      int64      `json:"sent"`
	Refused   int64      `json:"refused" doc:"for good"`
	Throttled int64      `json:"throttled"`
	Failed    int64      `json:"failed" doc:"and tried again"`
	LastSent  *time.Time `json:"last_sent,omitempty"`
	LastError *time.Time `json:"last_error,omitempty"`
	LastCode  string     `json:"last_code,omitempty" doc:"of the last error, the provider's own"`
}

// Open is how many incidents are open, counted up to 1,000.
type Open struct {
	Triggered    int `json:"triggered"`
	Acknowledged int `json:"acknowledged"`
}

func (a *API) own(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/api/v1/me", Tags: []string{tagAccess},
		Summary: "Who asks", Description: "The account of the token or session, with its role.",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body Me }, error) {
		p, _ := access.From(ctx)
		dir, err := a.directory(ctx)
		if err != nil {
			return nil, err
		}
		return &struct{ Body Me }{Me{
			Account: p.Account, User: string(p.User), Role: string(p.Role), Via: p.Via, Language: p.Language, Zone: cmp.Or(p.Zone, dir.Settings.Zone, "UTC"),
		}}, nil
	})
	register(a, h, huma.Operation{
		OperationID: "get-status", Method: http.MethodGet, Path: "/api/v1/status", Tags: []string{tagAccess},
		Summary: "How this toban does", Description: "Program, store, nodes, providers, and how much is open.",
	}, a.status)
}

func (a *API) status(ctx context.Context, _ *struct{}) (*struct{ Body Status }, error) {
	out := &struct{ Body Status }{Status{
		Version: a.o.Version, Engine: a.o.DB.Engine(), Node: a.o.DB.Node(), Nodes: []Node{}, Providers: []Provider{},
	}}
	err := a.o.DB.Read(ctx, func(tx *store.Tx) error {
		out.Body.Nodes = []Node{}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		out.Body.Configuration = dir.Version
		nodes, err := tx.Nodes(ctx)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			out.Body.Nodes = append(out.Body.Nodes, Node{Name: n.ID, Version: n.Version, StartedAt: n.StartedAt, Alive: n.LeaseUntil.After(tx.Now)})
		}
		open, err := tx.CountOpen(ctx, "")
		out.Body.Open = Open{Triggered: open.Triggered, Acknowledged: open.Acknowledged}
		return err
	})
	if err != nil || a.o.Health == nil {
		return out, err
	}
	for _, h := range a.o.Health() {
		out.Body.Providers = append(out.Body.Providers, Provider{
			Name: h.Provider, Sent: h.Sent, Refused: h.Refused, Throttled: h.Throttled, Failed: h.Failed,
			LastSent: optional(h.LastSent.UTC().Truncate(time.Millisecond)), LastError: optional(h.LastError.UTC().Truncate(time.Millisecond)), LastCode: h.LastCode,
		})
	}
	return out, nil
}
