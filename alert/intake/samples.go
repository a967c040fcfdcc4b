package intake

import (
	"net/http"

	"toban/internal/problem"
)

// Samples lets remote write through to next, for whoever shows a key of an
// integration of the dialect remote_write. Such a key is good for nothing else:
// what sends samples from somewhere can neither read nor raise an alert by hand.
func (i *Intake) Samples(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := i.Authenticate(r, shownKey(r))
		switch {
		case err == nil && in.Dialect != "remote_write":
			err = ErrMismatch
		case err == nil && !i.limits.allow(in):
			err = ErrLimited // a remote write comes back on 429
		}
		if err != nil {
			i.figures.refuse("remote_write", err)
			problem.Write(w, r, i.log, err)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
		r.Header.Del("X-Api-Key")
		next.ServeHTTP(w, r)
	})
}
