package metrics

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// prefix is where everything is served, as toban's own listener shows it.
const prefix = "/prometheus"

const (
	// maxForm bounds the body of a question, in bytes; maxWrite that of a remote
	// write, whose unpacked size the library bounds at 32 MiB.
	maxForm  = 1 << 20
	maxWrite = 8 << 20
	// writesAtOnce and questionsAtOnce bound what is worked on; others wait for
	// so long.
	writesAtOnce    = 4
	questionsAtOnce = 16
	lineWait        = 10 * time.Second
	questionTimeout = queryTimeout + 10*time.Second
)

// gate answers from the first moment on, and lets through when the log has been
// replayed.
type gate struct {
	open      atomic.Pointer[http.Handler]
	questions chan struct{}
	writes    chan struct{}
}

func newGate() *gate {
	return &gate{questions: make(chan struct{}, questionsAtOnce), writes: make(chan struct{}, writesAtOnce)}
}

func (g *gate) admit(h http.Handler) { g.open.Store(&h) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := strings.TrimPrefix(r.URL.Path, prefix); path == "/-/healthy" {
		answer(w, http.StatusOK, "toban metrics is alive.")
		return
	}
	h := g.open.Load()
	if h == nil {
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, "The log of samples is being replayed.")
		return
	}
	(*h).ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // whoever asked has gone
}

// limited keeps requests to Prometheus' API within bounds; sound says what is
// wrong with a question that is short enough.
func (g *gate) limited(api http.Handler, sound func(url.Values) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line, size := g.questions, int64(maxForm)
		if r.URL.Path == "/write" {
			line, size = g.writes, maxWrite
		}
		if r.ContentLength > size {
			apiError(w, http.StatusRequestEntityTooLarge, "bad_data", "the request has more than "+strconv.FormatInt(size>>20, 10)+" MiB")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, size)
		if line == g.questions && !shortEnough(w, r) {
			return
		}
		if err := sound(r.Form); err != nil { // the form of a write has no query
			apiError(w, http.StatusUnprocessableEntity, "execution", err.Error())
			return
		}
		wait := time.NewTimer(lineWait)
		defer wait.Stop()
		select {
		case line <- struct{}{}:
			defer func() { <-line }()
		case <-r.Context().Done():
			return
		case <-wait.C:
			w.Header().Set("Retry-After", "1")
			apiError(w, http.StatusServiceUnavailable, "unavailable", "too many requests at once")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), questionTimeout)
		defer cancel()
		api.ServeHTTP(w, r.WithContext(ctx))
	})
}

// shortEnough refuses PromQL that no person has written.
func shortEnough(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/read" || len(r.URL.RawQuery) > maxForm {
		return true // protobuf; net/http has bounded the address already
	}
	if err := r.ParseForm(); err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", "the form can't be read: "+err.Error())
		return false
	}
	for _, name := range []string{"query", "match[]"} {
		for _, text := range r.Form[name] {
			if len(text) > maxQueryText {
				apiError(w, http.StatusBadRequest, "bad_data", name+" has more than "+strconv.Itoa(maxQueryText>>10)+" KiB")
				return false
			}
		}
	}
	return true
}

// apiError is an error in the form of Prometheus' API.
func apiError(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"status":"error","errorType":` + strconv.Quote(kind) + `,"error":` + strconv.Quote(text) + "}\n")) // whoever asked has gone
}
