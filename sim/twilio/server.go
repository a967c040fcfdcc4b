// Package twilio imitates the part of Twilio's voice API that a pager uses:
// calls with their life, TwiML, key presses, status callbacks with signatures,
// and the ways all of that goes wrong. It is a program handler, a page with
// phones on it, and a test double: one implementation, so that the demo and the
// tests cannot disagree.
//
// It is as strict as the real service and can misbehave by script. It knows
// nothing of its caller, rings nobody, and sends nothing but the callbacks it
// was asked for. Every wait is a timer, so that it works inside a
// testing/synctest bubble: make the Server in the bubble, reach it through
// Transport, give it an Options.Client that answers in process as well, and
// Close it before the bubble ends.
package twilio

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Server is the simulated provider with its accounts, calls and phones. Make it
// with New; it is an http.Handler and safe for concurrent use.
type Server struct {
	options  Options
	client   *http.Client
	mux      *http.ServeMux
	accounts map[string]*account

	ctx  context.Context // ends with Close, and with it every wait
	stop context.CancelFunc
	work sync.WaitGroup // the goroutines of all legs

	mu       sync.Mutex // guards everything below, and the legs
	closed   bool
	changed  chan struct{} // closed and replaced at every change
	legs     []*leg        // oldest first
	bySID    map[string]*leg
	requests []*Request
	handsets map[string]*handset
	order    []string // numbers of handsets as they became known
	faults   []Fault
	streams  int
}

// New makes a server. It starts no goroutine; calls do, and Close ends them.
func New(options Options) *Server {
	options = options.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options:  options,
		client:   options.Client,
		mux:      http.NewServeMux(),
		accounts: make(map[string]*account, len(options.Accounts)),
		ctx:      ctx,
		stop:     stop,
		changed:  make(chan struct{}),
		bySID:    make(map[string]*leg),
		handsets: make(map[string]*handset),
	}
	if s.client == nil {
		s.client = ownClient()
	}
	for _, a := range options.Accounts {
		s.accounts[a.SID] = newAccount(a, options.CallsPerSecond)
	}
	for _, p := range options.People {
		s.handset(p.Number).person = p
	}
	s.routes()
	return s
}

// ServeHTTP answers the REST API below /2010-04-01/, the page /sim/phones and
// the control addresses below /sim/twilio/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close cuts every live call, without telling anybody, and waits until the last
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
// change of any call. The error is ctx's, or context.Canceled after Close.
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

// touch tells everybody who waits that something is different. s.mu is held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// pace turns a span of simulated time into one of real time.
func (s *Server) pace(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.options.Pace)
}

// rest waits for a span of real time; false means that ctx ended before.
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
