package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// talkative is a proxy that answers everything itself: as a server that sends us
// on, or as one that has secrets.
func talkative(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.was(r.Method, r.URL.Host+r.URL.Path, "")
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "credentials of the machine")
	}))
	t.Cleanup(p.Close)
	return p
}

// behind makes a checker whose proxy is the only near address that it may dial.
func behind(t *testing.T, p *proxy, g Guard, keys ...string) Checker {
	t.Helper()
	near := netip.MustParseAddrPort(strings.TrimPrefix(p.URL, "http://")).Addr()
	g.Allow = append(g.Allow, netip.PrefixFrom(near, near.BitLen()))
	text := "prober: http\nhttp:\n  preferred_ip_protocol: ip4\n  proxy_url: " + p.URL + "\n"
	for _, k := range keys {
		text += "  " + k + "\n"
	}
	c := loaded(t, text).Checker(Options{Guard: g})
	t.Cleanup(c.(Closer).Close)
	return c
}

// A redirect to the metadata service of the cloud that the proxy stands in would
// put the credentials of its machine onto the page of the check.
func TestNoRedirectLeadsAProxyWhereTheGuardDoesNot(t *testing.T) {
	t.Parallel()
	p := talkative(t)
	const named = "skip_resolve_phase_with_proxy: true"
	for _, tc := range []struct {
		to    string
		guard Guard
		keys  []string
	}{
		{"http://169.254.169.254/latest/meta-data/iam/", Guard{}, nil},
		{"http://169.254.169.254/latest/meta-data/iam/", Guard{AllowPrivate: true}, nil},
		{"https://169.254.169.254/", Guard{AllowPrivate: true}, nil},
		{"http://169.254.169.254/", Guard{AllowPrivate: true}, []string{named}},
		{"http://[::ffff:169.254.169.254]/", Guard{AllowPrivate: true}, []string{named}},
		{"http://169.254.169.254./", Guard{AllowPrivate: true}, []string{named}},
		{"http://0xa9.0xfe.0xa9.0xfe/", Guard{AllowPrivate: true}, []string{named}},
		{"http://2852039166/", Guard{AllowPrivate: true}, []string{named}},
		{"http://127.1/", Guard{AllowPrivate: true}, []string{named}},
		{"http://%EF%BC%91%EF%BC%96%EF%BC%99.254.169.254/", Guard{AllowPrivate: true}, []string{named}},
		{"http://metadata.google.internal/", Guard{AllowPrivate: true}, []string{named}},
		{"http://METADATA.google.internal./", Guard{AllowPrivate: true}, nil},
		{"http://metadata/", Guard{AllowPrivate: true}, []string{named}},
		{"http://10.0.0.1/", Guard{}, nil},
		{"http://10.0.0.1/", Guard{}, []string{named}},
		{"http://[fd00::1]/", Guard{}, []string{named}},
		{"http://127.0.0.2/", Guard{}, nil},
		{"http://vault.internal/", Guard{}, []string{named}},
		{"http://vault/", Guard{}, []string{named}},
	} {
		c := behind(t, p, tc.guard, tc.keys...)
		r := ask(t, c, "http://8.8.8.8/?to="+url.QueryEscape(tc.to))
		wantDown(t, r, ReasonForbidden)
		if got := p.last(); got != "GET 8.8.8.8/" {
			t.Errorf("%s %v: the proxy was asked for %q, want nothing after the target", tc.to, tc.keys, got)
		}
		if strings.Contains(r.Evidence.Body, "credentials") {
			t.Errorf("%s %v: got %q in the evidence", tc.to, tc.keys, r.Evidence.Body)
		}
		wantDown(t, ask(t, c, tc.to), ReasonForbidden) // as the target itself
	}
	wantUp(t, ask(t, behind(t, p, Guard{}), "http://8.8.8.8/?to=http://9.9.9.9/"))
	if got := p.last(); got != "GET 9.9.9.9/" {
		t.Errorf("got %q, want a redirect that may be followed", got)
	}
	wantUp(t, ask(t, behind(t, p, Guard{AllowPrivate: true}, named), "http://8.8.8.8/?to=http://vault.internal/"))
}

// Without TLS a proxy goes by the Host header, not by the address beside it.
func TestTheHostHeaderThatAProxyGoesByIsGuarded(t *testing.T) {
	t.Parallel()
	p := talkative(t)
	for _, host := range []string{"169.254.169.254", "169.254.169.254:80", "metadata.google.internal", "127.0.0.2", "10.0.0.1:8080"} {
		for _, more := range []string{"skip_resolve_phase_with_proxy: false", "skip_resolve_phase_with_proxy: true"} {
			wantDown(t, ask(t, behind(t, p, Guard{}, "headers: { Host: '"+host+"' }", more), "http://8.8.8.8/"), ReasonForbidden)
			if got := p.last(); got != "" {
				t.Errorf("%s: the proxy was asked for %q, want nothing", host, got)
			}
		}
	}
}

func TestATokenIsNotFetchedFromWhereTheGuardDoesNotLead(t *testing.T) {
	t.Parallel()
	p := talkative(t)
	for _, address := range []string{"http://169.254.169.254/token", "http://metadata.google.internal/token"} {
		for _, more := range []string{"skip_resolve_phase_with_proxy: false", "skip_resolve_phase_with_proxy: true"} {
			c := behind(t, p, Guard{AllowPrivate: true}, more, "oauth2: { client_id: a, client_secret: b, token_url: '"+address+"', proxy_url: '"+p.URL+"' }")
			wantDown(t, ask(t, c, "http://8.8.8.8/"), ReasonForbidden, "no token")
			if got := p.last(); got != "" {
				t.Errorf("the proxy was asked for %q, want nothing", got)
			}
		}
	}
}

