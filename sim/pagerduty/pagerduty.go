// Package pagerduty imitates the receiver of PagerDuty's Events API v2. It is a
// handler and a test double: one implementation, so that the demo and the tests
// cannot disagree.
//
// It is as strict as the real one about what an event must have, answers as it
// does, keeps alerts by their dedup key, and can refuse by script. It pages
// nobody.
package pagerduty

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options say what a Server is like.
type Options struct {
	Keys      []string // routing keys that exist; none = every well-formed one
	PerMinute int      // events of one key in 60 s; zero = 120
}

// Server is the simulated receiver. Make it with New; it is safe for concurrent
// use.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu     sync.Mutex
	events []Event
	alerts map[string]*Alert // by routing key and dedup key
	taken  map[string][]time.Time
	faults []Fault
}

// Event is one that was accepted.
type Event struct {
	At         time.Time
	RoutingKey string
	Action     string
	DedupKey   string
	Summary    string
	Source     string
	Severity   string
	Timestamp  string
	Links      int
}

// Alert is what became of the events with one dedup key.
type Alert struct {
	RoutingKey, DedupKey string
	State                string // triggered, acknowledged, resolved
	Events               int
}

// Fault is an answer in place of the usual one. The event is not taken.
type Fault struct {
	Status     int
	RetryAfter string
	Drop       bool // cut the connection
}

const (
	maxBody   = 512 << 10
	keyLength = 32
	maxDedup  = 255
	perMinute = 120
)

// New makes a server.
func New(o Options) *Server {
	if o.PerMinute <= 0 {
		o.PerMinute = perMinute
	}
	s := &Server{o: o, mux: http.NewServeMux(), alerts: map[string]*Alert{}, taken: map[string][]time.Time{}}
	s.mux.HandleFunc("POST /v2/enqueue", s.enqueue)
	return s
}

// ServeHTTP answers POST /v2/enqueue.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Fault makes the next requests go wrong, one fault each.
func (s *Server) Fault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Events returns what was accepted, oldest first.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Alert returns the alert with that dedup key, if there is one.
func (s *Server) Alert(routingKey, dedupKey string) (Alert, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.alerts[routingKey+" "+dedupKey]
	if !ok {
		return Alert{}, false
	}
	return *a, true
}

// answer is the wire form of what the receiver says.
type answer struct {
	Status   string   `json:"status"`
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

func (s *Server) enqueue(w http.ResponseWriter, r *http.Request) {
	if f, ok := s.takeFault(); ok {
		if f.Drop {
			panic(http.ErrAbortHandler)
		}
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, http.StatusRequestEntityTooLarge, answer{Status: "invalid event", Message: "Event object is too large", Errors: []string{"the request is larger than 512 KB"}})
		return
	}
	e, problems, err := read(body)
	switch {
	case err != nil:
		write(w, http.StatusBadRequest, answer{Status: "Unrecognized object", Message: "Event object format is unrecognized", Errors: []string{"JSON parse error"}})
		return
	case len(problems) > 0:
		write(w, http.StatusBadRequest, answer{Status: "invalid event", Message: "Event object is invalid", Errors: problems})
		return
	}
	e.At = time.Now()
	if !s.take(&e) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	write(w, http.StatusAccepted, answer{Status: "success", Message: "Event processed", DedupKey: e.DedupKey})
}

func (s *Server) takeFault() (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}, false
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f, true
}

// take keeps an event; false means that its key has had too many.
func (s *Server) take(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := slices.DeleteFunc(s.taken[e.RoutingKey], func(at time.Time) bool { return e.At.Sub(at) >= time.Minute })
	if len(recent) >= s.o.PerMinute {
		s.taken[e.RoutingKey] = recent
		return false
	}
	s.taken[e.RoutingKey] = append(recent, e.At)
	if e.DedupKey == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		e.DedupKey = hex.EncodeToString(b[:])
	}
	if len(s.o.Keys) > 0 && !slices.Contains(s.o.Keys, e.RoutingKey) {
		return true // the real one answers 202 as well and drops it later
	}
	s.events = append(s.events, *e)
	key := e.RoutingKey + " " + e.DedupKey
	a := s.alerts[key]
	open := a != nil && a.State != "resolved"
	switch {
	case e.Action == "trigger" && !open:
		s.alerts[key] = &Alert{RoutingKey: e.RoutingKey, DedupKey: e.DedupKey, State: "triggered", Events: 1}
	case !open: // an alert is never made by its end
	case e.Action == "acknowledge":
		a.State = "acknowledged"
		a.Events++
	case e.Action == "resolve":
		a.State = "resolved"
		a.Events++
	default:
		a.Events++
	}
	return true
}

func write(w http.ResponseWriter, status int, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // the client went away: nothing is left to do
}

// Transport carries requests to s without a network, so that clients work
// inside a synctest bubble. The host of the request does not matter.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ h http.Handler }

// RoundTrip runs the handler in the caller's goroutine.
func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	defer func() {
		broken := recover()
		if broken == nil {
			return
		}
		if cut, ok := broken.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
			panic(broken)
		}
		res, err = nil, errors.Join(io.ErrUnexpectedEOF, r.Context().Err())
	}()
	w := &recorder{header: http.Header{}}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	p.h.ServeHTTP(w, in)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
