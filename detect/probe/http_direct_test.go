package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// byTheLibrary has a checker of HTTP ask by net/http's transport alone.
func byTheLibrary(c Checker) Checker {
	c.(guarded).checker.(*httpChecker).direct = false
	return c
}

// rawAnswers are what servers say, good and bad.
var rawAnswers = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: " + strings.Repeat("1", 9<<10) + "\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\n\tc\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\n leading: 1\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nno colon\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nX-Nul: a\x00b\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\n: no name\r\n\r\nhello",
	"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
	"HTTP/1.1 200 OK\rContent-Length: 5\r\rhello",
	"HTTP/1.1 200 OK\r\n\r\nuntil it is closed",
	"HTTP/1.0 200 OK\r\n\r\nuntil it is closed",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1  200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 -20 OK\r\n\r\n",
	"HTTP/1.1 000 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/2.0 200 OK\r\n\r\nhello",
	"HTTP/9.9 200 OK\r\n\r\nhello",
	"HTTP/1 200 OK\r\n\r\n",
	"http/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 204 No Content\r\n\r\nnever read",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nsomething else",
	"HTTP/1.1 101 Switching Protocols\r\n\r\nsomething else",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
	"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 302 Found\r\nLocation: ftp://example.jp/\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX-Much: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
	strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n", 40_000),
	"H",
	"",
	"\r\n\r\n",
	"\x15\x03\x01\x00\x02\x02\x28",
	"SSH-2.0-OpenSSH_9.2\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

// What the direct way finds is what net/http finds, to the letter.
func TestTheDirectWayFindsWhatTheLibraryFinds(t *testing.T) {
	t.Parallel()
	for _, raw := range rawAnswers {
		address := answers(t, sends(raw))
		for _, keys := range [][]string{nil, {"keep_alive: true"}, {"method: HEAD"}, {"method: POST", "body: text"}} {
			got, want := ask(t, asking(t, keys...), address), ask(t, byTheLibrary(asking(t, keys...)), address)
			if diff := cmp.Diff(timeless(want), timeless(got)); diff != "" {
				t.Errorf("%.80q by %s: the library's answer is other than ours:\n%s", raw, keys, diff)
			}
		}
	}
}

// timeless is a result without what differs from check to check.
func timeless(r *Result) Result {
	one := *r
	one.Start, one.Duration = time.Time{}, 0
	one.Phases = nil
	for _, p := range r.Phases {
		one.Phases = append(one.Phases, Phase{Name: p.Name})
	}
	one.Samples = slices.Clone(r.Samples)
	for i, s := range one.Samples {
		if strings.HasSuffix(s.Name, "_duration_seconds") || s.Name == "probe_dns_lookup_time_seconds" {
			one.Samples[i].Value = 0
		}
	}
	evidence := *r.Evidence
	evidence.Tried = slices.Clone(evidence.Tried)
	for i, line := range evidence.Tried {
		evidence.Tried[i], _, _ = strings.Cut(line, " in ")
	}
	one.Evidence = &evidence
	return one
}

func TestTheSameRequestIsSentAsByTheLibrary(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	address := neighbour(t, func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(req.Body)
		got <- strings.Join([]string{req.Method, req.RequestURI, req.Host, fmt.Sprint(req.Header), string(body)}, "\n") + map[bool]string{true: " closes"}[req.Close]
		sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn)
	})
	for _, keys := range [][]string{
		nil,
		{"keep_alive: true"},
		{"method: POST", "body: '{\"a\": 1}'", "headers: { Content-Type: application/json, Accept: a, Host: 'shop.example.jp:8080' }"},
		{"method: PUT", "body: ''", "http_headers: { X-Many: { values: [a, b] } }"},
		{"basic_auth: { username: sato, password: geheim }"},
	} {
		for _, target := range []string{address, "http://suzuki:pw@" + address + "/a%2Fb/日本?q=1&r#part"} {
			var both [2]string
			for i, c := range []Checker{asking(t, keys...), byTheLibrary(asking(t, keys...))} {
				wantUp(t, ask(t, c, target))
				both[i] = <-got
			}
			if both[0] != both[1] {
				t.Errorf("%s %s: got\n%s\nwant\n%s", keys, target, both[0], both[1])
			}
		}
	}
}

func TestWhatAServerSaysBeforeItsAnswerIsReadOver(t *testing.T) {
	t.Parallel()
	early := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n", 30)
	r := ask(t, asking(t, "fail_if_body_not_matches_regexp: [^hello$]"), answers(t, sends("HTTP/1.1 100 Continue\r\n\r\n"+early+rawAnswers[0])))
	wantUp(t, r)
	wantSample(t, r, "probe_http_status_code", 200)
}

