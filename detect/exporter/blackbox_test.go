package exporter

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"toban/internal/testserver"
)

// TestProbeGivesTheMetricsOfBlackboxExporter asks the same targets by Debian's
// blackbox-exporter 0.23 and by ours, with the same module file, and compares
// names, labels and values.
func TestProbeGivesTheMetricsOfBlackboxExporter(t *testing.T) {
	t.Parallel()
	p := newPeers(t)
	file := p.modules(t)
	theirs := testserver.Blackbox(t, file)
	ours := asking(t, &Config{Modules: modules(t, file)}, private())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	// Before 0.26 this one was there without TLS, as 0: an alert about expiry fired.
	const withoutTLS = "probe_ssl_earliest_cert_expiry"
	for _, tc := range []struct {
		name, module, target string
		up                   bool
		leave                string // samples that differ with a reason, by the beginning of their names
	}{
		{"a page", "http_2xx", p.plain + "/", true, ""},
		{"without a scheme", "http_2xx", strings.TrimPrefix(p.plain, "http://") + "/", true, ""},
		{"no content", "http_2xx", p.plain + "/204", true, ""},
		{"not found", "http_2xx", p.plain + "/404", false, ""},
		{"an error", "http_2xx", p.plain + "/503", false, ""},
		{"a wanted error", "http_503", p.plain + "/503", true, ""},
		{"S1's module and 204", "s1", p.plain + "/204", false, ""},
		{"S1's module and 301", "s1", p.plain + "/301", true, ""}, // followed
		{"a redirect to TLS", "http_insecure", p.plain + "/secure", true, ""},
		{"a redirect that isn't followed", "http_here", p.plain + "/301", false, ""},
		{"the same, wanted", "http_301", p.plain + "/301", true, ""},
		{"a loop", "http_2xx", p.plain + "/loop", false, ""},
		{"chunks", "http_2xx", p.plain + "/chunks", true, ""},
		{"last modified", "http_2xx", p.plain + "/dated", true, ""},
		{"a body that matches", "http_body", p.plain + "/", true, ""},
		{"a body that doesn't", "http_body", p.plain + "/204", false, ""},
		{"a body that must not match", "http_not_body", p.plain + "/", false, ""},
		{"a header that matches", "http_header", p.plain + "/dated", true, ""},
		{"a header that doesn't", "http_header", p.plain + "/", false, ""},
		{"a body that is too large", "http_small", p.plain + "/chunks", false, ""},
		{"gzip", "http_gzip", p.plain + "/gzip", true, ""},
		{"gzip that isn't", "http_gzip", p.plain + "/", false, ""},
		{"POST with headers", "http_post", p.plain + "/post", true, ""},
		{"basic auth", "http_auth", p.plain + "/auth", true, ""},
		{"the wrong version", "http_version", p.plain + "/", false, ""},
		{"no TLS where it is wanted", "http_tls", p.plain + "/", false, ""},
		{"TLS where it isn't wanted", "http_not_tls", p.secure + "/", false, ""},
		{"HTTP/2 and a chain", "http_ca", p.secure + "/", true, ""},
		{"HTTP/1.1 and TLS 1.2", "http_tls12", p.secure + "/", true, ""},
		{"nobody vouches", "http_2xx", p.secure + "/", false, ""},
		{"an expired certificate", "http_ca", p.expired + "/", false, ""},
		{"an expired one, unverified", "http_insecure", p.expired + "/", true, ""},
		{"the wrong name", "http_name", p.secure + "/", false, ""},
		{"nobody listens", "http_2xx", p.nobody, false, ""},
		{"nobody has the name", "http_2xx", "http://nothing.invalid/", false, ""},
		{"never an answer", "http_short", p.silent, false, ""},
		{"a cut connection", "http_2xx", p.cut, false, ""},

		{"a port", "tcp", p.greeter, true, ""},
		{"no port", "tcp", p.nobody, false, ""},
		{"a greeting", "tcp_banner", p.greeter, true, ""},
		{"another greeting", "tcp_other", p.greeter, false, ""},
		{"TLS on a port", "tcp_tls", strings.TrimPrefix(p.secure, "https://"), true, ""},
		{"no TLS on a port", "tcp_tls", p.greeter, false, ""},

		{"an answer of DNS", "dns_a", p.dns, true, ""},
		{"by TCP", "dns_tcp", p.dns, true, ""},
		{"a name that isn't there", "dns_none", p.dns, false, ""},
		{"the same, wanted", "dns_nxdomain", p.dns, true, ""},
		{"a wrong answer", "dns_other", p.dns, false, ""},

		{"gRPC that serves", "grpc", p.grpc, true, withoutTLS},
		{"a service that doesn't", "grpc_down", p.grpc, false, withoutTLS},
		{"a service that isn't known", "grpc_unknown", p.grpc, false, withoutTLS},

		{"a ping", "icmp", "127.0.0.1", true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/probe?module=" + tc.module + "&target=" + url.QueryEscape(tc.target)
			resp, err := client.Get(theirs + path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			want := readAll(t, resp.Body)
			w := get(ours, path)
			got := readAll(t, w.Body)
			if t.Failed() || len(want) == 0 {
				t.Fatalf("blackbox-exporter answered %s, ours %d", resp.Status, w.Code)
			}
			if up := want["probe_success"] == 1; up != tc.up {
				t.Fatalf("blackbox-exporter says up %t, the table %t", up, tc.up)
			}
			compare(t, got, want, tc.leave)
			if t.Failed() {
				logs, _, _ := strings.Cut(get(ours, path+"&debug=true").Body.String(), "\n\n\n")
				t.Log(logs)
			}
		})
	}
}

