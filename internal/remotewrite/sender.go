// Package remotewrite sends samples to a Prometheus by remote write 1.0: to the
// embedded one over its socket, or to one of the user's own. It is best effort
// and never in the way: Append does not block and costs some tens of
// nanoseconds a sample, and what can't be sent in time is let go, the oldest
// first, and counted. No alert depends on it.
package remotewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang/snappy"
)

// Target is where samples go.
type Target struct {
	URL    string // of the receiver, such as http://127.0.0.1:9090/api/v1/write
	Socket string // path of a unix socket to reach it by; "" = by the network
	User   string // of basic authentication; "" = none
	// Password is that of User. Token is sent as a bearer's where there is no
	// User. Neither is ever logged.
	Password, Token string
}

// LogValue is what a log shows.
func (t Target) LogValue() slog.Value { return slog.StringValue(t.URL) }

// Options say how samples are sent.
type Options struct {
	Target Target
	Every  time.Duration // how long a sample waits for others; zero = 500 ms
	Batch  int           // samples in a request at most; zero = 5,000
	Queue  int           // samples that may wait; zero = 262,144, 6 MiB
	Log    *slog.Logger
	// Transport carries the requests; nil = one of its own.
	Transport http.RoundTripper
}

// Stats counts samples since New.
type Stats struct {
	Sent    uint64 // accepted by the receiver
	Dropped uint64 // let go because too many waited, or for too long
	Refused uint64 // by the receiver, for good
	Failed  uint64 // requests that failed and were tried again
	Waiting int
}

// Sender sends samples.
type Sender struct {
	o      Options
	client *http.Client
	some   chan struct{} // something waits
	full   chan struct{} // a batch waits
	soon   chan struct{} // something waits that is not to wait for long

	mu    sync.Mutex
	queue queue
	stats Stats

	// Of Run alone.
	batch  []Sample
	raw    []byte
	packed []byte
	told   time.Time // when trouble was logged last
	untold int       // and how often it was not since
}

const (
	defaultEvery = 500 * time.Millisecond
	// soonEvery is how long a sample waits for others that is to be sent soon.
	soonEvery    = 2 * time.Millisecond
	defaultBatch = 5000
	defaultQueue = 1 << 18
	// maxRequest is how large a request may grow before it is packed, in bytes.
	maxRequest = 4 << 20
	// requestTime bounds one request; farewell the last one.
	requestTime = 10 * time.Second
	farewell    = time.Second
	firstAgain  = 100 * time.Millisecond
	longestWait = 5 * time.Second
	// tooOld is when samples are let go that could not be sent: a receiver takes
	// none that are much older than its newest.
	tooOld  = 5 * time.Minute
	tellGap = time.Minute
	maxSaid = 512 // bytes of an answer that are looked at
)

// New returns a Sender; nothing is sent before Run, but Append keeps what it is
// given.
func New(o Options) *Sender {
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Batch <= 0 {
		o.Batch = defaultBatch
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.Transport == nil {
		o.Transport = transport(o.Target)
	}
	return &Sender{
		o: o, queue: queue{bound: o.Queue}, some: make(chan struct{}, 1), full: make(chan struct{}, 1), soon: make(chan struct{}, 1),
		client: &http.Client{
			Transport: o.Transport, Timeout: requestTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what authenticates is not for others
		},
	}
}

func transport(t Target) *http.Transport {
	tr := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: requestTime,
		TLSHandshakeTimeout: requestTime, DisableCompression: true, ForceAttemptHTTP2: true,
	}
	if t.Socket != "" {
		tr.Proxy = nil
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", t.Socket)
		}
	}
	return tr
}

// Append takes samples to be sent. It keeps copies, never blocks and may be
// called from anywhere. Samples of one series are given in the order of their
// times.
func (s *Sender) Append(samples []Sample) {
	if len(samples) == 0 {
		return
	}
	s.mu.Lock()
	s.stats.Dropped += uint64(s.queue.push(samples)) //nolint:gosec // a count
	full := s.queue.n >= s.o.Batch
	s.mu.Unlock()
	if slices.ContainsFunc(samples, func(each Sample) bool { return each.Soon }) {
		nudge(s.soon)
	}
	nudge(s.some)
	if full {
		nudge(s.full)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is already on its way
	}
}

// Stats returns the counts until now.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.stats
	now.Waiting = s.queue.n
	return now
}

// Run sends until ctx ends, and then what waits once more.
func (s *Sender) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	for {
		select {
		case <-ctx.Done():
			s.last(ctx)
			return nil
		case <-s.some:
		}
		s.gather(ctx)
		for more := true; more && ctx.Err() == nil; {
			more = s.send(ctx)
		}
	}
}

