package probe

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

// loaded is the one module of a text, without its name: "prober: http" with the
// keys of its part below.
func loaded(t testing.TB, text string) *Module {
	t.Helper()
	m, problems := Source{}.LoadModule("tested", []byte(text))
	if m == nil || len(problems) > 0 {
		t.Fatalf("got problems %v, want none with\n%s", problems, text)
	}
	return m
}

// asking is a checker of HTTP with these keys, a line each.
func asking(t testing.TB, keys ...string) Checker {
	t.Helper()
	text := "prober: http\nhttp:\n  ip_protocol_fallback: true\n"
	for _, k := range keys {
		text += "  " + k + "\n"
	}
	return checkerOf(t, text)
}

func checkerOf(t testing.TB, module string) Checker {
	t.Helper()
	c := loaded(t, module).Checker(nearby())
	t.Cleanup(c.(Closer).Close)
	return c
}

// site is a web server on loopback.
func site(t testing.TB, serve http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	return s
}

// says is a handler that answers with a status and a text.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestASiteThatAnswersIsUpWithAllItsPhases(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
		_, _ = io.WriteString(w, "all is well")
	})
	r := ask(t, asking(t), s.URL)
	wantUp(t, r)
	if got := phases(r); got != "resolve connect processing transfer" {
		t.Errorf("got phases %q", got)
	}
	for name, want := range map[string]float64{
		"probe_http_status_code": 200, "probe_http_content_length": 11, "probe_http_uncompressed_body_length": 11, "probe_http_redirects": 0,
		"probe_http_ssl": 0, "probe_http_version": 1.1, "probe_failed_due_to_regex": 0, "probe_ip_protocol": 4,
		"probe_http_last_modified_timestamp_seconds": 1795168800, `probe_http_duration_seconds{phase="tls"}`: 0,
	} {
		wantSample(t, r, name, want)
	}
	if r.Evidence.Body != "all is well" || r.Evidence.Status != "HTTP/1.1 200 OK" {
		t.Errorf("got evidence %+v, want status and body", r.Evidence)
	}
}

func TestATargetWithoutASchemeIsAskedByHTTP(t *testing.T) {
	t.Parallel()
	s := site(t, says(200, ""))
	for _, target := range []string{strings.TrimPrefix(s.URL, "http://"), "HTTP" + s.URL[4:], " " + s.URL + "/path "} {
		wantUp(t, ask(t, asking(t), target))
	}
}

func TestTargetsThatCannotBeUnderstoodSaySo(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "ftp://example.jp/", "http://", "http://user:secret word@exa mple/", "http://[::1", "http://example.jp:99999/", strings.Repeat("a", 4000)} {
		r := ask(t, asking(t), target)
		wantDown(t, r, ReasonTarget)
		if strings.Contains(fmt.Sprintf("%+v %+v", r, r.Evidence), "secret") {
			t.Errorf("%q: got the password in %+v", target, r)
		}
	}
}

// S1's module takes 200 alone: an empty answer and a redirect are down.
func TestS1TheModuleOfTheTeamTakes204And301AsDown(t *testing.T) {
	t.Parallel()
	modules, problems, err := LoadFile("testdata/s1.yml", nil)
	if err != nil || len(problems) > 0 || modules["http_2xx"] == nil {
		t.Fatalf("got %v, %v, %v, want the module http_2xx", modules, problems, err)
	}
	c := modules["http_2xx"].Checker(nearby())
	gone := site(t, says(404, ""))
	for _, tc := range []struct {
		status int
		up     bool
	}{{200, true}, {204, false}, {301, false}, {404, false}, {500, false}, {503, false}} {
		s := site(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", gone.URL)
			w.WriteHeader(tc.status)
		})
		if r := ask(t, c, s.URL); r.Up != tc.up || !tc.up && r.Reason != ReasonStatus {
			t.Errorf("%d: got up %t, reason %q, want up %t", tc.status, r.Up, r.Reason, tc.up)
		}
	}
}