// Targets of one module share the token: one whose time is over must not wait for
// another's.
func TestACheckWaitsForATokenNoLongerThanItHasTime(t *testing.T) {
	t.Parallel()
	asked, end := make(chan struct{}), make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-end }))
	t.Cleanup(dead.Close)
	defer close(end)
	c := asking(t, "oauth2: { client_id: a, client_secret: b, token_url: '"+dead.URL+"' }")
	long, stop := context.WithCancel(t.Context())
	first := make(chan *Result, 1)
	go func() { first <- c.Check(long, "http://127.0.0.1:1/") }() // ends with long
	<-asked
	start := time.Now()
	r := askWithin(t, 50*time.Millisecond, c, "http://127.0.0.1:1/")
	wantDown(t, r, ReasonTimeout, "no token for the target")
	if took := time.Since(start); took > time.Second {
		t.Errorf("got an answer after %s, want it with the end of the check's own time", took)
	}
	stop()
	<-first
}

func TestATokenThatEndsAtOnceServesItsCheck(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) })
	short := site(t, says(200, `{"access_token":"geheim","expires_in":1}`))
	c := asking(t, "oauth2: { client_id: a, client_secret: b, token_url: '"+short.URL+"' }", "fail_if_body_not_matches_regexp: ['^Bearer geheim$']")
	r := ask(t, c, s.URL)
	wantUp(t, r)
	if strings.Contains(r.Evidence.Body, "geheim") {
		t.Errorf("got %q, want the token hidden in what came back", r.Evidence.Body)
	}
}

func TestAHostIsJudgedByItsWriting(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"shop.example.jp": true, "8.8.8.8": true, "192.0.2.1": true, "vault.internal": true, "2606:4700::1111": true, // of the names, the address will decide
		"localhost": false, "LOCALHOST.": false, "a.localhost": false, "127.0.0.1": false, "127.0.0.1.": false, "[::1]": false, "fe80::1%lo": false,
		"10.1.2.3": false, "100.64.0.1": false, "１０.1.2.3": false, "169.254.169.254": false, "metadata.google.internal": false, "0.0.0.0": false,
	} {
		if err := (Guard{}).CheckHost(host); (err == nil) != want {
			t.Errorf("%s: got %v, want it allowed: %t", host, err, want)
		}
	}
	private := Guard{AllowPrivate: true}
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "metadata.google.internal": false, "169.254.169.254": false} {
		if err := private.CheckHost(host); (err == nil) != want {
			t.Errorf("%s: got %v, want it allowed where private ones are: %t", host, err, want)
		}
	}
	named := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("169.254.169.254/32"), netip.MustParsePrefix("127.0.0.0/8")}}
	for _, host := range []string{"metadata.google.internal", "localhost", "127.0.0.2"} {
		if err := named.CheckHost(host); err != nil {
			t.Errorf("%s: got %v, want it allowed by its network", host, err)
		}
	}
	if _, _, err := (Options{Resolver: &net.Resolver{}}).throughProxy(t.Context(), "", "", true, true); err == nil {
		t.Error("got no error for no host")
	}
}

// What is sent is not shown when a server sends it back: neither a password and
// a key in the target nor a token that was refused.
func TestWhatATargetEchoesOfItsSecretsIsHidden(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.Header().Set("X-Asked", r.URL.RawQuery)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, r.URL.RawQuery+" "+password+" "+r.Header.Get("Authorization"))
	})
	tokens := site(t, says(200, `{"access_token":"gefetcht"}`))
	for _, c := range []Checker{asking(t), asking(t, "oauth2: { client_id: a, client_secret: b, token_url: '"+tokens.URL+"' }")} {
		r := ask(t, c, strings.Replace(s.URL, "http://", "http://sato:geheim@", 1)+"/?page=two&api_token=hunter22")
		wantDown(t, r, ReasonStatus)
		text := r.Message + strings.Join(r.Evidence.Tried, "\n") + strings.Join(r.Evidence.Headers, "\n") + r.Evidence.Body
		for _, secret := range []string{"geheim", "c2F0bzpnZWhlaW0", "hunter22", "gefetcht"} {
			if strings.Contains(text, secret) {
				t.Errorf("got %q in %q", secret, text)
			}
		}
		if !strings.Contains(text, "page=two") {
			t.Errorf("got %q, want what is not secret", text)
		}
	}
}

// The proxy is asked for the address that was looked at; TLS still wants the name
// of the host that a redirect leads to.
func TestARedirectByAProxyKeepsTheNameThatTLSWants(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	far := secureSite(t, says(200, "ok"), root.host(t, day(-9), day(90), "localhost"))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(far.URL, "https://"))
	p := &proxy{to: strings.TrimPrefix(far.URL, "https://")}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			p.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Location", "https://localhost:"+port+"/")
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(p.Close)
	for _, more := range []string{"keep_alive: false", "keep_alive: true"} {
		c := asking(t, more, "proxy_url: "+p.URL, "preferred_ip_protocol: ip4", trusting(t, root))
		wantUp(t, ask(t, c, "http://8.8.8.8/"))
		if got, want := p.last(), "CONNECT 127.0.0.1:"+port; got != want {
			t.Errorf("%s: got %q, want %q", more, got, want)
		}
	}
}
