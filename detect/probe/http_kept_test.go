package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serves answers each request on each connection by what answer says, which may
// close it then.
func serves(t testing.TB, answer func(conn, request int, path string) (text string, closes bool)) string {
	t.Helper()
	var conns atomic.Int32
	return neighbour(t, func(conn net.Conn) {
		n, in := int(conns.Add(1)), bufio.NewReader(conn)
		for i := 1; ; i++ {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			text, closes := answer(n, i, req.URL.Path)
			if _, err := io.WriteString(conn, text); err != nil || closes {
				return
			}
		}
	})
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func TestAKeptConnectionThatItsServerClosedIsAskedAnewOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		keys     []string
		healed   bool // what follows the closed one answers
		up       bool
		requests int32 // that came with the second check
	}{
		{"it is asked anew", nil, true, true, 2},
		{"not a third time", nil, false, false, 2},
		{"a request that may have been carried out is not sent again", []string{"method: POST", "body: order"}, true, false, 1},
		{"unless its sender says that it may be", []string{"method: POST", "body: order", "headers: { Idempotency-Key: a }"}, true, true, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			address := serves(t, func(conn, request int, _ string) (string, bool) {
				requests.Add(1)
				if conn == 1 && request == 1 || conn > 1 && tc.healed {
					return hello, false
				}
				return "", true // it has read the request
			})
			c := asking(t, append(tc.keys, "keep_alive: true")...)
			wantUp(t, ask(t, c, address))
			before := requests.Load()
			r := ask(t, c, address)
			if r.Up != tc.up || !tc.up && r.Reason != ReasonReset {
				t.Errorf("got up %t, %s (%s), want up %t", r.Up, r.Reason, r.Message, tc.up)
			}
			if got := requests.Load() - before; got != tc.requests {
				t.Errorf("got %d requests, want %d", got, tc.requests)
			}
		})
	}
}

func TestAKeptConnectionThatHasEndedIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, unasked := range map[string]string{"it is closed": "", "something came on it": hello, "a time-out was said": "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var conns, requests atomic.Int32
			over := make(chan struct{}, 10)
			address := neighbour(t, func(conn net.Conn) {
				first, in := conns.Add(1) == 1, bufio.NewReader(conn)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					requests.Add(1)
					sends(hello)(conn)
					if first {
						<-time.After(20 * time.Millisecond)
						sends(unasked)(conn)
						_ = conn.(*net.TCPConn).CloseWrite()
						over <- struct{}{}
					}
				}
			})
			c := asking(t, "keep_alive: true", "method: POST", "body: order", "fail_if_body_not_matches_regexp: [^hello$]")
			wantUp(t, ask(t, c, address))
			<-over
			<-time.After(10 * time.Millisecond)
			wantUp(t, ask(t, c, address))
			wantUp(t, ask(t, c, address))
			if conns.Load() != 2 || requests.Load() != 3 {
				t.Errorf("got %d requests on %d connections, want 3 on 2", requests.Load(), conns.Load())
			}
		})
	}
}

// What a server says too much is not taken for its next answer.
func TestAnAnswerIsNeverThatOfAnotherRequest(t *testing.T) {
	t.Parallel()
	wrong := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG"
	answer := func(_, _ int, path string) (string, bool) {
		switch path {
		case "/behind":
			return hello + wrong, false
		case "/nothing":
			return "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" + wrong, false
		case "/chunks":
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + wrong, false
		case "/closes":
			return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello" + wrong, false
		case "/much":
			return hello + strings.Repeat(wrong, 1000), false
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright", false
	}
	root := rootAuthority(t, "Example Root")
	secure := secureSite(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for err == nil {
			text, _ := answer(0, 0, r.URL.Path)
			if _, err = io.WriteString(conn, text); err == nil {
				r, err = http.ReadRequest(in)
			}
		}
	}, root.host(t, day(-9), day(90)))
	for _, base := range []string{serves(t, answer), secure.URL} {
		c := asking(t, "keep_alive: true", "fail_if_body_matches_regexp: [WRONG]", trusting(t, root), "http_version: 1.1")
		for range 3 {
			for _, path := range []string{"/behind", "/nothing", "/chunks", "/closes", "/much", "/right"} {
				wantUp(t, ask(t, c, base+path))
				if r := ask(t, c, base+"/next"); !r.Up || r.Evidence.Body != "right" {
					t.Errorf("%s after %s: got %q (%s), want the answer to this request", base, path, r.Evidence.Body, r.Message)
				}
			}
		}
	}
}

