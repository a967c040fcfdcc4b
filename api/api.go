// Package api is toban's own HTTP API, /api/v1. It decodes, makes one call into
// a story package and encodes; it holds no rule and no SQL. The command line is
// its client, over a socket in the data folder whose file mode is the
// permission.
package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"toban/incident"
	"toban/internal/problem"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// API serves /api/v1.
type API struct {
	db      *store.DB
	life    *incident.Lifecycle
	respond *respond.Driver
	log     *slog.Logger
	version string
}

// New returns an API on what it is given. version is the program's own.
func New(db *store.DB, life *incident.Lifecycle, driver *respond.Driver, log *slog.Logger, version string) *API {
	return &API{db: db, life: life, respond: driver, log: log, version: version}
}

// Handler returns the operations as one handler.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("toban", a.version)
	config.OpenAPIPath = "/api/v1/openapi"
	config.SchemasPath = "/api/v1/schemas"
	config.DocsPath = "" // its page loads from elsewhere
	config.CreateHooks = nil
	config.Transformers = append(config.Transformers, coded)
	h := humago.New(mux, config)
	a.incidents(h)
	a.actions(h)
	a.duty(h)
	a.forecast(h)
	a.integrations(h)
	a.configuration(h)
	return mux
}

// Problem is an error answer: RFC 9457 with toban's code.
type Problem struct{ problem.Document }

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// failed turns a story package's error into an answer; what is internal is
// logged here.
func (a *API) failed(ctx context.Context, err error) error {
	doc := problem.Of(err)
	if doc.Status == http.StatusInternalServerError {
		a.log.ErrorContext(ctx, "request failed", "err", err)
	}
	return &Problem{doc}
}

// coded gives the answers that the framework makes itself, for a body or a
// parameter that doesn't fit, a code and the first offending member.
func coded(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	doc := problem.Document{
		Type: "/docs/errors#request.invalid", Title: http.StatusText(e.Status), Status: e.Status, Detail: e.Detail, Code: "request.invalid",
	}
	if len(e.Errors) > 0 {
		doc.Field, doc.Detail = e.Errors[0].Location, e.Errors[0].Message
	}
	return &Problem{doc}, nil
}

// unknown says that a name is none of the configuration's.
func unknown(kind, name string) error {
	return &oncall.Error{Kind: oncall.NotFound, Code: "object.not_found", Message: "there is no " + kind + " named " + name}
}

func (a *API) directory(ctx context.Context) (dir *oncall.Directory, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		dir, err = tx.Directory(ctx)
		return err
	})
	return dir, err
}
