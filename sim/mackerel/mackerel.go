// Package mackerel imitates the part of Mackerel's API that service metrics are
// posted to. It is a handler and a test double: one implementation, so that the
// demo and the tests cannot disagree.
//
// It is as strict as the real one about keys, names and how often a service may
// be posted to, forgets what is older than a day with a success as that does, and
// can go wrong by script. It watches nothing.
package mackerel

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Options say what a Server is like.
type Options struct {
	Keys      []string // that may write; none = every key but ReadOnly
	ReadOnly  []string // keys that may only read
	Services  []string // that exist; none = every well-formed one
	PerMinute int      // posts to one service in 60 s; zero = no limit
}

// Server is the simulated API. Make it with New; it is safe for concurrent use.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu     sync.Mutex
	values map[series]map[int64]float64
	posts  []Post
	taken  map[string][]time.Time
	faults []Fault
}

type series struct{ service, name string }

// Post is a request that was taken.
type Post struct {
	At      time.Time
	Service string
	Points  []Point
}

// Point is one value.
type Point struct {
	Name  string  `json:"name"`
	Time  int64   `json:"time"` // Unix seconds
	Value float64 `json:"value"`
}

// Fault is what happens to a request in place of the usual, or before it.
type Fault struct {
	Wait       time.Duration // before anything else, as long as the sender waits
	Status     int           // zero = the usual answer
	RetryAfter string
	Drop       bool // cut the connection
	Taken      bool // the points are kept all the same: only the answer is lost
}

const (
	maxBody  = 2 << 20
	maxPosts = 10_000 // that are remembered
	tooOld   = 24 * time.Hour
)

var (
	serviceShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,62}$`)
	nameShape    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// New makes a server.
func New(o Options) *Server {
	s := &Server{o: o, mux: http.NewServeMux(), values: map[series]map[int64]float64{}, taken: map[string][]time.Time{}}
	s.mux.HandleFunc("POST /api/v0/services/{service}/tsdb", s.post)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "Resource not found") })
	return s
}

// ServeHTTP answers POST /api/v0/services/{service}/tsdb.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Fault makes the next requests go wrong, one fault each.
func (s *Server) Fault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Posts returns what was taken, oldest first.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Points returns the values of a metric as a graph shows them, oldest first.
func (s *Server) Points(service, name string) []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Point
	for at, value := range s.values[series{service, name}] {
		list = append(list, Point{name, at, value})
	}
	slices.SortFunc(list, func(a, b Point) int { return cmp.Compare(a.Time, b.Time) })
	return list
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	f := s.fault()
	if f.Wait > 0 {
		timer := time.NewTimer(f.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	service := r.PathValue("service")
	var points []Point
	status, message := http.StatusRequestEntityTooLarge, "Request entity too large"
	if err == nil {
		status, message, points = s.judge(r.Header.Get("X-Api-Key"), service, body)
	}
	if f.Status == 0 && !f.Drop || f.Taken {
		if status == http.StatusOK {
			s.keep(service, points)
		}
	}
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		refuse(w, f.Status, http.StatusText(f.Status))
	case status != http.StatusOK:
		refuse(w, status, message)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true}`) // the client went away: nothing is left to do
	}
}

func (s *Server) fault() (f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	return f
}

// judge reads a request; the status is 200 for one that is taken.
func (s *Server) judge(key, service string, body []byte) (status int, message string, points []Point) {
	switch {
	case slices.Contains(s.o.ReadOnly, key):
		return http.StatusForbidden, "The API key doesn't have the required permissions", nil
	case key == "" || len(s.o.Keys) > 0 && !slices.Contains(s.o.Keys, key):
		return http.StatusUnauthorized, "Authentication failed. Please try with valid Api Key.", nil
	case !serviceShape.MatchString(service) || len(s.o.Services) > 0 && !slices.Contains(s.o.Services, service):
		return http.StatusNotFound, "Service not found", nil
	}
	var list []struct {
		Name  string
		Time  *int64
		Value *float64
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return http.StatusBadRequest, "Invalid JSON", nil
	}
	for _, p := range list {
		if !nameShape.MatchString(p.Name) || p.Time == nil || p.Value == nil {
			return http.StatusBadRequest, "Invalid metric", nil
		}
		points = append(points, Point{p.Name, *p.Time, *p.Value})
	}
	if !s.allow(service) {
		return http.StatusTooManyRequests, "Too many requests", nil
	}
	return http.StatusOK, "", points
}

func (s *Server) allow(service string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	recent := slices.DeleteFunc(s.taken[service], func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	if s.o.PerMinute > 0 && len(recent) >= s.o.PerMinute {
		s.taken[service] = recent
		return false
	}
	s.taken[service] = append(recent, now)
	return true
}

func (s *Server) keep(service string, points []Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.posts = append(s.posts, Post{now, service, points})
	s.posts = s.posts[max(0, len(s.posts)-maxPosts):]
	for _, p := range points {
		if now.Sub(time.Unix(p.Time, 0)) > tooOld {
			continue // with a success, as the real one
		}
		key := series{service, p.Name}
		if s.values[key] == nil {
			s.values[key] = map[int64]float64{}
		}
		s.values[key][p.Time] = p.Value
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": message}}) // as above
}