func TestHeadsWithoutEndAreGivenUp(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"X-A: b\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "x"} {
		var sent atomic.Int64
		address := answers(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\n"+map[byte]string{'H': "\r\n"}[line[0]])
			for lines := strings.Repeat(line, 1000); ; {
				n, err := io.WriteString(conn, lines)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		wantDown(t, ask(t, asking(t), address), ReasonProtocol, "header")
		if got := sent.Load(); got > 32<<20 { // the system's buffers are in it
			t.Errorf("%q: got %d bytes that were sent, want no more than were read and some", line, got)
		}
	}
}

func TestAnEarlyAnswerIsSeen(t *testing.T) {
	t.Parallel()
	// The request begins, and its body is never read.
	address := neighbour(t, func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			return
		}
		sends("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")(conn)
		_ = conn.(*net.TCPConn).CloseWrite()
		<-time.After(100 * time.Millisecond)
	})
	for _, size := range []int{10, maxSent, maxSent + 1, 200 << 10} {
		c := asking(t, "method: POST", "body: "+strings.Repeat("a", size))
		if got, want := c.(guarded).checker.(*httpChecker).direct, size <= maxSent; got != want {
			t.Errorf("%d bytes: got direct %t, want %t", size, got, want)
		}
		wantDown(t, ask(t, c, address), ReasonStatus, "413")
	}
}

func TestWhatTheDirectWayDoesNotSpeakGoesByTheLibrary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		keys   []string
		direct bool
	}{
		{nil, true},
		{[]string{"http_version: 1.1"}, true},
		{[]string{"http_version: 2"}, false},
		{[]string{"proxy_url: 'http://127.0.0.1:1'"}, false},
		{[]string{"headers: { upgrade: websocket, connection: upgrade }"}, false},
		{[]string{"headers: { Expect: 100-continue }"}, false},
	} {
		if got := asking(t, tc.keys...).(guarded).checker.(*httpChecker).direct; got != tc.direct {
			t.Errorf("%s: got direct %t, want %t", tc.keys, got, tc.direct)
		}
	}
}

func TestACheckCanBeStoppedInEveryPhase(t *testing.T) {
	t.Parallel()
	half := func(text string) string {
		return answers(t, func(conn net.Conn) { sends(text)(conn); waitsForever(conn) })
	}
	silent := neighbour(t, waitsForever)
	for _, tc := range []struct{ name, target, phase string }{
		{"TLS", "https://" + silent, "tls"},
		{"before the answer", silent, "connect"},
		{"in the head", half("HTTP/1.1 200 OK\r\nX-A: "), "processing"},
		{"in the body", half("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "transfer"},
	} {
		for _, keep := range []string{"keep_alive: true", "keep_alive: false"} {
			t.Run(tc.name+", "+keep, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(WithEvidence(t.Context()))
				time.AfterFunc(50*time.Millisecond, cancel)
				start := time.Now()
				r := asking(t, keep).Check(ctx, tc.target)
				wantDown(t, r, ReasonTimeout, "stopped")
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("took %s, want about 50 ms", took)
				}
				if got := phases(r); !strings.HasSuffix(got, tc.phase) {
					t.Errorf("got phases %q, want %s to be the last", got, tc.phase)
				}
				wantDown(t, askWithin(t, 100*time.Millisecond, asking(t, keep), tc.target), ReasonTimeout, "in time")
			})
		}
	}
}

func TestAServerThatAgreesOnHTTP2IsAskedOverTheSameConnection(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	var peers sync.Map
	s := secureSite(t, func(_ http.ResponseWriter, r *http.Request) { peers.Store(r.RemoteAddr, true) }, root.host(t, day(-9), day(90)))
	for _, tc := range []struct {
		keep string
		want int
	}{{"keep_alive: true", 1}, {"keep_alive: false", 4}} {
		peers.Clear()
		c := asking(t, trusting(t, root), tc.keep)
		for i := range 4 {
			r := ask(t, c, s.URL)
			wantUp(t, r)
			wantSample(t, r, "probe_http_version", 2)
			if took, _ := sampleOf(r, `probe_http_duration_seconds{phase="tls"}`); took > 0 != (i == 0 || tc.want == 4) {
				t.Errorf("%s: check %d: got %v s for TLS", tc.keep, i+1, took)
			}
		}
		got := 0
		peers.Range(func(any, any) bool { got++; return true })
		if got != tc.want {
			t.Errorf("%s: got %d connections for four checks, want %d", tc.keep, got, tc.want)
		}
	}
}

func TestASecureConnectionOfOurOwnShowsWhatTheLibrarySees(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	s := secureSite(t, says(200, "hello"), root.host(t, day(-9), day(90)))
	for _, more := range []string{"enable_http2: true", "enable_http2: false", "http_version: 1.1"} {
		got, want := ask(t, asking(t, trusting(t, root), more), s.URL), ask(t, byTheLibrary(asking(t, trusting(t, root), more)), s.URL)
		if diff := cmp.Diff(timeless(want), timeless(got)); diff != "" {
			t.Errorf("%s: the library's answer is other than ours:\n%s", more, diff)
		}
	}
	another := secureSite(t, says(200, ""), root.host(t, day(-9), day(90), "shop.example.jp"))
	for _, keys := range [][]string{nil, {trusting(t, root)}, {"tls_config: { max_version: TLS12, insecure_skip_verify: true }"}} {
		got, want := ask(t, asking(t, keys...), another.URL), ask(t, byTheLibrary(asking(t, keys...)), another.URL)
		if diff := cmp.Diff(timeless(want), timeless(got)); diff != "" {
			t.Errorf("%s: the library's answer is other than ours:\n%s", keys, diff)
		}
	}
}