// gather waits for more: for long, unless a batch is full or something is to be
// sent soon.
func (s *Sender) gather(ctx context.Context) {
	wait := time.NewTimer(s.o.Every)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return
	case <-s.full:
		return
	case <-wait.C:
		return
	case <-s.soon:
	}
	wait.Reset(min(soonEvery, s.o.Every))
	select {
	case <-ctx.Done():
	case <-s.full:
	case <-wait.C:
	}
}

// last sends one more request with what waits.
func (s *Sender) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	for s.next() {
		if _, err := s.post(ctx); err != nil {
			return // nobody is left to tell
		}
		s.mu.Lock()
		s.stats.Sent += uint64(len(s.batch))
		s.mu.Unlock()
		s.batch = s.batch[:0]
	}
}

// next fills the batch and packs it; false when nothing waits. A batch that is
// not done with stays.
func (s *Sender) next() bool {
	if len(s.batch) > 0 {
		return true
	}
	s.mu.Lock()
	s.batch = s.queue.take(s.batch, s.o.Batch)
	s.mu.Unlock()
	if len(s.batch) == 0 {
		return false
	}
	s.raw = s.raw[:0]
	for i, each := range s.batch {
		if s.raw = AppendSample(s.raw, each); len(s.raw) >= maxRequest {
			s.putBack(s.batch[i+1:])
			s.batch = s.batch[:i+1]
		}
	}
	if n := snappy.MaxEncodedLen(len(s.raw)); cap(s.packed) < n {
		s.packed = make([]byte, n)
	}
	s.packed = snappy.Encode(s.packed[:cap(s.packed)], s.raw)
	return true
}

// putBack returns the newest of a batch that was too large to the front.
func (s *Sender) putBack(rest []Sample) {
	if len(rest) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	newer := s.queue.take(nil, s.queue.n)
	s.stats.Dropped += uint64(s.queue.push(rest) + s.queue.push(newer)) //nolint:gosec // a count
}

// send sends one batch, again and again until it is taken, refused or too old,
// and reports whether a whole one more waits.
func (s *Sender) send(ctx context.Context) (more bool) {
	for wait := firstAgain; s.next(); wait = min(2*wait, longestWait) {
		again, err := s.post(ctx)
		n := uint64(len(s.batch))
		old := time.UnixMilli(s.batch[len(s.batch)-1].At).Before(time.Now().Add(-tooOld))
		s.mu.Lock()
		switch {
		case err == nil:
			s.stats.Sent += n
		case !again:
			s.stats.Refused += n
		case old:
			s.stats.Dropped += n
		default:
			s.stats.Failed++
		}
		more = s.queue.n >= s.o.Batch
		s.mu.Unlock()
		if err != nil {
			s.tell(ctx, err, again)
		}
		if err == nil || !again || old {
			s.batch = s.batch[:0]
			break
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
	s.mu.Lock()
	if s.queue.n > 0 {
		nudge(s.some)
	}
	s.mu.Unlock()
	return more
}

// post sends the packed batch. again says that the same may be taken later.
func (s *Sender) post(ctx context.Context) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.Target.URL, bytes.NewReader(s.packed))
	if err != nil {
		return false, errors.New("the address of the receiver can't be used")
	}
	h := req.Header
	h.Set("Content-Type", "application/x-protobuf")
	h.Set("Content-Encoding", "snappy")
	h.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	h.Set("User-Agent", "toban")
	switch t := s.o.Target; {
	case t.User != "":
		req.SetBasicAuth(t.User, t.Password)
	case t.Token != "":
		h.Set("Authorization", "Bearer "+t.Token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return true, err
	}
	defer func() { _ = res.Body.Close() }()                      // it has been read
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxSaid))     // only for the text
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode/100 == 2 {
		return false, nil
	}
	again = res.StatusCode/100 == 5 || res.StatusCode == http.StatusTooManyRequests
	return again, fmt.Errorf("the receiver answers %s: %s", res.Status, strings.ToValidUTF8(strings.TrimSpace(string(said)), ""))
}

// tell logs trouble, at most once a minute.
func (s *Sender) tell(ctx context.Context, err error, again bool) {
	if now := time.Now(); now.Sub(s.told) >= tellGap {
		stats := s.Stats()
		s.o.Log.WarnContext(ctx, "samples are not taken", "to", s.o.Target, "again", again, "err", err, "before", s.untold,
			"waiting", stats.Waiting, "dropped", stats.Dropped, "refused", stats.Refused)
		s.told, s.untold = now, 0
		return
	}
	s.untold++
}
