package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// nearby lets checks ask this machine.
func nearby() Options { return Options{Guard: Guard{AllowPrivate: true}} }

// ask checks target within five seconds, which is long enough for whatever
// answers at all.
func ask(t *testing.T, c Checker, target string) *Result {
	t.Helper()
	return askWithin(t, 5*time.Second, c, target)
}

func askWithin(t *testing.T, limit time.Duration, c Checker, target string) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(WithEvidence(t.Context()), limit)
	defer cancel()
	start := time.Now()
	r := c.Check(ctx, target)
	if r == nil {
		t.Fatal("got nil, want a result")
	}
	if took := time.Since(start); took > limit+2*time.Second {
		t.Errorf("took %s, want at most %s", took, limit)
	}
	if r.Up != (r.Reason == "") || r.Up != (r.Message == "") {
		t.Errorf("got up %t with reason %q and message %q, want both exactly when it is down", r.Up, r.Reason, r.Message)
	}
	if r.Evidence == nil || len(r.Evidence.Tried) == 0 {
		t.Errorf("got evidence %+v, want what was tried", r.Evidence)
	}
	return r
}

// wantDown says that r is down for reason, and that its message has the words.
func wantDown(t *testing.T, r *Result, reason Reason, words ...string) {
	t.Helper()
	if r.Up || r.Reason != reason {
		t.Errorf("got up %t, reason %q (%s), want down for %q", r.Up, r.Reason, r.Message, reason)
	}
	for _, w := range words {
		if !strings.Contains(r.Message, w) {
			t.Errorf("got message %q, want %q in it", r.Message, w)
		}
	}
}

func wantUp(t *testing.T, r *Result) {
	t.Helper()
	if !r.Up {
		t.Fatalf("got down for %q: %s (%+v), want up", r.Reason, r.Message, r.Evidence)
	}
}

// wantSample says that r has a sample, by its name and labels as they are written.
func wantSample(t *testing.T, r *Result, name string, want float64) {
	t.Helper()
	if got, ok := sampleOf(r, name); !ok || got != want {
		t.Errorf("got %s = %v (there: %t), want %v", name, got, ok, want)
	}
}

func wantNoSample(t *testing.T, r *Result, name string) {
	t.Helper()
	if got, ok := sampleOf(r, name); ok {
		t.Errorf("got %s = %v, want no such sample", name, got)
	}
}

func sampleOf(r *Result, name string) (float64, bool) {
	for _, s := range r.Samples {
		full := s.Name
		if len(s.Labels) > 0 {
			var pairs []string
			for _, l := range s.Labels {
				pairs = append(pairs, l.Name+`="`+l.Value+`"`)
			}
			full += "{" + strings.Join(pairs, ",") + "}"
		}
		if full == name {
			return s.Value, true
		}
	}
	return 0, false
}

func phases(r *Result) string {
	var names []string
	for _, p := range r.Phases {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// neighbour is a TCP server on loopback; serve talks on each connection, which is
// closed when it returns.
func neighbour(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var talks sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	talks.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			talks.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		talks.Wait()
	})
	return listener.Addr().String()
}

// nobody is an address of loopback on which nobody listens.
func nobody(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// waitsForever reads until the connection is closed, and says nothing.
func waitsForever(conn net.Conn) {
	var b [512]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

// resets cuts the connection the hard way.
func resets(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// vouched is a certificate for names, issued now by an authority of its own for
// the time around now, and the pool with that authority.
func vouched(t testing.TB, until time.Duration, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"},
		NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   now.Add(-24 * time.Hour), NotAfter: now.Add(until),
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(authorityDER)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}, pool
}
