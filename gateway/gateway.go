// Package gateway serves the URLs that callers already use: routes below a
// stage, /{stage}/{path}, each with its own way to say who may call. A route
// leads to an integration, and stage decides whether anybody real is reached:
// the same definition runs in staging against the simulators.
package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"toban/alert/intake"
	"toban/internal/problem"
	"toban/oncall"
)

// Errors that a caller is answered with.
var (
	ErrNoRoute = &oncall.Error{Kind: oncall.NotFound, Code: "gateway.no_route", Message: "no route of this stage answers to this method and path"}
	ErrAddress = &oncall.Error{Kind: oncall.Denied, Code: "gateway.address", Message: "this route is open to certain addresses only, and this request comes from another; see `from` of the route"}
	ErrNoKey   = &oncall.Error{Kind: oncall.Unauthenticated, Code: "gateway.no_key", Message: "this route needs an integration key: header X-Api-Key, or the password of basic authentication"}
)

// Gateway serves the routes of the directory.
type Gateway struct {
	directory func(ctx context.Context) (*oncall.Directory, error)
	intake    *intake.Intake
	log       *slog.Logger
}

// New returns a Gateway for the routes of whatever directory gives at the time
// of the request.
func New(directory func(ctx context.Context) (*oncall.Directory, error), in *intake.Intake, log *slog.Logger) *Gateway {
	return &Gateway{directory: directory, intake: in, log: log}
}

// ServeHTTP answers /{stage}/….
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage, route, err := g.find(r)
	if err == nil {
		var in *oncall.Integration
		if in, err = g.admit(r, route); err == nil {
			g.intake.Serve(w, r, in, stage)
			return
		}
	}
	problem.Write(w, r, g.log, err)
}

func (g *Gateway) find(r *http.Request) (oncall.Stage, oncall.Route, error) {
	dir, err := g.directory(r.Context())
	if err != nil {
		return "", oncall.Route{}, err
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	stage, ok := dir.Stages[oncall.Stage(first)]
	if !ok {
		return "", oncall.Route{}, ErrNoRoute
	}
	for _, route := range dir.Routes {
		if route.Method == r.Method && route.Path == "/"+rest {
			return stage.Name, route, nil
		}
	}
	return "", oncall.Route{}, ErrNoRoute
}

// admit checks who calls and returns the integration that the route leads to.
func (g *Gateway) admit(r *http.Request, route oncall.Route) (*oncall.Integration, error) {
	if route.Auth == "none" {
		if !within(r, route.From) {
			return nil, ErrAddress
		}
		return g.intake.Integration(r.Context(), route.To)
	}
	key := r.Header.Get("X-Api-Key")
	if route.Auth == "basic" {
		_, key, _ = r.BasicAuth()
	}
	if key == "" {
		return nil, ErrNoKey
	}
	in, err := g.intake.Authenticate(r, key)
	if err != nil {
		return nil, err
	}
	if in.ID != route.To {
		return nil, intake.ErrUnknownKey
	}
	return in, nil
}

// within reports whether the request comes from one of the networks. A proxy on
// this machine would make every caller local, so where a request says that it
// was forwarded the address it was forwarded for must be within as well.
func within(r *http.Request, networks []string) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	if !contains(networks, host) {
		return false
	}
	if r.Header.Get("Forwarded") != "" {
		return false
	}
	for _, line := range r.Header.Values("X-Forwarded-For") {
		for hop := range strings.SplitSeq(line, ",") {
			if !contains(networks, strings.TrimSpace(hop)) {
				return false
			}
		}
	}
	return true
}

func contains(networks []string, host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, n := range networks {
		if prefix, err := netip.ParsePrefix(n); err == nil && prefix.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
