package heartbeat

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"toban/internal/peer"
	"toban/oncall"
	"toban/store"
)

// prefix is what the addresses begin with.
const prefix = "/ping/"

// maxBody is how much is read of what a ping has with it; of that
// store.MaxPingBody is kept. A longer one is not read to its end, and counts.
const maxBody = 100_000

// maxPath bounds an address.
const maxPath = 512

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// What a sender can be told, in the words of healthchecks where it has any.
var (
	errNotFound  = &refusal{http.StatusNotFound, "not found"}
	errNotMade   = &refusal{http.StatusNotFound, "not found: heartbeats are not made by pinging them here; add one with this slug to the configuration"}
	errURL       = &refusal{http.StatusBadRequest, "invalid url format"}
	errUUID      = &refusal{http.StatusBadRequest, "invalid uuid format"}
	errAmbiguous = &refusal{http.StatusConflict, "ambiguous slug"}
	errLimited   = &refusal{http.StatusTooManyRequests, "rate limited: this heartbeat is pinged too often"}
	errEarly     = &refusal{http.StatusServiceUnavailable, "toban is just starting; ping again in a moment"}
	errStore     = &refusal{http.StatusServiceUnavailable, "it could not be stored; ping again in a moment"}
)

type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// Handler serves /ping/…, at the root of its mux.
func (l *Listener) Handler() http.Handler { return http.HandlerFunc(l.serve) }

func (l *Listener) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store") // a proxy that answers in our place would keep a dead job alive
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut:
	default:
		h.Set("Allow", "GET, HEAD, POST, PUT")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	err := l.ping(r)
	var no *refusal
	switch {
	case err == nil:
		h.Set("Ping-Body-Limit", strconv.Itoa(store.MaxPingBody))
		_, _ = io.WriteString(w, "OK") // who does not hear it pings again
		return
	case !errors.As(err, &no):
		l.log.ErrorContext(r.Context(), "ping not stored", "err", err)
		no = errStore
	}
	if no.status == http.StatusTooManyRequests || no.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(no.status)
	_, _ = io.WriteString(w, no.text)
}

// ping takes one ping; nil once it is committed.
func (l *Listener) ping(r *http.Request) error {
	at := time.Now().UTC().Truncate(time.Millisecond)
	e, action, err := l.find(r)
	if err != nil {
		return err
	}
	ping := oncall.HeartbeatPing{At: at}
	if ping.Kind, ping.Exit, err = meaning(action); err != nil {
		return err
	}
	if query := r.URL.Query(); query.Has("rid") {
		if ping.Run = strings.ToLower(query.Get("rid")); !uuidShape.MatchString(ping.Run) {
			return errUUID
		}
	}
	limiter := e.pings
	if ping.Kind == oncall.PingFail {
		limiter = e.failures
	}
	if !limiter.Allow() {
		return errLimited
	}
	// A body that breaks off is kept as far as it came: the address was asked for,
	// and that is what counts.
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody))
	kept := store.Ping{
		HeartbeatPing: ping, Monitor: e.monitor.ID, Method: r.Method, Agent: r.UserAgent(),
		Body: string(body[:min(len(body), store.MaxPingBody)]),
	}
	if from := peer.Of(r); from.IsValid() {
		kept.Address = from.String()
	}
	known, err := l.hear(r.Context(), &heard{entry: e, ping: kept})
	if err == nil && !known {
		return errNotFound
	}
	return err
}

// find reads the address: {uuid} or {ping key}/{slug}, and behind it what is said.
func (l *Listener) find(r *http.Request) (e *entry, action string, err error) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok || len(path) > maxPath {
		return nil, "", errNotFound
	}
	parts := strings.Split(path, "/")
	if len(parts) > 3 {
		return nil, "", errNotFound
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return nil, "", errEarly
	}
	if e = l.byUUID[strings.ToLower(parts[0])]; e != nil && len(parts) <= 2 {
		return e, strings.Join(parts[1:], ""), nil
	}
	if len(parts) == 1 {
		return nil, "", errNotFound
	}
	slug := parts[1]
	if slug != strings.ToLower(slug) {
		return nil, "", errURL
	}
	if !l.addresses.isPingKey(parts[0]) {
		return nil, "", errNotFound
	}
	switch found := l.bySlug[slug]; len(found) {
	case 0:
		if r.URL.Query().Get("create") == "1" {
			return nil, "", errNotMade
		}
		return nil, "", errNotFound
	case 1:
		return found[0], strings.Join(parts[2:], ""), nil
	}
	return nil, "", errAmbiguous
}

// meaning is what the last part of an address says.
func meaning(action string) (kind oncall.PingKind, exit *int, err error) {
	switch action {
	case "":
		return oncall.PingSuccess, nil, nil
	case "start":
		return oncall.PingStart, nil, nil
	case "fail":
		return oncall.PingFail, nil, nil
	case "log":
		return oncall.PingLog, nil, nil
	}
	if strings.Trim(action, "0123456789") != "" {
		return "", nil, errNotFound
	}
	status, err := strconv.Atoi(action)
	if err != nil || status > oncall.MaxExit {
		return "", nil, errURL
	}
	return oncall.PingOfExit(status), &status, nil
}
