package api

import (
	"net/http"

	"toban/access"
)

// Beside lets h answer on the network for those who may use the API, in the same
// way: a token or the session of the pages, the limits of callers, refusals as
// problem documents. Programs that know no bearers may show the token as the
// password of basic authentication. need says which role a request takes; ok is
// false for an address that does not exist. What h serves is not the API's, so
// cookies and tokens are not for it: it finds neither in the request.
func (a *API) Beside(need func(*http.Request) (role access.Role, ok bool), h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		if _, secret, ok := r.BasicAuth(); ok {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		p, err := a.caller(r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if !a.limits.allow(p) {
			a.refuse(w, r, errTooMany)
			return
		}
		role, ok := need(r)
		if !ok {
			a.refuse(w, r, errNoPage)
			return
		}
		ctx := access.With(r.Context(), p)
		if err := access.Require(ctx, role); err != nil {
			a.refuse(w, r, err)
			return
		}
		r = r.Clone(ctx)
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
		h.ServeHTTP(w, r)
	})
}
