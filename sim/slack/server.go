// Package slack imitates the part of Slack that an on-call platform uses: the
// Web API with its checks and limits, buttons that call back with a signature,
// the Events API, and the ways all of that goes wrong. It is a program handler,
// a page with a chat on it, and a test double: one implementation, so that the
// demo and the tests cannot disagree.
//
// It is as strict as the real service and can misbehave by script. It knows
// nothing of its caller, stores what is posted in memory, and sends nothing but
// the interactions and events it was given addresses for. Every wait is a
// timer, so that it works inside a testing/synctest bubble: make the Server in
// the bubble, reach it through Transport, give it an Options.Client that
// answers in process as well, and Close it before the bubble ends.
package slack

import (
	"context"
	"html/template"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is one simulated workspace with one app installed. Make it with New;
// it is an http.Handler and safe for concurrent use.
type Server struct {
	options Options
	client  *http.Client
	mux     *http.ServeMux
	methods map[string]method
	scopes  map[string]bool
	looks   *looks
	drawing func() *template.Template // parsed when it is first drawn

	ctx  context.Context // ends with Close, and with it every wait
	stop context.CancelFunc
	work sync.WaitGroup // the goroutines of all callbacks

	mu           sync.Mutex // guards everything below
	closed       bool
	changed      chan struct{} // closed and replaced at every change
	denied       string        // the error that every token gets, empty while it is good
	users        []User
	channels     []*channel
	groups       []*Group
	lastTS       int64 // microseconds of the newest message in the workspace
	sequence     int   // of everything that needs an id
	buckets      map[string]*bucket
	requests     []*Request
	callbacks    []*Callback
	faults       []Fault
	callFaults   []CallbackFault
	triggers     map[string]*trigger
	responseURLs map[string]*responseURL
	views        []View
	interactURL  string
	eventsURL    string
	verified     string // the events address that has shown it is the app's
	events       int    // that are being delivered or wait for a retry
	streams      int
}

// New makes a workspace. It starts no goroutine; callbacks do, and Close ends
// them.
func New(options Options) *Server {
	options = options.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options:      options,
		client:       options.Client,
		mux:          http.NewServeMux(),
		methods:      methods(),
		scopes:       make(map[string]bool, len(options.Scopes)),
		looks:        newLooks(),
		ctx:          ctx,
		stop:         stop,
		changed:      make(chan struct{}),
		buckets:      make(map[string]*bucket),
		triggers:     make(map[string]*trigger),
		responseURLs: make(map[string]*responseURL),
		interactURL:  options.InteractURL,
		eventsURL:    options.EventsURL,
	}
	s.drawing = sync.OnceValue(s.newPage)
	if s.client == nil {
		s.client = ownClient()
	}
	for _, scope := range options.Scopes {
		s.scopes[scope] = true
	}
	s.users = append(s.users, options.Users...)
	s.users = append(s.users, User{ID: options.Bot.UserID, Name: options.Bot.Name, RealName: options.Bot.Name, Bot: true})
	for _, g := range options.Groups {
		s.groups = append(s.groups, &g)
	}
	for _, c := range options.Channels {
		s.open(c)
	}
	s.routes()
	return s
}

// ServeHTTP answers the Web API below /api/, and below /sim/slack/ the page,
// the addresses to respond to, and the control addresses.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends every callback, without telling anybody, and waits until the last
// goroutine has ended. Requests that come later are answered with 503.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.work.Wait()
	if s.options.Client == nil {
		s.client.CloseIdleConnections()
	}
}

// Wait blocks until holds says true; it is asked at once and again after every
// change in the workspace. The error is ctx's, or context.Canceled after Close.
func (s *Server) Wait(ctx context.Context, holds func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if holds() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return context.Canceled
		}
	}
}

// SetCallbacks says where interactions and events go from now on; an empty
// address sends none.
func (s *Server) SetCallbacks(interactURL, eventsURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interactURL, s.eventsURL = interactURL, eventsURL
	s.touch()
}

// touch tells everybody who waits that something is different. s.mu is held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// rest waits for a span of time; false means that ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// joined is a context that ends with either.
func joined(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}

// ownClient reaches the callback's host directly: an HTTP proxy of the machine
// has no business with a simulation.
func ownClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: callbackLimit}).DialContext,
			MaxIdleConnsPerHost: 8,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
