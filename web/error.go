package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"toban/i18n"
	"toban/internal/problem"
	"toban/oncall"
	"toban/web/view"
)

// codeRole is the code of a role that is too low.
const codeRole = "access.role"

// fail turns an error into what is seen of it. It is the only place where that
// happens: what is internal is logged here and said nowhere.
func (a *Web) fail(w http.ResponseWriter, r *http.Request, s *request, err error) {
	if r.Context().Err() != nil { // who asked has gone, or was too slow: nobody reads a page
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	e := public(err)
	if e.Kind == oncall.Internal {
		a.Log.ErrorContext(r.Context(), "page failed", "path", loggable(r), "err", err)
	}
	w.Header().Del("Content-Encoding")
	if wantsJSON(r) {
		problem.Write(w, r, a.Log, e)
		return
	}
	if e.Kind == oncall.Unauthenticated && !strings.HasPrefix(r.URL.Path, "/i/") {
		_ = s.redirect(w, r, "/login?next="+url.QueryEscape(returnTo(r, s.base)))
		return
	}
	p := s.shell(s.t("error.title"), "")
	page := view.ErrorPage{Code: e.Code, Text: said(s.lang, e), Need: string(s.need), Denied: e.Kind == oncall.Denied && e.Code == codeRole}
	if isRead(r) && e.Kind != oncall.NotFound && e.Kind != oncall.Denied && e.Kind != oncall.Conflict { // those stay what they are
		page.Retry = local(r.URL.RequestURI())
	}
	if err := s.draw(w, r, problem.Status(e.Kind), view.Failure(p, page, s.known)); err != nil {
		a.Log.ErrorContext(r.Context(), "error page failed", "err", err)
		http.Error(w, e.Message, http.StatusInternalServerError)
	}
}

// loggable is a path for the log, without what is secret in it.
func loggable(r *http.Request) string {
	if first, _, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); ok {
		return "/" + first + "/…"
	}
	return r.URL.Path
}

// public is an error as it may be seen.
func public(err error) *oncall.Error {
	if e, ok := errors.AsType[*oncall.Error](err); ok {
		return e
	}
	doc := problem.Of(err)
	return &oncall.Error{Kind: oncall.Internal, Code: doc.Code, Message: doc.Detail}
}

// said is an error in the reader's language; one that has no words there is
// said in its own.
func said(lang string, e *oncall.Error) string {
	return i18n.In(lang).Or(e.Message, "error."+e.Code)
}

// returnTo is the page that a reader without a session wanted: the one asked
// for, or for a form the one it stood on.
func returnTo(r *http.Request, base string) string {
	if isRead(r) {
		return local(r.URL.RequestURI())
	}
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return local(strings.TrimPrefix(u.RequestURI(), base))
}

func isUnauthenticated(err error) bool {
	var e *oncall.Error
	return errors.As(err, &e) && e.Kind == oncall.Unauthenticated
}
