// Package problem turns errors into RFC 9457 problem documents. It is the only
// place where an error becomes an HTTP answer, so that every edge of toban says
// the same thing about the same failure and none shows what is internal.
package problem

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"toban/oncall"
)

// Document is an RFC 9457 problem document with toban's stable code.
type Document struct {
	Type   string `json:"type"` // /docs/errors#<code>, below where toban is
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"` // JSON pointer to the offending member
}

// Status maps the kinds of failure to HTTP.
func Status(k oncall.Kind) int {
	switch k {
	case oncall.Invalid:
		return http.StatusBadRequest
	case oncall.NotFound:
		return http.StatusNotFound
	case oncall.Conflict:
		return http.StatusConflict
	case oncall.Unauthenticated:
		return http.StatusUnauthorized
	case oncall.Denied:
		return http.StatusForbidden
	case oncall.TooLarge:
		return http.StatusRequestEntityTooLarge
	case oncall.Limited:
		return http.StatusTooManyRequests
	case oncall.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Of describes err. An error that is no *oncall.Error, or an internal one, says
// nothing but that something went wrong.
func Of(err error) Document {
	var e *oncall.Error
	if !errors.As(err, &e) || e.Kind == oncall.Internal {
		return Document{
			Type: "/docs/errors#internal", Title: http.StatusText(http.StatusInternalServerError),
			Status: http.StatusInternalServerError, Code: "internal", Detail: "something went wrong; the operator's log says what",
		}
	}
	status := Status(e.Kind)
	return Document{Type: "/docs/errors#" + e.Code, Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code, Field: e.Field}
}

// Write answers a request with err. Internal errors are logged here, once.
func Write(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	doc := Of(err)
	if doc.Status == http.StatusInternalServerError {
		log.ErrorContext(r.Context(), "request failed", "method", r.Method, "route", r.Pattern, "err", err)
	}
	Send(w, r, doc)
}

// Send writes doc as the answer to r. Answers that ask the sender to come back say when.
func Send(w http.ResponseWriter, r *http.Request, doc Document) {
	doc.Type = Path(r.Context()) + doc.Type
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if doc.Status == http.StatusServiceUnavailable || doc.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(doc.Status)
	_ = json.NewEncoder(w).Encode(doc) // the client is gone: there is nobody to tell
}

// retryAfter is what a refused sender is told to wait, in seconds.
const retryAfter = 1