// FuzzAnswersNeitherPanicNorMix sends a checker whatever a server may say: the
// next check hears the answer to its own request.
func FuzzAnswersNeitherPanicNorMix(f *testing.F) {
	for _, raw := range rawAnswers {
		if len(raw) < 10<<10 {
			f.Add([]byte(raw), true)
			f.Add([]byte(raw), false)
		}
	}
	var mu sync.Mutex
	var says []byte
	var closes bool
	address := serves(f, func(_, _ int, path string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		if path == "/right" {
			return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright", false
		}
		return string(says), closes
	})
	c := asking(f, "keep_alive: true", "follow_redirects: false")
	f.Fuzz(func(t *testing.T, raw []byte, ends bool) {
		if len(raw) > 16<<10 { // what comes later is nobody's to tell apart
			return
		}
		mu.Lock()
		says, closes = raw, ends
		mu.Unlock()
		ctx, cancel := context.WithTimeout(WithEvidence(t.Context()), 30*time.Millisecond)
		defer cancel()
		r := c.Check(ctx, address+"/any")
		if r.Reason == ReasonInternal {
			t.Fatalf("got %q and %q", r.Message, r.Evidence.Tried)
		}
		if next := ask(t, c, address+"/right"); !next.Up || next.Evidence.Body != "right" {
			t.Fatalf("got %q (%s), want the answer to this request", next.Evidence.Body, next.Message)
		}
	})
}

func TestASecureConnectionIsKeptWithItsCertificate(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	var peers sync.Map
	s := secureSite(t, func(_ http.ResponseWriter, r *http.Request) { peers.Store(r.RemoteAddr, true) }, root.host(t, day(-9), day(90)))
	c := asking(t, trusting(t, root), "keep_alive: true", "http_version: 1.1")
	for range 5 {
		r := ask(t, c, s.URL)
		wantUp(t, r)
		if r.Certificate == nil || len(r.Evidence.Chain) != 1 {
			t.Errorf("got certificate %+v and chain %q, want those of the kept connection", r.Certificate, r.Evidence.Chain)
		}
		wantSample(t, r, "probe_http_version", 1.1)
	}
	got := 0
	peers.Range(func(any, any) bool { got++; return true })
	if got != 1 {
		t.Errorf("got %d connections, want one for five checks", got)
	}
}

func TestARedirectGoesOverTheKeptConnection(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	address := serves(t, func(conn, _ int, path string) (string, bool) {
		conns.Store(int32(conn))
		if path == "/" {
			return "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 6\r\n\r\nmoving", false
		}
		return hello, false
	})
	c := asking(t, "keep_alive: true")
	for range 3 {
		r := ask(t, c, address)
		wantUp(t, r)
		wantSample(t, r, "probe_http_redirects", 1)
	}
	if got := conns.Load(); got != 1 {
		t.Errorf("got %d connections, want one for all", got)
	}
}

func TestTwoChecksAtOnceKeepOneConnection(t *testing.T) {
	t.Parallel()
	var made, open atomic.Int32
	both := make(chan struct{}, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		both <- struct{}{}
		for len(both) < cap(both) {
			<-time.After(time.Millisecond)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			made.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := asking(t, "keep_alive: true")
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if r := c.Check(t.Context(), s.URL); !r.Up {
				t.Errorf("got down: %s", r.Message)
			}
		})
	}
	all.Wait()
	until(t, "one connection is open", func() bool { return made.Load() == 2 && open.Load() == 1 })
	c.(Closer).Close()
	until(t, "no connection is open", func() bool { return open.Load() == 0 })
}

func TestACheckThatEndsAfterItsCheckerWasClosedKeepsNoConnection(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		var open atomic.Int32
		begun, release := make(chan struct{}), make(chan struct{})
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-release
			_, _ = w.Write([]byte("hello")) // whoever asks judges
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			}
		}
		s.EnableHTTP2 = version == 2
		s.StartTLS()
		t.Cleanup(s.Close)
		c := asking(t, "keep_alive: true", "tls_config: { insecure_skip_verify: true }")
		done := make(chan *Result, 1)
		go func() { done <- c.Check(context.Background(), s.URL) }()
		<-begun
		c.(Closer).Close()
		close(release)
		if r := <-done; !r.Up {
			t.Errorf("HTTP/%d: got down: %s", version, r.Message)
		}
		until(t, "no connection is open", func() bool { return open.Load() == 0 })
	}
}

// until waits a while for something that other goroutines do.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !done(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 5 s until %s", what)
		}
	}
}

// This one runs alone: it counts the goroutines of the process.
func TestKeptConnectionsHaveNoGoroutine(t *testing.T) {
	const many = 50
	var open atomic.Int32
	address := neighbour(t, func(conn net.Conn) {
		open.Add(1)
		defer open.Add(-1)
		in := bufio.NewReader(conn)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			sends(hello)(conn)
		}
	})
	before := runtime.NumGoroutine()
	checkers := make([]Checker, many)
	for i := range checkers {
		checkers[i] = asking(t, "keep_alive: true")
		for range 2 {
			wantUp(t, ask(t, checkers[i], address))
		}
	}
	until(t, "there are none but the server's", func() bool { return runtime.NumGoroutine() <= before+many })
	if got := open.Load(); got != many {
		t.Errorf("got %d open connections, want %d", got, many)
	}
	for _, c := range checkers {
		c.(Closer).Close()
	}
	until(t, "all connections are closed", func() bool { return open.Load() == 0 })
}
