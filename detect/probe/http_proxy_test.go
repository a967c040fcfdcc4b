package probe

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// proxy is a web proxy that keeps what it was asked for.
type proxy struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	to    string // where every request goes
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) was(method, what, credentials string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, strings.TrimSpace(method+" "+what+" "+credentials))
}

func (p *proxy) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) == 0 {
		return ""
	}
	return p.asked[len(p.asked)-1]
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.was(r.Method, r.URL.Host+r.URL.Path, r.Header.Get("Proxy-Authorization")+r.Header.Get("X-Way"))
	if r.Method != http.MethodConnect {
		r.RequestURI, r.URL.Host = "", p.to
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer far.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	between(conn, far)
}

func between(a, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(a, b); _ = a.Close() })
	both.Go(func() { _, _ = io.Copy(b, a); _ = b.Close() })
	both.Wait()
}

func TestAProxyIsAskedAndTheNameIsLookedUpHereOrThere(t *testing.T) {
	t.Parallel()
	plain := site(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "host "+r.Host) })
	p := newProxy(t, strings.TrimPrefix(plain.URL, "http://"))
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	by := "proxy_url: " + p.URL
	ip4 := "preferred_ip_protocol: ip4"

	r := ask(t, asking(t, by, ip4, "fail_if_body_not_matches_regexp: ['host localhost:8080']"), "http://localhost:8080/x")
	wantUp(t, r)
	if got := p.last(); got != "GET localhost:8080/x" {
		t.Errorf("got %q, want the host that is asked", got)
	}
	wantSample(t, r, "probe_ip_protocol", 4)
	r = ask(t, asking(t, by, "skip_resolve_phase_with_proxy: true"), "http://only.the.proxy.knows:8080/x")
	wantUp(t, r)
	if got := p.last(); got != "GET only.the.proxy.knows:8080/x" {
		t.Errorf("got %q, want the name", got)
	}
	wantNoSample(t, r, "probe_ip_protocol")
	wantDown(t, ask(t, asking(t, by), "http://nothing.invalid/"), ReasonResolve)
	before := p.last()
	wantUp(t, ask(t, asking(t, by, "no_proxy: 127.0.0.0/8"), plain.URL))
	if got := p.last(); got != before {
		t.Errorf("got %q by the proxy, want none for what no_proxy names", got)
	}
}

func TestAProxyLeadsToSecureSites(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	s := secureSite(t, says(200, "ok"), root.host(t, day(-9), day(90), "localhost"))
	to := strings.TrimPrefix(s.URL, "https://")
	p := newProxy(t, to)
	_, port, _ := net.SplitHostPort(to)
	for _, more := range [][]string{{}, {"keep_alive: true"}, {"skip_resolve_phase_with_proxy: true"}, {"skip_resolve_phase_with_proxy: true", "keep_alive: true"}} {
		keys := append(more, "proxy_url: http://sato:geheim@"+strings.TrimPrefix(p.URL, "http://"), "preferred_ip_protocol: ip4", trusting(t, root), "proxy_connect_header: { X-Way: [through] }")
		c := asking(t, keys...)
		wantUp(t, ask(t, c, "https://localhost:"+port))
		wantUp(t, ask(t, c, "https://localhost:"+port))
		want := "CONNECT 127.0.0.1:" + port
		if slices.Contains(more, "skip_resolve_phase_with_proxy: true") {
			want = "CONNECT localhost:" + port
		}
		if got := p.last(); !strings.HasPrefix(got, want) || !strings.Contains(got, "Basic c2F0bzpnZWhlaW0=") || !strings.Contains(got, "through") {
			t.Errorf("%v: got %q, want %s with credentials and header", more, got, want)
		}
	}
	dead := ask(t, asking(t, "proxy_url: http://sato:geheim@"+nobody(t), "preferred_ip_protocol: ip4"), "https://localhost:"+port)
	wantDown(t, dead, ReasonRefused)
	if strings.Contains(strings.Join(dead.Evidence.Tried, "\n")+dead.Message, "geheim") {
		t.Errorf("got the proxy's password in %+v", dead.Evidence)
	}
}

