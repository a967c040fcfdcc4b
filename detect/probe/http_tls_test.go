package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (a *authority) pem() string { return pemOf("CERTIFICATE", a.cert.Raw) }

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate; by nil it signs itself.
func issue(t testing.TB, by *authority, made x509.Certificate) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	made.SerialNumber = serial
	if made.NotBefore.IsZero() {
		made.NotBefore = time.Now().Add(-240 * time.Hour)
	}
	if made.NotAfter.IsZero() {
		made.NotAfter = time.Now().Add(90 * 24 * time.Hour)
	}
	issuer, signer := &made, key
	if by != nil {
		issuer, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &made, issuer, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func rootAuthority(t testing.TB, name string) *authority {
	t.Helper()
	return issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

func (a *authority) between(t testing.TB, name string) *authority {
	t.Helper()
	return issue(t, a, x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

// host is a certificate for 127.0.0.1 and names.
func (a *authority) host(t testing.TB, from, until time.Time, names ...string) *authority {
	t.Helper()
	made := x509.Certificate{Subject: pkix.Name{CommonName: "host"}, NotBefore: from, NotAfter: until, DNSNames: names}
	if len(names) == 0 {
		made.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	return issue(t, a, made)
}

// secureSite shows these certificates, its own first.
func secureSite(t testing.TB, serve http.HandlerFunc, shown ...*authority) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(serve)
	pair := tls.Certificate{PrivateKey: shown[0].key}
	for _, a := range shown {
		pair.Certificate = append(pair.Certificate, a.cert.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// file writes a file of the test and returns its name.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// trusting are tls_config lines that trust an authority.
func trusting(t testing.TB, a *authority) string {
	t.Helper()
	return "tls_config: { ca_file: '" + file(t, "ca.pem", a.pem()) + "' }"
}

func day(n int) time.Time { return time.Now().Add(time.Duration(n) * 24 * time.Hour) }

func TestASecureSiteShowsItsCertificate(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	middle := root.between(t, "Example Middle")
	leaf := middle.host(t, day(-1), day(30))
	s := secureSite(t, says(200, "ok"), leaf, middle)
	r := ask(t, asking(t, trusting(t, root)), s.URL)
	wantUp(t, r)
	if got := phases(r); got != "resolve connect tls processing transfer" {
		t.Errorf("got phases %q", got)
	}
	wantSample(t, r, "probe_http_version", 2) // negotiated
	wantSample(t, r, "probe_http_ssl", 1)
	wantSample(t, r, "probe_ssl_earliest_cert_expiry", float64(leaf.cert.NotAfter.Unix()))
	wantSample(t, r, "probe_ssl_last_chain_expiry_timestamp_seconds", float64(leaf.cert.NotAfter.Unix()))
	wantSample(t, r, `probe_tls_version_info{version="TLS 1.3"}`, 1)
	if c := r.Certificate; c == nil || c.Issuer != "CN=Example Middle" || len(c.SHA256) != 64 || !c.NotAfter.Equal(leaf.cert.NotAfter) || c.Version != "TLS 1.3" {
		t.Errorf("got certificate %+v", c)
	}
	if len(r.Evidence.Chain) != 2 || !strings.Contains(r.Evidence.Chain[0], "issued by CN=Example Middle, until") {
		t.Errorf("got chain %q", r.Evidence.Chain)
	}
	wantSample(t, ask(t, asking(t, trusting(t, root), "enable_http2: false"), s.URL), "probe_http_version", 1.1)
	wantSample(t, ask(t, asking(t, trusting(t, root), "http_version: 1.1"), s.URL), "probe_http_version", 1.1)
	wantSample(t, ask(t, asking(t, trusting(t, root), "http_version: 2"), s.URL), "probe_http_version", 2)
	kept := asking(t, trusting(t, root), "keep_alive: true")
	for range 3 {
		r := ask(t, kept, s.URL)
		wantUp(t, r)
		if r.Certificate == nil {
			t.Error("got no certificate, want one of a kept connection too")
		}
	}
	wantDown(t, ask(t, asking(t), strings.Replace(s.URL, "https", "http", 1)), ReasonStatus, "400")
}

func TestCertificatesThatAreNoGoodAreToldApart(t *testing.T) {
	t.Parallel()
	root, other := rootAuthority(t, "Example Root"), rootAuthority(t, "Somebody Else")
	middle := root.between(t, "Example Middle")
	itself := issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "itself"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	for _, tc := range []struct {
		name   string
		shown  []*authority
		reason Reason
		words  string
	}{
		{"good", []*authority{middle.host(t, day(-9), day(90)), middle}, "", ""},
		{"expired", []*authority{middle.host(t, day(-9), day(-1)), middle}, ReasonExpired, "was over at"},
		{"not yet valid", []*authority{middle.host(t, day(1), day(9)), middle}, ReasonExpired, "valid from"},
		{"wrong name", []*authority{middle.host(t, day(-9), day(90), "shop.example.jp"), middle}, ReasonName, "127.0.0.1"},
		{"incomplete chain", []*authority{middle.host(t, day(-9), day(90))}, ReasonChain, "not complete: the target sent 1 certificate, and that of CN=Example Middle"},
		{"another's root", []*authority{other.host(t, day(-9), day(90)), other}, ReasonChain, "ends at CN=Somebody Else"},
		{"signed by itself", []*authority{itself}, ReasonChain, "signed by itself"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := secureSite(t, says(200, "ok"), tc.shown...)
			for _, c := range []Checker{asking(t, trusting(t, root)), checkerOf(t, "prober: certificate\ncertificate:\n  "+trusting(t, root))} {
				r := ask(t, c, s.URL)
				if tc.reason == "" {
					wantUp(t, r)
					continue
				}
				wantDown(t, r, tc.reason, tc.words)
				if r.Certificate == nil || len(r.Evidence.Chain) != len(tc.shown) {
					t.Errorf("got certificate %+v and chain %q, want what was shown", r.Certificate, r.Evidence.Chain)
				}
			}
			wantUp(t, ask(t, asking(t, "tls_config: { insecure_skip_verify: true }"), s.URL))
		})
	}
	s := secureSite(t, says(200, "ok"), itself)
	wantUp(t, ask(t, asking(t, trusting(t, itself)), s.URL))
}

func TestACertificateThatEndsSoonIsDownInTime(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	s := secureSite(t, says(200, "ok"), root.host(t, day(-9), day(10)))
	for _, tc := range []struct {
		days string
		up   bool
	}{{"9", true}, {"11", false}, {"0", true}, {"14", false}} {
		c := checkerOf(t, "prober: certificate\ncertificate:\n  days: "+tc.days+"\n  "+trusting(t, root))
		r := ask(t, c, s.URL)
		if tc.up {
			wantUp(t, r)
		} else {
			wantDown(t, r, ReasonExpired, "ends in 9 days", "wanted are "+tc.days)
		}
		if got, ok := sampleOf(r, "probe_ssl_earliest_cert_expiry"); !ok || got == 0 {
			t.Error("got no expiry, want one")
		}
		if got := phases(r); got != "resolve connect tls" {
			t.Errorf("got phases %q", got)
		}
	}
	old := checkerOf(t, "prober: certificate\ncertificate: { days: 14, tls_config: { insecure_skip_verify: true } }")
	wantDown(t, ask(t, old, strings.TrimPrefix(s.URL, "https://")), ReasonExpired)
	wantDown(t, ask(t, old, nobody(t)), ReasonRefused)
	wantDown(t, ask(t, old, site(t, says(200, "")).URL), ReasonTLS)
	wantDown(t, askWithin(t, 300*time.Millisecond, old, neighbour(t, waitsForever)), ReasonTimeout, "agreement on TLS")
}

func TestAClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	client := issue(t, root, x509.Certificate{Subject: pkix.Name{CommonName: "watcher"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	server := root.host(t, day(-9), day(90))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.cert.Raw}, PrivateKey: server.key}}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	key, err := x509.MarshalPKCS8PrivateKey(client.key)
	if err != nil {
		t.Fatal(err)
	}
	with := "tls_config: { ca_file: '" + file(t, "ca.pem", root.pem()) + "', cert_file: '" + file(t, "c.pem", client.pem()) + "', key_file: '" + file(t, "k.pem", pemOf("PRIVATE KEY", key)) + "' }"
	wantUp(t, ask(t, asking(t, with, "fail_if_body_not_matches_regexp: [watcher]"), s.URL))
	wantDown(t, ask(t, asking(t, trusting(t, root)), s.URL), ReasonTLS, "certificate required")
}

func TestVersionsOfTLSAndNamesAreHeld(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	s := secureSite(t, says(200, "ok"), root.host(t, day(-9), day(90), "shop.example.jp"))
	ca := file(t, "ca.pem", root.pem())
	keys := func(more string) string { return "tls_config: { ca_file: '" + ca + "', " + more + " }" }
	wantUp(t, ask(t, asking(t, keys("server_name: shop.example.jp")), s.URL))
	r := ask(t, asking(t, keys("server_name: shop.example.jp, max_version: TLS12")), s.URL)
	wantUp(t, r)
	wantSample(t, r, `probe_tls_version_info{version="TLS 1.2"}`, 1)
	wantUp(t, ask(t, asking(t, keys("min_version: TLS13"), "headers: { Host: 'shop.example.jp:8443' }"), s.URL))
	// Somebody who redirects to another host does not lend it the name.
	away := site(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, s.URL, http.StatusFound) })
	wantDown(t, ask(t, asking(t, keys("server_name: shop.example.jp")), away.URL), ReasonName)
	old := httptest.NewUnstartedServer(says(200, "ok"))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	old.StartTLS()
	t.Cleanup(old.Close)
	wantDown(t, ask(t, asking(t, "tls_config: { insecure_skip_verify: true, min_version: TLS13 }"), old.URL), ReasonTLS, "version")
	// HTTP where TLS is wanted.
	wantDown(t, ask(t, asking(t), strings.Replace(site(t, says(200, "")).URL, "http", "https", 1)), ReasonTLS, "not TLS")
	wantDown(t, askWithin(t, 300*time.Millisecond, asking(t), "https://"+neighbour(t, waitsForever)), ReasonTimeout, "no agreement on TLS")
}

func TestOneCheckerAsksManyTargetsAtOnce(t *testing.T) {
	t.Parallel()
	root := rootAuthority(t, "Example Root")
	secure := secureSite(t, says(200, "ok"), root.host(t, day(-9), day(90)))
	plain := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, secure.URL, http.StatusFound)
		}
	})
	for _, more := range []string{"keep_alive: true", "keep_alive: false"} {
		c := asking(t, trusting(t, root), more, "basic_auth: { username: sato, password: geheim }", "fail_if_body_not_matches_regexp: [ok]")
		var all sync.WaitGroup
		for i := range 30 {
			target := []string{secure.URL, plain.URL + "/away", nobodysURL}[i%3]
			all.Go(func() {
				for range 5 {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					r := c.Check(ctx, target)
					cancel()
					if want := target != nobodysURL; r.Up != want {
						t.Errorf("%s: got up %t (%s), want %t", target, r.Up, r.Message, want)
					}
				}
			})
		}
		all.Wait()
	}
}

// nobodysURL is at an address where nobody listens.
const nobodysURL = "http://127.0.0.1:1/"
