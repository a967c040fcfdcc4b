package probe

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answers is a server that reads the head of a request and then sends raw text.
func answers(t testing.TB, then func(conn net.Conn)) string {
	t.Helper()
	return neighbour(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			then(conn)
		}
	})
}

func sends(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

func TestWhatGoesWrongHasItsReason(t *testing.T) {
	t.Parallel()
	head := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	for _, tc := range []struct {
		name, address string
		reason        Reason
		words         string
	}{
		{"nobody listens", nobody(t), ReasonRefused, "refused"},
		{"an unknown name", "nothing.invalid", ReasonResolve, "nothing.invalid"},
		{"never answers", answers(t, waitsForever), ReasonTimeout, "no answer came in time"},
		{"closes without an answer", answers(t, func(net.Conn) {}), ReasonReset, "closed"},
		{"cuts the connection", answers(t, resets), ReasonReset, "cut"},
		{"is half open: the answer never ends", answers(t, func(c net.Conn) { sends(head + "half")(c); waitsForever(c) }), ReasonTimeout, "its body was not complete in time"},
		{"a head that never ends", answers(t, func(c net.Conn) { sends("HTTP/1.1 200 OK\r\nX-A: 1\r\n")(c); waitsForever(c) }), ReasonTimeout, "no answer came in time"},
		{"the body is cut off", answers(t, sends(head+"half")), ReasonReset, "closed before the answer was complete"},
		{"is no HTTP", answers(t, sends("220 mail.example.jp ESMTP\r\n")), ReasonProtocol, "malformed HTTP"},
		{"a head without an end", answers(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for line := strings.Repeat("X-A: b\r\n", 1000); ; {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
		}), ReasonProtocol, "header"},
		{"control characters in the status", answers(t, sends("HTTP/1.1 500 Oh\x1b[31m no\r\nContent-Length: 0\r\n\r\n")), ReasonStatus, "500 Oh·[31m no"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := askWithin(t, 700*time.Millisecond, asking(t), tc.address)
			wantDown(t, r, tc.reason, tc.words)
			if last := r.Evidence.Tried[len(r.Evidence.Tried)-1]; last != r.Message {
				t.Errorf("got %q as the last line, want the message %q", last, r.Message)
			}
		})
	}
}

func TestALargeBodyIsReadWithoutBeingKept(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("0123456789abcdef", 4<<10)
	s := site(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 512 { // 32 MiB
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	r := ask(t, asking(t), s.URL)
	wantUp(t, r)
	wantSample(t, r, "probe_http_uncompressed_body_length", 32<<20)
	wantSample(t, r, "probe_http_content_length", -1)
	if got := len(r.Evidence.Body); got != MaxBodySample {
		t.Errorf("got %d bytes of evidence, want %d", got, MaxBodySample)
	}
	r = ask(t, asking(t, "body_size_limit: 1MB"), s.URL)
	wantDown(t, r, ReasonBody, "larger than 1048576 bytes")
	wantSample(t, r, "probe_http_uncompressed_body_length", 1<<20)
}

func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("x", 1<<20)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	wantDown(t, ask(t, asking(t), s.URL), ReasonBody, "larger than 104857600 bytes")
}

func TestASlowBodyThatArrivesInTimeIsUp(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			_, _ = io.WriteString(w, "drop ")
			_ = http.NewResponseController(w).Flush()
			<-time.After(20 * time.Millisecond)
		}
	})
	r := ask(t, asking(t, "fail_if_body_not_matches_regexp: ['drop drop drop drop drop']"), s.URL)
	wantUp(t, r)
	if got, _ := sampleOf(r, `probe_http_duration_seconds{phase="transfer"}`); got < 0.08 {
		t.Errorf("got transfer %v s, want the time of the whole body", got)
	}
}

func TestABodyIsMadeSafeToShow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ sent, want string }{
		{"line\r\nnext\tcolumn", "line\nnext\tcolumn"},
		{"\x1b]0;title\x07 and \u202e reversed", "·]0;title· and · reversed"},
		{"日本語 works", "日本語 works"},
		{strings.Repeat("当", 2000), strings.Repeat("当", MaxBodySample/3)},
		{"\x89PNG\x00\x01\x02\xff\xfe\xfd\xfc\xfb\xfa\xf9", ""},
	} {
		r := ask(t, asking(t), site(t, says(500, tc.sent)).URL)
		if r.Evidence.Body != tc.want {
			t.Errorf("got %q, want %q", r.Evidence.Body, tc.want)
		}
	}
}

func TestASiteThatRedirectsOrFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/a", http.StatusFound)
			_, _ = io.WriteString(w, strings.Repeat("a long page about moving ", 1000))
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := asking(t, "keep_alive: true")
	for range 20 { // goleak looks at what is left
		wantDown(t, ask(t, c, s.URL), ReasonStatus)
	}
}