// compare holds our metrics to theirs. What later blackbox-exporters have is
// more than theirs: that is all there may be.
func compare(t *testing.T, got, want map[string]float64, leave string) {
	t.Helper()
	later := func(name string) bool {
		return strings.HasPrefix(name, "probe_timeout_seconds") || strings.HasPrefix(name, "probe_tls_cipher_info") // since 0.26
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if leave != "" && strings.HasPrefix(name, leave) {
			continue
		}
		v, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s is missing, want %v", name, want[name])
		case !measured(name) && v != want[name]:
			t.Errorf("%s: got %v, want %v", name, v, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && !later(name) && !(leave != "" && strings.HasPrefix(name, leave)) {
			t.Errorf("%s = %v is not theirs", name, got[name])
		}
	}
}

// measured reports whether the value of a metric is another one each time.
func measured(name string) bool {
	name, _, _ = strings.Cut(name, "{")
	return strings.HasSuffix(name, "_duration_seconds") || name == "probe_dns_lookup_time_seconds"
}

// readAll takes an exposition apart: the value of each series, by its name and
// labels in one order. The label serialnumber came with 0.26 and is left out.
func readAll(t *testing.T, text io.Reader) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for lines := bufio.NewScanner(text); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 {
			t.Fatalf("got the line %q", line)
		}
		v, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			t.Fatalf("got the line %q", line)
		}
		name, labels, _ := strings.Cut(strings.TrimSuffix(line[:cut], "}"), "{")
		var pairs []string
		for pair := range strings.SplitSeq(labels, `",`) {
			if !strings.HasPrefix(pair, "serialnumber=") && pair != "" {
				pairs = append(pairs, strings.TrimSuffix(pair, `"`)+`"`)
			}
		}
		slices.Sort(pairs)
		all[name+"{"+strings.Join(pairs, ",")+"}"] = v
	}
	for name, v := range maps.Clone(all) { // a name without labels is told by itself
		if plain, ok := strings.CutSuffix(name, "{}"); ok {
			delete(all, name)
			all[plain] = v
		}
	}
	return all
}

// peers are the servers that are asked.
type peers struct {
	plain, secure, expired string // URLs
	nobody, silent, cut    string // host:port
	greeter, dns, grpc     string
	ca                     string // file
}

func newPeers(t *testing.T) *peers {
	t.Helper()
	p := &peers{}
	root, rootKey := certificate(t, nil, nil, time.Now().Add(48*time.Hour))
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf, key := certificate(t, root, rootKey, time.Now().Add(24*time.Hour))
	p.secure = secureSite(t, leaf, key)
	old, oldKey := certificate(t, root, rootKey, time.Now().Add(-time.Hour))
	p.expired = secureSite(t, old, oldKey)
	p.plain = site(t, p.serve)
	p.silent = listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	p.cut = listen(t, func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) })
	p.greeter = listen(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "220 mail.example.jp ESMTP ready\r\n")
		_, _ = io.Copy(io.Discard, conn)
	})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.nobody = free.Addr().String()
	_ = free.Close()
	p.dns = nameServer(t)
	p.grpc = healthServer(t)
	return p
}

func (p *peers) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/204":
		w.WriteHeader(204)
	case "/404":
		http.NotFound(w, r)
	case "/503":
		http.Error(w, "down for now", http.StatusServiceUnavailable)
	case "/301":
		http.Redirect(w, r, "/", http.StatusMovedPermanently)
	case "/secure":
		http.Redirect(w, r, p.secure+"/", http.StatusFound)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case "/chunks":
		for range 10 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			_ = http.NewResponseController(w).Flush()
		}
	case "/dated":
		w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
	case "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("fine ", 100))
		_ = z.Close()
	case "/post":
		if body, _ := io.ReadAll(r.Body); r.Method != "POST" || string(body) != "{}" || r.Header.Get("X-Mode") != "test" || r.Host != "shop.example.jp" {
			w.WriteHeader(400)
		}
	case "/auth":
		if user, password, _ := r.BasicAuth(); user != "sato" || password != "geheim" {
			w.WriteHeader(401)
		}
	default:
		_, _ = io.WriteString(w, "all is well")
	}
}

