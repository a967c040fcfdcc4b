package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"toban/detect"
	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store"
)

func TestMain(m *testing.M) {
	// The PostgreSQL that all tests share ends with this process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
}

// core is a toban as agents meet it.
type core struct {
	t    *testing.T
	db   *store.DB
	desk *desk
	m    *detect.Monitors
	stop func()

	handler atomic.Pointer[http.Handler] // nil = it is down
	held    atomic.Bool

	mu      sync.Mutex
	keys    map[string]*oncall.Integration
	samples []remotewrite.Sample
}

// newCore prepares a core with a key for each location, called as the location is.
func newCore(t *testing.T, db *store.DB, locations ...string) *core {
	t.Helper()
	c := &core{t: t, db: db, desk: &desk{}, keys: map[string]*oncall.Integration{}}
	for _, l := range locations {
		c.keys["key-of-"+l] = &oncall.Integration{ID: oncall.IntegrationID(l), Dialect: Dialect, Location: l}
	}
	return c
}

// start begins a life of the core.
func (c *core) start() *core {
	c.t.Helper()
	c.m = detect.New(detect.Options{DB: c.db, Acceptor: c.desk, Log: slog.New(slog.DiscardHandler)})
	if err := c.m.Follow(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	door := NewDoor(DoorOptions{Admit: c.admit, Monitors: c.m, Append: c.keep, Held: c.held.Load, Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	door.Routes(mux)
	handler := http.Handler(mux)
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() { done <- c.m.Run(ctx) }()
	c.handler.Store(&handler)
	c.stop = func() {
		c.handler.Store(nil)
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("run: %v", err)
		}
	}
	return c
}

func (c *core) admit(_ *http.Request, key, dialect string) (*oncall.Integration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in := c.keys[key]; in != nil && in.Dialect == dialect {
		return in, nil
	}
	return nil, &oncall.Error{Kind: oncall.Denied, Code: "intake.unknown_key", Message: "this integration key is unknown or has been revoked"}
}

func (c *core) keep(samples []remotewrite.Sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, samples...)
}

// RoundTrip implements http.RoundTripper.
func (c *core) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := c.handler.Load()
	if handler == nil {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	(*handler).ServeHTTP(w, r)
	return w.Result(), nil
}

// apply makes these the configuration.
func (c *core) apply(monitors []*oncall.Monitor, locations ...*oncall.Location) {
	c.t.Helper()
	objects := []store.Object{{Kind: store.ObjectSettings, Name: "settings", Body: []byte(`{"Zone":"Asia/Tokyo"}`)}}
	add := func(kind, name string, v any) {
		body, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		objects = append(objects, store.Object{Kind: kind, Name: name, Body: body})
	}
	for _, m := range monitors {
		add(store.ObjectMonitor, string(m.ID), m)
	}
	for _, l := range locations {
		add(store.ObjectLocation, l.Name, l)
	}
	err := c.db.Tx(c.t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Apply(c.t.Context(), objects)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// status is how a monitor stands.
func (c *core) status(id oncall.MonitorID) detect.Status {
	c.t.Helper()
	s, err := c.m.Monitor(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *core) want(id oncall.MonitorID, want oncall.MonitorStatus) {
	c.t.Helper()
	if got := c.status(id).State.Now(); got != want {
		c.t.Errorf("%s: got %s, want %s", id, got, want)
	}
}

func (c *core) said(lines ...string) {
	c.t.Helper()
	if got := c.desk.said(); !slices.Equal(got, lines) {
		c.t.Errorf("got %q said, want %q", got, lines)
	}
}

func (c *core) failures(id oncall.MonitorID) (list []store.MonitorFailure) {
	c.t.Helper()
	err := c.db.Read(c.t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.MonitorFailures(c.t.Context(), id)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}

// desk takes signals.
type desk struct {
	mu  sync.Mutex
	all []string
}

func (d *desk) Accept(_ context.Context, signals []oncall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range signals {
		d.all = append(d.all, string(s.Action)+" "+strings.TrimSuffix(s.Key, "@test"))
	}
	return nil
}

func (d *desk) said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.all
	d.all = nil
	return all
}

// site is an agent with what it sees of the world.
type site struct {
	*Agent
	core *core
	stop func()

	mu      sync.Mutex
	down    map[string]bool // by address
	blind   bool            // nothing is reached at all
	cut     bool            // the core is not reached
	key     string
	asked   map[string]int
	refuses string // a monitor that can't be asked
	folder  string // that keeps its list
}

func newSite(c *core, location string) *site {
	s := &site{core: c, down: map[string]bool{}, key: "key-of-" + location, asked: map[string]int{}}
	return s
}

// start begins a life of the agent.
func (s *site) start() *site {
	s.Agent = New(Options{
		Server: "http://core/sub/", Key: func() (string, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.key, nil },
		Transport: s, Version: "v1", Folder: s.folder, Log: slog.New(slog.DiscardHandler),
	})
	s.compile = func(m *oncall.Monitor) (probe.Checker, error) {
		if string(m.ID) == s.refuses {
			return nil, errors.New("this agent may not read env:KEY")
		}
		return s, nil
	}
	ctx, cancel := context.WithCancel(s.core.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.core.t.Errorf("run of an agent: %v", err)
		}
	}
	return s
}

// RoundTrip implements http.RoundTripper: the way to the core.
func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	if cut {
		return nil, errors.New("no route to host")
	}
	r = r.Clone(r.Context())
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/sub")
	return s.core.RoundTrip(r)
}

// Check implements probe.Checker; an answer takes ten milliseconds.
func (s *site) Check(_ context.Context, address string) *probe.Result {
	start := time.Now()
	<-time.NewTimer(10 * time.Millisecond).C
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[address]++
	r := &probe.Result{
		Up: !s.down[address] && !s.blind, Start: start, Duration: time.Since(start), Phases: []probe.Phase{{Name: "connect", Duration: time.Millisecond}},
		Certificate: &probe.Certificate{Names: []string{address}, Earliest: start.Add(time.Hour)},
	}
	if !r.Up {
		r.Reason, r.Message, r.Evidence = probe.ReasonStatus, "503, wanted 200", &probe.Evidence{Tried: []string{address}, Status: "HTTP/1.1 503"}
	}
	return r
}

func (s *site) set(f func(s *site)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *site) fail(address string, down bool) { s.set(func(s *site) { s.down[address] = down }) }

func (s *site) times(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[address]
}

// monitor is one that asks its own name from some locations.
func monitor(id string, locations ...string) *oncall.Monitor {
	return &oncall.Monitor{
		ID: oncall.MonitorID(id), Name: id, Kind: oncall.MonitorHTTP, Target: id, Module: "{}", Every: 15 * time.Second, Timeout: 10 * time.Second,
		Severity: oncall.Critical, Down: oncall.Threshold{Count: 2}, Locations: locations,
	}
}

// reference is the one reference of a location.
func reference(location string) *oncall.Location {
	m := monitor("location/" + location + "/1")
	m.Target, m.Every, m.Timeout, m.Locations = "198.51.100.1", 5*time.Second, 3*time.Second, nil
	return &oncall.Location{Name: location, References: []*oncall.Monitor{m}}
}

// recorder keeps the last request's body.
type recorder struct{ body []byte }

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	r.body = body
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: req}, err
}