func TestStatusesAreWrittenAsNumbersHundredsAndRanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		codes  string
		status int
		up     bool
	}{
		{"[]", 299, true},
		{"[]", 300, false},
		{"[204, 401]", 401, true},
		{"[204, 401]", 200, false},
		{"2xx", 226, true},
		{"[3xx]", 304, true},
		{`["200-204", 5xx]`, 204, true},
		{`["200-204", 5xx]`, 205, false},
		{"418", 418, true},
	} {
		s := site(t, says(tc.status, ""))
		if r := ask(t, asking(t, "valid_status_codes: "+tc.codes), s.URL); r.Up != tc.up {
			t.Errorf("%s: got up %t for %d (%s), want %t", tc.codes, r.Up, tc.status, r.Message, tc.up)
		}
	}
}

func TestMethodHeadersBodyAndCredentialsAreSent(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	s := site(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- fmt.Sprint(r.Method, " ", r.Host, " ", string(body), " ", r.Header.Get("X-Mode"), " ", r.Header["X-Many"], " ", r.Header.Get("Authorization"), " ", r.UserAgent())
	})
	for _, tc := range []struct {
		keys []string
		want string
	}{
		{
			[]string{"method: post", "body: '{}'", "headers: { Host: shop.example.jp, x-mode: test, User-Agent: Watcher }", "http_headers: { X-Many: { values: [a], secrets: [b] } }"},
			"POST shop.example.jp {} test [a b]  Watcher",
		},
		{[]string{"method: HEAD", "basic_auth: { username: sato, password: geheim }"}, "HEAD HOST   [] Basic c2F0bzpnZWhlaW0= toban"},
		{[]string{"bearer_token: t0ken"}, "GET HOST   [] Bearer t0ken toban"},
		{[]string{"authorization: { type: ApiKey, credentials: t0ken }"}, "GET HOST   [] ApiKey t0ken toban"},
		{[]string{"headers: { Authorization: own }", "bearer_token: t0ken"}, "GET HOST   [] own toban"},
	} {
		wantUp(t, ask(t, asking(t, tc.keys...), s.URL))
		want := strings.ReplaceAll(tc.want, "HOST", strings.TrimPrefix(s.URL, "http://"))
		if got := <-got; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	wantUp(t, ask(t, asking(t), strings.Replace(s.URL, "http://", "http://suzuki:geheim@", 1)))
	if got := <-got; !strings.Contains(got, "Basic c3V6dWtpOmdlaGVpbQ==") {
		t.Errorf("got %s, want the user of the URL", got)
	}
}

func TestSecretsAreNowhereInTheResult(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Set-Cookie", "session=geheim-cookie")
		w.Header().Set("Location", "/next?token=geheim-query")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "you sent %v %s", r.Header, r.URL)
	})
	for _, keys := range [][]string{
		{"basic_auth: { username: sato, password: geheim-1 }"},
		{"bearer_token: geheim-2"},
		{"headers: { X-Api-Key: geheim-3, Cookie: 'id=geheim-4' }"},
		{"http_headers: { X-Any: { secrets: [geheim-5] } }"},
	} {
		c := asking(t, keys...)
		r := ask(t, c, strings.Replace(s.URL, "http://", "http://sato:geheim-6@", 1)+"/?key=geheim-7")
		wantDown(t, r, ReasonStatus)
		all := fmt.Sprintf("%+v %+v", r, *r.Evidence)
		for _, secret := range []string{"geheim-1", "geheim-2", "geheim-3", "geheim-4", "geheim-5", "c2F0bzpnZWhlaW0tMQ", "geheim-cookie", "geheim-query"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: got %s in %s", keys, secret, all)
			}
		}
		for _, line := range r.Evidence.Tried {
			if strings.Contains(line, "geheim") {
				t.Errorf("got %q, want neither password nor query", line)
			}
		}
	}
}