func (p *peers) modules(t *testing.T) string {
	t.Helper()
	tls := "tls_config: { ca_file: " + p.ca + " }"
	var b strings.Builder
	b.WriteString("modules:\n")
	for _, m := range []struct{ name, prober, part string }{
		{"http_2xx", "http", ""},
		{"http_503", "http", "valid_status_codes: [503]"},
		{"s1", "http", "method: GET, valid_status_codes: [200]"},
		{"http_insecure", "http", "tls_config: { insecure_skip_verify: true }"},
		{"http_here", "http", "follow_redirects: false"},
		{"http_301", "http", "no_follow_redirects: true, valid_status_codes: [301]"},
		{"http_body", "http", "fail_if_body_not_matches_regexp: [well]"},
		{"http_not_body", "http", "fail_if_body_matches_regexp: [well]"},
		{"http_header", "http", "fail_if_header_not_matches: [{ header: Last-Modified, regexp: GMT }]"},
		{"http_small", "http", "body_size_limit: 2KB, fail_if_body_matches_regexp: [y]"},
		{"http_gzip", "http", "compression: gzip"},
		{"http_post", "http", "method: POST, body: '{}', headers: { X-Mode: test, Host: shop.example.jp }"},
		{"http_auth", "http", "basic_auth: { username: sato, password: geheim }"},
		{"http_version", "http", "valid_http_versions: [HTTP/2.0]"},
		{"http_tls", "http", "fail_if_not_ssl: true"},
		{"http_not_tls", "http", "fail_if_ssl: true, " + tls},
		{"http_ca", "http", tls},
		{"http_tls12", "http", "enable_http2: false, tls_config: { max_version: TLS12, ca_file: " + p.ca + " }"},
		{"http_name", "http", "tls_config: { ca_file: " + p.ca + ", server_name: shop.example.jp }"},
		{"tcp", "tcp", ""},
		{"tcp_banner", "tcp", `query_response: [{ expect: "^220 (\\S+) ESMTP" }, { send: "EHLO ${1}" }]`},
		{"tcp_other", "tcp", `query_response: [{ expect: "^SSH" }]`},
		{"tcp_tls", "tcp", "tls: true, " + tls},
		{"dns_a", "dns", "query_name: shop.example.jp, query_type: A"},
		{"dns_tcp", "dns", "query_name: shop.example.jp, query_type: A, transport_protocol: tcp"},
		{"dns_none", "dns", "query_name: none.example.jp, query_type: A"},
		{"dns_nxdomain", "dns", "query_name: none.example.jp, query_type: A, valid_rcodes: [NXDOMAIN]"},
		{"dns_other", "dns", `query_name: shop.example.jp, query_type: A, validate_answer_rrs: { fail_if_not_matches_regexp: ["192\\.0\\.2\\.99"] }`},
		{"grpc", "grpc", ""},
		{"grpc_down", "grpc", "service: down"},
		{"grpc_unknown", "grpc", "service: unknown"},
		{"icmp", "icmp", ""},
	} {
		part := "preferred_ip_protocol: ip4, ip_protocol_fallback: true"
		if m.part != "" {
			part += ", " + m.part
		}
		fmt.Fprintf(&b, "  %s: { prober: %s, timeout: 3s, %s: { %s } }\n", m.name, m.prober, m.prober, part)
	}
	b.WriteString("  http_short: { prober: http, timeout: 300ms }\n")
	return b.String()
}

// certificate is one for 127.0.0.1 that ends at that time, or an authority.
func certificate(t *testing.T, by *x509.Certificate, byKey *ecdsa.PrivateKey, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Example", Organization: []string{"A \"quoted\", name"}},
		NotBefore: time.Now().Add(-72 * time.Hour), NotAfter: until, DNSNames: []string{"localhost", "example.jp"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if by == nil {
		made.IsCA, made.BasicConstraintsValid, made.KeyUsage = true, true, x509.KeyUsageCertSign
		by, byKey = made, key
	}
	der, err := x509.CreateCertificate(rand.Reader, made, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func secureSite(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(fine))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// listen is a TCP server on loopback.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends when the other side goes
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

// nameServer knows shop.example.jp and nothing else, by UDP and TCP on one port.
func nameServer(t *testing.T) string {
	t.Helper()
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "shop.example.jp." {
			rr, err := dns.NewRR("shop.example.jp. 300 IN A 192.0.2.7")
			if err != nil {
				return
			}
			m.Answer = []dns.RR{rr}
			soa, err := dns.NewRR("example.jp. 300 IN SOA ns.example.jp. admin.example.jp. 42 1 1 1 1")
			if err != nil {
				return
			}
			m.Ns = []dns.RR{soa}
		} else {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})
	var packets net.PacketConn
	var listener net.Listener
	for range 20 { // the port that UDP gives may be taken for TCP
		var err error
		if packets, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if listener, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			break
		}
		_ = packets.Close()
	}
	if listener == nil {
		t.Fatal("no port is free for both UDP and TCP")
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: answer}, {Listener: listener, Handler: answer}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		ended := make(chan struct{})
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() {
			_ = s.ShutdownContext(context.WithoutCancel(t.Context()))
			<-ended
		})
	}
	return packets.LocalAddr().String()
}

func healthServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	state := health.NewServer()
	state.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(s, state)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(listener) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	return listener.Addr().String()
}
