// Package push imitates a push service and the browsers behind it: what Chrome,
// Firefox and Safari have at the other end of a web push message (RFC 8030,
// 8188, 8291 and 8292). It is a handler and a test double: one implementation,
// so that the demo and the tests cannot disagree.
//
// It is as strict as the real ones about the sender's token, the headers and the
// size; its devices read the messages with keys of their own, as a browser
// does; and it can refuse by script. It shows nothing to anybody.
package push

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what a Server is like.
type Options struct {
	URL       string // its own origin; "" = https://push.example.jp
	MaxDevice int    // devices it keeps; zero = 1000
}

// Server is the simulated push service. Make it with New; it is safe for
// concurrent use.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu      sync.Mutex
	devices map[string]*Device
	faults  []Fault
	asked   int
}

// Fault is an answer in place of the usual one. The message is not taken.
type Fault struct {
	Status     int           // zero = the usual answer, after Slow
	RetryAfter string        // a header
	Drop       bool          // cut the connection
	Slow       time.Duration // before anything else
}

const (
	maxBody    = 4096 // what RFC 8030 asks for at least, and the services take at most
	maxTTL     = 28 * 24 * time.Hour
	maxKept    = 100 // messages that wait for a device, or are remembered of it
	maxDevices = 1000
)

// New makes a server.
func New(o Options) *Server {
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, "https://push.example.jp"), "/")
	o.MaxDevice = cmp.Or(o.MaxDevice, maxDevices)
	s := &Server{o: o, mux: http.NewServeMux(), devices: map[string]*Device{}}
	s.mux.HandleFunc("POST /send/{id}", s.send)
	return s
}

// ServeHTTP answers POST /send/{id}, the endpoints of its devices.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Fault makes the next requests go wrong, one fault each.
func (s *Server) Fault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Asked is how many requests have come, whatever became of them.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// refusal is the wire form of why a message was not taken.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal{status, text}) // the client went away: nothing is left to do
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	if s.misbehave(w, r) {
		return
	}
	d := s.device(r.PathValue("id"))
	if d == nil {
		refuse(w, http.StatusNotFound, "there is no such subscription")
		return
	}
	claims, status, text := s.admit(r.Header.Get("Authorization"), d.serverKey, time.Now())
	if status != 0 {
		refuse(w, status, text)
		return
	}
	m := Message{At: time.Now(), Audience: claims.Audience, Subject: claims.Subject}
	if status, text := m.readHeaders(r.Header); status != 0 {
		refuse(w, status, text)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case err != nil:
		refuse(w, http.StatusRequestEntityTooLarge, "a message has at most 4096 bytes")
		return
	case len(body) > 0 && r.Header.Get("Content-Encoding") != "aes128gcm":
		refuse(w, http.StatusBadRequest, "the content encoding must be aes128gcm")
		return
	case !s.deliver(d, m, body):
		refuse(w, http.StatusGone, "the device has unsubscribed")
		return
	}
	w.Header().Set("Location", s.o.URL+"/message/"+rand.Text())
	w.Header().Set("TTL", strconv.Itoa(int(m.TTL/time.Second)))
	w.WriteHeader(http.StatusCreated)
}

// misbehave answers by script; false means that the usual answer follows.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	s.asked++
	if len(s.faults) == 0 {
		s.mu.Unlock()
		return false
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	s.mu.Unlock()
	if f.Slow > 0 {
		wait := time.NewTimer(f.Slow)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // whoever asked has gone
		}
	}
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		return false
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	refuse(w, f.Status, http.StatusText(f.Status))
	return true
}

func (m *Message) readHeaders(h http.Header) (status int, text string) {
	ttl, err := strconv.ParseUint(h.Get("TTL"), 10, 31)
	if err != nil {
		return http.StatusBadRequest, "the header TTL is missing or no number of seconds"
	}
	m.TTL = min(time.Duration(ttl)*time.Second, maxTTL)
	m.Urgency = cmp.Or(h.Get("Urgency"), "normal")
	if !slices.Contains([]string{"very-low", "low", "normal", "high"}, m.Urgency) {
		return http.StatusBadRequest, "the header Urgency is none of very-low, low, normal and high"
	}
	m.Topic = h.Get("Topic")
	if len(m.Topic) > 32 || strings.ContainsFunc(m.Topic, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) {
		return http.StatusBadRequest, "the header Topic has at most 32 characters of base64url"
	}
	return 0, ""
}

// origin is a URL without its path, as the token's audience has it.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// errBrowser is what a browser throws at a bad applicationServerKey.
var errBrowser = errors.New("InvalidAccessError: the application server key is no point of P-256")