func TestConditionsOnTheBody(t *testing.T) {
	t.Parallel()
	s := site(t, says(200, `{"status": "ok", "checks": [{"name": "db", "ms": 3}], "big": 12345678901234567890}`))
	for _, tc := range []struct {
		key   string
		up    bool
		words string
		regex float64
	}{
		{"fail_if_body_matches_regexp: [error, '\"ok\"']", false, `matches "ok"`, 1},
		{"fail_if_body_matches_regexp: [error]", true, "", 0},
		{"fail_if_body_not_matches_regexp: ['(?i)STATUS', gone]", false, "does not match gone", 1},
		{"fail_if_body_not_matches_regexp: '\"ms\": [0-9]+'", true, "", 0},
		{`json: '.status == "ok"'`, true, "", 0},
		{`json: ['.status', '.checks | all(.ms < 100)']`, true, "", 0},
		{`json: '.checks[0].ms > 100'`, false, "does not fulfil .checks[0].ms > 100", 0},
		{"json: .missing", false, "does not fulfil", 0},
		{"json: .status.deeper", false, "does not fit", 0},
	} {
		r := ask(t, asking(t, tc.key), s.URL)
		if tc.up {
			wantUp(t, r)
		} else {
			wantDown(t, r, ReasonBody, tc.words)
			if !strings.Contains(r.Evidence.Body, `"status"`) {
				t.Errorf("%s: got body %q, want its beginning", tc.key, r.Evidence.Body)
			}
		}
		wantSample(t, r, "probe_failed_due_to_regex", tc.regex)
		if strings.HasPrefix(tc.key, "json") {
			wantSample(t, r, "probe_failed_due_to_json", map[bool]float64{false: 1}[tc.up])
		}
	}
	wantDown(t, ask(t, asking(t, "json: .status"), site(t, says(200, "<html>")).URL), ReasonBody, "not JSON")
}

func TestConditionsOnHeaders(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Cache"] = []string{"MISS", "HIT"}
	})
	for _, tc := range []struct {
		key   string
		words string
	}{
		{"fail_if_header_matches: [{ header: x-cache, regexp: ^HIT$ }]", "matches ^HIT$"},
		{"fail_if_header_matches: [{ header: x-cache, regexp: STALE }]", ""},
		{"fail_if_header_matches: [{ header: X-None, regexp: a }]", "X-None is missing"},
		{"fail_if_header_matches: [{ header: X-None, regexp: a, allow_missing: true }]", ""},
		{"fail_if_header_not_matches: [{ header: X-Cache, regexp: HIT }]", ""},
		{"fail_if_header_not_matches: [{ header: X-Cache, regexp: STALE }]", "does not match STALE"},
		{"fail_if_header_not_matches: [{ header: X-None, regexp: a }]", "X-None is missing"},
		{"fail_if_header_not_matches: [{ header: X-None, regexp: a, allow_missing: true }]", ""},
	} {
		r := ask(t, asking(t, tc.key), s.URL)
		if tc.words == "" {
			wantUp(t, r)
			continue
		}
		wantDown(t, r, ReasonHeader, tc.words)
		wantSample(t, r, "probe_failed_due_to_regex", 1)
	}
}

func TestCompressedBodiesAreReadWhereTheModuleSaysSo(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("fine ", 100))
			_ = z.Close()
		case "/br":
			z := brotli.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("fine ", 100))
			_ = z.Close()
		case "/bomb":
			z := gzip.NewWriter(w)
			zeros := make([]byte, 1<<20)
			for range 8 {
				_, _ = z.Write(zeros)
			}
			_ = z.Close()
		case "/plain":
			_, _ = io.WriteString(w, "this is no compressed text")
		}
	})
	for _, way := range []string{"gzip", "br"} {
		r := ask(t, asking(t, "compression: "+way, "fail_if_body_not_matches_regexp: [fine]"), s.URL+"/"+way)
		wantUp(t, r)
		wantSample(t, r, "probe_http_uncompressed_body_length", 500)
		wantDown(t, ask(t, asking(t, "compression: "+way), s.URL+"/plain"), ReasonBody, "not compressed by "+way)
	}
	wantUp(t, ask(t, asking(t, "compression: gzip"), s.URL+"/bomb"))
	wantDown(t, ask(t, asking(t, "compression: gzip", "body_size_limit: 1MB"), s.URL+"/bomb"), ReasonBody, "larger than 1048576 bytes")
	wantDown(t, ask(t, asking(t, "compression: gzip", "fail_if_body_matches_regexp: [x]"), s.URL+"/bomb"), ReasonBody, "larger than 4194304 bytes")
}

