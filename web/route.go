package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"toban/access"
	"toban/oncall"
)

// handler answers one route. An error it returns becomes a page or, for who
// asks for JSON, a problem document.
type handler func(w http.ResponseWriter, r *http.Request, s *request) error

// route is one thing that can be asked for, and the role that it takes; anybody
// may ask for what has none.
type route struct {
	method, pattern string
	role            access.Role
	handle          handler
}

// open is the role of routes that anybody may ask for.
const open access.Role = ""

// routes are all of them.
func (a *Web) routes() []route {
	return slices.Concat(a.doorRoutes(), a.incidentRoutes(), a.ownRoutes(), a.manageRoutes(), a.monitorRoutes(), a.exploreRoutes(), a.signedRoutes(), a.assetRoutes())
}

// maxBody is how much a form may send.
const maxBody = 1 << 20

// page is the way of a request to its handler; outside says that it came by the
// listener that the internet may reach.
func (a *Web) page(e route, outside bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		s, err := a.enter(w, r, outside)
		if err == nil {
			err = s.may(r.Context(), e.role)
		}
		if err == nil && !isRead(r) {
			err = readForm(r)
		}
		if err == nil {
			err = e.handle(w, r.WithContext(s.context(r.Context())), s)
		}
		if err != nil {
			a.fail(w, r, s, err)
		}
	}
}

// may refuses who has no session, or less than the role.
func (s *request) may(ctx context.Context, role access.Role) error {
	s.need = role
	if role == open {
		return nil
	}
	return access.Require(s.context(ctx), role)
}

var (
	errForm  = &oncall.Error{Kind: oncall.Invalid, Code: "request.form", Message: "the form could not be read"}
	errLarge = &oncall.Error{Kind: oncall.TooLarge, Code: "request.too_large", Message: "what was sent is too large"}
)

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// readForm reads what a form or a script has sent.
func readForm(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "application/json":
		return nil // its handler reads it
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(maxBody)
	case err != nil && r.ContentLength != 0:
		return errForm
	default:
		err = r.ParseForm()
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errLarge
	case err != nil:
		return errForm
	}
	return nil
}

// wantsJSON reports whether a script asks and not a reader.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") || strings.Contains(accept, "application/problem+json")
}

// draw renders a page and sends it whole: one that can't be drawn is an error
// page, never half a page.
func (s *request) draw(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var body bytes.Buffer
	if err := page.Render(r.Context(), &body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept-Language, Accept-Encoding")
	return send(w, r, status, body.Bytes())
}

// small is what is not worth packing.
const small = 1 << 10

// send writes a body, packed for who understands that.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	packed := len(body) > small && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	if packed {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if !packed {
		_, _ = w.Write(body) // who has gone needs no answer
		return nil
	}
	z := gzip.NewWriter(w)
	_, _ = z.Write(body)
	_ = z.Close()
	return nil
}

// redirect sends the reader to a path of ours: what was posted is not posted
// again by going back.
func (s *request) redirect(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, s.base+path, http.StatusSeeOther)
	return nil
}

// context carries who asks to the story packages.
func (s *request) context(ctx context.Context) context.Context {
	if !s.known {
		return ctx
	}
	return access.With(ctx, s.who)
}
