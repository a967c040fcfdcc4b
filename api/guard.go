package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/internal/peer"
	"toban/internal/problem"
	"toban/oncall"
)

// Handler answers on the network: /api/v1 for who shows a token, or the session
// of the pages, and /docs for anybody.
func (a *API) Handler() http.Handler { return a.guarded(a.caller, true) }

// Local answers at the socket. Whoever may open that may do everything.
func (a *API) Local() http.Handler { return a.guarded(a.operator, false) }

var (
	errNoPage      = &oncall.Error{Kind: oncall.NotFound, Code: "page.not_found", Message: "there is nothing at this address"}
	errMethod      = &oncall.Error{Kind: oncall.NotFound, Code: "request.method", Message: "this address does not take that method; the header Allow says which it takes"}
	errCrossOrigin = &oncall.Error{Kind: oncall.Denied, Code: "request.cross_origin", Message: "the request was sent from a page of another site"}
	errScheme      = &oncall.Error{Kind: oncall.Unauthenticated, Code: "access.scheme", Message: "say who asks with the header `Authorization: Bearer` and a token (`toban token new`)"}
	errTooMany     = &oncall.Error{Kind: oncall.Limited, Code: "request.rate", Message: "too many requests at once; wait as Retry-After says"}
)

// guarded lets through who may: it finds out who asks, how often, for what, and
// whether that is theirs to ask.
func (a *API) guarded(who func(*http.Request) (access.Principal, error), limited bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		_, pattern := a.mux.Handler(r)
		op := a.ops[pattern]
		if op == nil && pattern != "" { // documentation: nothing of this installation is in it
			a.mux.ServeHTTP(w, r)
			return
		}
		h.Set("Cache-Control", "no-store")
		p, err := who(r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if limited && !a.limits.allow(p) {
			a.refuse(w, r, errTooMany)
			return
		}
		if op == nil {
			a.nowhere(w, r)
			return
		}
		ctx := access.With(r.Context(), p)
		if err := a.may(ctx, op.OperationID); err != nil {
			a.refuse(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limitOf(op)+1) // one more, so that the operation itself says what is too much
		a.once(w, r.WithContext(ctx), p, op)
	})
}

// maxBody is what an operation takes that does not say.
const maxBody = 1 << 20

func limitOf(op *huma.Operation) int64 {
	if op.MaxBodyBytes > 0 {
		return op.MaxBodyBytes
	}
	return maxBody
}

// may refuses who lacks the role of an operation, and everybody for one that has
// none.
func (a *API) may(ctx context.Context, operation string) error {
	role, known := a.roles[operation]
	if !known {
		return errNoPage
	}
	return access.Require(ctx, role)
}

// caller is who asks on the network.
func (a *API) caller(r *http.Request) (p access.Principal, err error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, ok := strings.Cut(header, " ")
		if !ok || !strings.EqualFold(scheme, "bearer") {
			return p, errScheme
		}
		p, err = a.o.Access.Token(r.Context(), strings.TrimSpace(secret))
		if isUnauthenticated(err) && !a.limits.guess(peer.Network(peer.Of(r))) {
			return p, errTooMany
		}
		return p, err
	}
	if a.o.Cookie != "" {
		if c, e := r.Cookie(a.o.Cookie); e == nil && c.Value != "" {
			if a.cross.Check(r) != nil {
				return p, errCrossOrigin
			}
			p, err = a.o.Access.Session(r.Context(), c.Value)
			if isUnauthenticated(err) && !a.limits.guess(peer.Network(peer.Of(r))) {
				return p, errTooMany
			}
			return p, err
		}
	}
	return p, errScheme
}

func isUnauthenticated(err error) bool {
	e, ok := errors.AsType[*oncall.Error](err)
	return ok && e.Kind == oncall.Unauthenticated
}

// nowhere answers what is no operation: another method would be one, or none.
func (a *API) nowhere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		a.refuse(w, r, errNoPage)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	doc := problem.Of(errMethod)
	doc.Status, doc.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	problem.Send(w, r, doc)
}

// refuse answers a request that reaches no operation.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch doc := problem.Of(err); doc.Status {
	case http.StatusUnauthorized:
		challenge := `Bearer realm="toban"`
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	case http.StatusForbidden:
		w.Header().Set("WWW-Authenticate", `Bearer realm="toban", error="insufficient_scope"`)
	}
	problem.Write(w, r, a.o.Log, err)
}