func TestASOCKSProxyIsSpoken(t *testing.T) {
	t.Parallel()
	s := site(t, says(200, "ok"))
	var mu sync.Mutex
	var asked string
	address := neighbour(t, func(conn net.Conn) {
		hello := make([]byte, 3)
		head := make([]byte, 4)
		if _, err := io.ReadFull(conn, hello); err != nil {
			return
		}
		_, _ = conn.Write([]byte{5, 0})
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		host := make([]byte, 4)
		if head[3] == 3 {
			length := make([]byte, 1)
			_, _ = io.ReadFull(conn, length)
			host = make([]byte, length[0])
		}
		port := make([]byte, 2)
		_, _ = io.ReadFull(conn, host)
		_, _ = io.ReadFull(conn, port)
		mu.Lock()
		asked = string(host)
		if head[3] == 1 {
			ip, _ := netip.AddrFromSlice(host)
			asked = ip.String()
		}
		mu.Unlock()
		_ = binary.BigEndian.Uint16(port)
		far, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			return
		}
		defer far.Close()
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		between(conn, far)
	})
	wantUp(t, ask(t, asking(t, "proxy_url: socks5://"+address, "skip_resolve_phase_with_proxy: true"), "http://far.example.jp/"))
	mu.Lock()
	defer mu.Unlock()
	if asked != "far.example.jp" {
		t.Errorf("got %q, want the name", asked)
	}
}

func TestTheProxyOfTheEnvironmentIsUsedWhereItIsAsked(t *testing.T) {
	t.Parallel()
	s := site(t, says(200, "ok"))
	p := newProxy(t, strings.TrimPrefix(s.URL, "http://"))
	getenv := func(name string) string {
		if name == "http_proxy" {
			return p.URL
		}
		return ""
	}
	m, problems := Source{Getenv: getenv}.LoadModule("m", []byte("prober: http\nhttp: { proxy_from_environment: true, skip_resolve_phase_with_proxy: true }"))
	if m == nil {
		t.Fatalf("got %v", problems)
	}
	wantUp(t, ask(t, m.Checker(nearby()), "http://example.jp/"))
	if got := p.last(); got != "GET example.jp/" {
		t.Errorf("got %q by the proxy", got)
	}
}

func TestATokenIsHadOnceAndAgainWhenItIsRefused(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	given, good := 0, "t1"
	tokens := site(t, func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || id != "watcher" || secret != "geheim" || r.PostForm.Get("grant_type") != "client_credentials" || r.PostForm.Get("scope") != "read see" || r.PostForm.Get("audience") != "shop" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		given++
		_, _ = io.WriteString(w, `{"access_token": "`+good+`", "expires_in": 3600, "token_type": "bearer"}`)
	})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+good {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c := asking(t, "oauth2: { client_id: watcher, client_secret: geheim, token_url: '"+tokens.URL+"', scopes: [read, see], endpoint_params: { audience: shop } }")
	wantUp(t, ask(t, c, s.URL))
	wantUp(t, ask(t, c, s.URL))
	mu.Lock()
	if given != 1 {
		t.Errorf("got %d tokens, want 1", given)
	}
	good = "t2"
	mu.Unlock()
	wantDown(t, ask(t, c, s.URL), ReasonStatus, "401")
	wantUp(t, ask(t, c, s.URL))
	wrong := asking(t, "oauth2: { client_id: watcher, client_secret: falsch, token_url: '"+tokens.URL+"' }")
	wantDown(t, ask(t, wrong, s.URL), ReasonStatus, "the token URL answered 401")
	wantDown(t, ask(t, asking(t, "oauth2: { client_id: watcher, token_url: 'http://"+nobody(t)+"' }"), s.URL), ReasonRefused, "no token")
}
