// Package web is the pages: what a responder, a team and a visitor see. A
// handler reads what its page shows in one look at the store, hands it to
// package view, and sends the HTML; an action is one call into a story package
// and a redirect.
//
// It decides nothing about incidents and writes no SQL. Every route names the
// role that it needs, in one table; everything works without scripts, and
// nothing is loaded from another host.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toban/access"
	"toban/config/edit"
	"toban/detect/standing"
	"toban/incident"
	"toban/internal/link"
	"toban/internal/promapi"
	"toban/notify"
	"toban/notify/push"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/web/live"
	"toban/web/static"
)

// Drill begins a drill: an incident that pages nobody but one user.
type Drill interface {
	Drill(ctx context.Context, user, by oncall.UserID) (*oncall.Incident, error)
}

// Options are what the pages stand on.
type Options struct {
	DB      *store.DB
	Life    *incident.Lifecycle
	Respond *respond.Driver
	Access  *access.Keeper
	Hub     *live.Hub
	Edit    *edit.Editor
	Links   link.Signer
	Push    *push.Channel // nil: no push messages
	Drill   Drill         // nil: no drills
	// Health is how the providers do; nil: it is not shown.
	Health func() []notify.Health
	// Metrics is the Prometheus of the moment; nil: there is never one.
	Metrics func() (*promapi.Client, error)
	// Monitors is how what toban sees by itself stands; nil: there are no such pages.
	Monitors *standing.Reader
	// External is the address that people know this toban by; its path is the
	// prefix of every link.
	External func() string
	Log      *slog.Logger
	Version  string
	Secure   bool // reached by https: cookies are for it alone
}

// Web serves the pages.
type Web struct {
	Options
	cross   *http.CrossOriginProtection
	limited *limiter // of signed links
	strange *limiter // of who comes with links that are none
	glance  glance
	started time.Time
}

// New returns the pages on what it is given.
func New(o Options) *Web {
	a := &Web{Options: o, cross: http.NewCrossOriginProtection(), limited: newLimiter(), strange: newLimiter(), started: now()}
	if u, err := url.Parse(o.External()); err == nil && u.Host != "" {
		// Behind a proxy that gives another Host this is still one and the same.
		_ = a.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	// A signed link is the permission by itself; there is no cookie to abuse.
	a.cross.AddInsecureBypassPattern("POST /i/{token}/{act}")
	a.cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, a.stranger(r), errCrossOrigin)
	}))
	return a
}

var errCrossOrigin = &oncall.Error{Kind: oncall.Denied, Code: "request.cross_origin", Message: "the form was sent from a page of another site"}

// Handler returns all pages.
func (a *Web) Handler() http.Handler { return a.serve(a.routes(), false) }

// Signed returns the pages of signed links and what these load, for a listener
// that the internet may reach.
func (a *Web) Signed() http.Handler { return a.serve(a.signedRoutes(), true) }

func (a *Web) serve(routes []route, outside bool) http.Handler {
	mux := http.NewServeMux()
	for _, e := range routes {
		mux.HandleFunc(e.method+" "+e.pattern, a.page(e, outside))
	}
	mux.Handle("GET /static/", static.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, a.visitor(r, outside), errNoPage) })
	return a.headed(a.cross.Handler(mux))
}

var errNoPage = &oncall.Error{Kind: oncall.NotFound, Code: "page.not_found", Message: "there is nothing at this address"}

// Route is one thing that can be asked for and the role that it takes; "" =
// anybody may.
type Route struct {
	Method, Pattern string
	Role            access.Role
}

// Roles are all routes, as a ServeMux has them: for whoever puts the pages beside
// other things, and for the test that looks at each.
func (a *Web) Roles() []Route {
	var all []Route
	for _, e := range a.routes() {
		all = append(all, Route{e.method, e.pattern, e.role})
	}
	return all
}

// The policy lets a page load from here alone and nothing run that stands in
// the page itself.
const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

func (a *Web) headed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if a.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// base is the prefix of every link: the path of the external address.
func (a *Web) base() string { return pathOf(a.External()) }

// pathOf is the path of an address, without the slash at its end.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// now is the time that a page is drawn for.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
