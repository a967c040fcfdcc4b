package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"toban/alert/intake"
	"toban/gateway"
	"toban/internal/problem"
	"toban/oncall"
	"toban/web"
)

// server is one listener with what it answers.
type server struct {
	name     string
	listener net.Listener
	http     *http.Server
	fresh    fresh
}

// fresh are connections on which nothing has been asked yet. The library waits
// five seconds for each of them when it stops; browsers open some in advance, and
// a node must not hold its work that long.
type fresh struct {
	mu       sync.Mutex
	conns    map[net.Conn]bool
	stopping bool
}

func (f *fresh) state(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case s != http.StateNew:
		delete(f.conns, c)
	case f.stopping:
		_ = c.Close() // nobody has asked anything
	default:
		f.conns[c] = true
	}
}

func (f *fresh) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopping = true
	for c := range f.conns {
		_ = c.Close() // nobody has asked anything
	}
}

// Limits of a connection. A request is small; a sender that is slower than this
// says it again.
const (
	readWithin  = 15 * time.Second
	writeWithin = 60 * time.Second
	idleWithin  = 2 * time.Minute
	maxHeader   = 32 << 10
	stopWithin  = 10 * time.Second
)

func newServer(name string, l net.Listener, h http.Handler, log *slog.Logger) *server {
	s := &server{name: name, listener: l, fresh: fresh{conns: map[net.Conn]bool{}}}
	s.http = &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: s.fresh.state,
	}
	return s
}

// run serves until ctx ends, and then finishes the requests under way.
func (s *server) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }() // ends with Shutdown or Close
	select {
	case err := <-failed:
		return fmt.Errorf("%s listener: %w", s.name, err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	s.fresh.stop()
	err := s.http.Shutdown(stop)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// edges is who answers which path.
type edges struct {
	intake    *intake.Intake
	gateway   *gateway.Gateway
	callbacks http.Handler
	pings     http.Handler
	posts     http.Handler
	agents    http.Handler
	simulator http.Handler
	ready     func(context.Context) error
	api       http.Handler
	web       *web.Web
	metrics   http.Handler
	measured  http.Handler // how toban itself is
	log       *slog.Logger
}

var errNoPage = &oncall.Error{Kind: oncall.NotFound, Code: "page.not_found", Message: "there is nothing at this address"}

// main is everything.
func (e edges) main() http.Handler {
	mux := e.outside()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", readiness(e.ready))
	mux.Handle("/sim/", e.simulator)
	mux.Handle("/api/v1/", e.api)
	mux.Handle("/docs/", e.api)
	mux.Handle(prometheusPath+"/", e.metrics)
	mux.Handle("/metrics", e.measured)
	e.intake.Alertmanager(mux)
	pages := e.web.Handler()
	mux.Handle("/static/", pages)
	known := map[string]bool{}
	for _, r := range e.web.Roles() { // by path alone: the pages say themselves what a wrong method means
		if !known[r.Pattern] {
			known[r.Pattern] = true
			mux.Handle(r.Pattern, pages)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "/" && byReader(r) {
			pages.ServeHTTP(w, r) // which says in words that there is nothing
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// readiness says whether signals are taken, and in a sentence why they are not.
func readiness(ready func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}

// byReader reports whether a browser asks for a page, not a program for an
// answer.
func byReader(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// public is what senders and providers need, for a listener that the internet
// may reach.
func (e edges) public() http.Handler {
	mux := e.outside()
	signed := e.web.Signed()
	for _, pattern := range []string{"/i/", "/static/"} {
		mux.Handle(pattern, signed)
	}
	return mux
}

func (e edges) outside() *http.ServeMux {
	mux := http.NewServeMux()
	e.intake.Routes(mux)
	mux.Handle("/callbacks/", e.callbacks)
	mux.Handle("/ping/", e.pings)
	mux.Handle("/api/v0/", e.posts)
	mux.Handle("/agent/v1/", e.agents)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.Count(r.URL.Path, "/") < 2 {
			problem.Write(w, r, e.log, errNoPage)
			return
		}
		e.gateway.ServeHTTP(w, r)
	})
	return mux
}

// atSubPath lets h live below the path of an external URL: it answers there as
// well, for a proxy that does not cut the path off, and its redirects stay there,
// which routers that mend an address ("/docs", "//login") know nothing of.
func atSubPath(external string, h http.Handler) http.Handler {
	u, err := url.Parse(external)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return h
	}
	prefix := "/" + strings.Trim(u.Path, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(problem.WithPath(r.Context(), prefix))
		if rest, ok := strings.CutPrefix(r.URL.Path, prefix); ok && (rest == "" || rest[0] == '/') {
			raw, _ := strings.CutPrefix(r.URL.RawPath, prefix) // "" when it says nothing else than the path
			at, below := *r.URL, *r
			at.Path, at.RawPath = rest, raw
			if rest == "" {
				at.Path = prefix + "/"
				http.Redirect(w, r, at.RequestURI(), http.StatusPermanentRedirect)
				return
			}
			below.URL = &at
			r = &below
		}
		h.ServeHTTP(staying{w, prefix}, r)
	})
}

// staying is an answer that redirects to nowhere outside of a path.
type staying struct {
	http.ResponseWriter
	prefix string
}

// WriteHeader implements http.ResponseWriter.
func (s staying) WriteHeader(status int) {
	to := s.Header().Get("Location")
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to+"/", s.prefix+"/") {
		s.Header().Set("Location", s.prefix+to)
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController: streams flush and have deadlines.
func (s staying) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// listenSocket opens the socket of the command line; its file mode is the
// permission. One that a killed toban left behind is replaced: the store's own
// lock has already made sure that nobody else runs here.
func listenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket: %w (its path may be too long: choose a shorter --data)", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), l.Close())
	}
	return l, nil
}