func TestVersionsOfHTTPAreForcedOrWanted(t *testing.T) {
	t.Parallel()
	plain := site(t, says(200, ""))
	both := httptest.NewUnstartedServer(says(200, ""))
	both.Config.Protocols = &http.Protocols{}
	both.Config.Protocols.SetHTTP1(true)
	both.Config.Protocols.SetUnencryptedHTTP2(true)
	both.Start()
	t.Cleanup(both.Close)
	r := ask(t, asking(t, "http_version: 2"), both.URL)
	wantUp(t, r)
	wantSample(t, r, "probe_http_version", 2)
	r = ask(t, asking(t, "http_version: 1.1"), both.URL)
	wantUp(t, r)
	wantSample(t, r, "probe_http_version", 1.1)
	if r := ask(t, asking(t, "http_version: 2"), plain.URL); r.Up {
		t.Error("got up, want down: the target does not speak HTTP/2")
	}
	wantDown(t, ask(t, asking(t, "valid_http_versions: [HTTP/2.0]"), plain.URL), ReasonProtocol, "HTTP/1.1", "HTTP/2.0")
	wantUp(t, ask(t, asking(t, "valid_http_versions: [HTTP/2.0, HTTP/1.1]"), plain.URL))
	wantDown(t, ask(t, asking(t, "fail_if_not_ssl: true"), plain.URL), ReasonTLS)
}

func TestAKeptConnectionIsUsedAgainAndEndsWithTheChecker(t *testing.T) {
	t.Parallel()
	var made, open atomic.Int32
	s := httptest.NewUnstartedServer(says(200, "hello"))
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
	for range 5 {
		wantUp(t, ask(t, c, s.URL))
	}
	if got := made.Load(); got != 1 {
		t.Errorf("got %d connections, want 1 for five checks", got)
	}
	r := ask(t, c, s.URL)
	wantSample(t, r, "probe_ip_protocol", 4)
	if !strings.Contains(strings.Join(r.Evidence.Tried, "\n"), "used the kept connection") {
		t.Errorf("got %q, want the kept connection in it", r.Evidence.Tried)
	}
	c.(Closer).Close()
	for range 5 {
		wantUp(t, ask(t, asking(t), s.URL))
	}
	if got := made.Load(); got != 6 {
		t.Errorf("got %d connections, want one for each check without keep_alive", got-1)
	}
}

func TestPrivateAddressesNeedAnExplicitAllow(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := site(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	m := loaded(t, "prober: http")
	wantDown(t, ask(t, m.Checker(Options{}), s.URL), ReasonForbidden, "127.0.0.1")
	if asked.Load() != 0 {
		t.Error("a forbidden target was asked")
	}
	wantUp(t, ask(t, m.Checker(Options{Guard: Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}), s.URL))
	wantDown(t, ask(t, m.Checker(nearby()), "http://169.254.169.254/latest/meta-data/"), ReasonForbidden, "metadata")
}

func TestTheModulesTimeEndsACheck(t *testing.T) {
	t.Parallel()
	address := neighbour(t, waitsForever)
	c := checkerOf(t, "prober: http\ntimeout: 100ms")
	start := time.Now()
	wantDown(t, ask(t, c, address), ReasonTimeout, "connected to "+address)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %s, want about 100 ms", took)
	}
}

func TestAStoppedCheckSaysSo(t *testing.T) {
	t.Parallel()
	address := neighbour(t, waitsForever)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	wantDown(t, asking(t).Check(ctx, address), ReasonTimeout, "stopped")
}
