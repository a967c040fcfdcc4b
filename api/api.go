// Package api is toban's own HTTP API, /api/v1: on the network for who shows a
// token or the session of the pages, and on a socket in the data folder whose
// file mode is the permission. It decodes, makes one call into a story package
// and encodes; it holds no rule and no SQL. The command line is its client.
//
// Every operation names the role that it takes, in one table; what is not there
// nobody may do.
package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"toban/access"
	"toban/config/edit"
	"toban/detect/standing"
	"toban/incident"
	"toban/internal/problem"
	"toban/notify"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// Options are what the API stands on.
type Options struct {
	DB      *store.DB
	Life    *incident.Lifecycle
	Respond *respond.Driver
	Access  *access.Keeper
	Edit    *edit.Editor
	Health  func() []notify.Health // of the providers; nil = not known
	// Monitors is how what toban sees by itself stands; nil = it sees nothing.
	Monitors *standing.Reader
	// Cookie is the name of the cookie in which the pages keep their session; ""
	// = tokens alone.
	Cookie string
	// External is the address that people know this toban by; nil = not known.
	External func() string
	// Key is the installation's: kept answers are sealed with it. Nodes that
	// share a store share it.
	Key     []byte
	Account string // who asks at the socket; "" = the user that this process runs as
	Log     *slog.Logger
	Version string // of the program
}

// API serves /api/v1 and the pages about it below /docs.
type API struct {
	o      Options
	mux    *http.ServeMux
	ops    map[string]*huma.Operation // by the pattern of the mux
	roles  map[string]access.Role     // by operation
	spec   *huma.OpenAPI
	cross  *http.CrossOriginProtection
	limits *limits
	vault  vault
}

// New returns an API on what it is given.
func New(o Options) *API {
	if len(o.Key) == 0 {
		o.Key = make([]byte, 32) // a kept answer is then of no use after the next start
		_, _ = rand.Read(o.Key)  // never fails
	}
	a := &API{
		o: o, mux: http.NewServeMux(), ops: map[string]*huma.Operation{}, roles: roles(), cross: http.NewCrossOriginProtection(),
		limits: newLimits(), vault: newVault(o.Key),
	}
	if o.External != nil {
		if u, err := url.Parse(o.External()); err == nil && u.Host != "" {
			// Behind a proxy that gives another Host this is still one and the same.
			_ = a.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host)
		}
	}
	config := huma.DefaultConfig("toban", o.Version)
	config.OpenAPIPath = "" // specify serves the finished document
	config.SchemasPath = ""
	config.DocsPath = "" // its page loads from elsewhere
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = append(config.Transformers, coded)
	h := humago.New(a.mux, config)
	a.spec = h.OpenAPI()
	for _, add := range []func(huma.API){
		a.incidents, a.incidentLists, a.actions, a.forecast, a.duty, a.overrides, a.schedules, a.policies, a.services, a.users,
		a.monitors, a.integrations, a.tokens, a.audit, a.own, a.configuration,
	} {
		add(h)
	}
	a.specify()
	a.pages()
	return a
}

// register makes f the operation op: it takes the role of the table, and its
// errors become problem documents.
func register[I, O any](a *API, h huma.API, op huma.Operation, f func(context.Context, *I) (*O, error)) {
	a.complete(&op)
	huma.Register(h, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.failed(ctx, err)
		}
		return out, nil
	})
	done := documented(a.spec, op)
	nameable(done)
	a.ops[op.Method+" "+op.Path] = done
}

// documented is the operation as the document has it.
func documented(d *huma.OpenAPI, op huma.Operation) *huma.Operation {
	item := d.Paths[op.Path]
	for _, each := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
		if each != nil && each.Method == op.Method {
			return each
		}
	}
	panic("no such method: " + op.Method) // a mistake in this package
}

// Problem is an error answer: RFC 9457 with toban's code.
type Problem struct{ problem.Document }

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// failed turns a story package's error into an answer; what is internal is
// logged here.
func (a *API) failed(ctx context.Context, err error) error {
	doc := problem.Of(err)
	if doc.Status == http.StatusInternalServerError {
		a.o.Log.ErrorContext(ctx, "request failed", "err", err)
	}
	return &Problem{doc}
}

// unknown says that a name is none of the configuration's.
func unknown(kind, name string) error {
	return &oncall.Error{Kind: oncall.NotFound, Code: "object.not_found", Message: "there is no " + kind + " named " + name}
}

func invalid(field, code, message string) error {
	return &oncall.Error{Kind: oncall.Invalid, Code: code, Message: message, Field: field}
}

func (a *API) directory(ctx context.Context) (dir *oncall.Directory, err error) {
	err = a.o.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err = tx.Directory(ctx)
		return err
	})
	return dir, err
}
