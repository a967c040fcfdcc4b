package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// names is a resolver that knows both.example (of both families), four.example
// and mixed addresses that change with each look-up at turning.example.
func names(t testing.TB) *net.Resolver {
	t.Helper()
	asked := make(chan int, 1)
	asked <- 0
	address := nameServer(t, func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		add := func(record string) {
			r, err := dns.NewRR(q.Question[0].Name + " 60 IN " + record)
			if err == nil && r.Header().Rrtype == q.Question[0].Qtype {
				a.Answer = append(a.Answer, r)
			}
		}
		switch q.Question[0].Name {
		case "both.example.":
			add("A 192.0.2.7")
			add("AAAA 2001:db8::7")
		case "four.example.":
			add("A 192.0.2.4")
		case "near.example.":
			add("A 127.0.0.1")
		case "turning.example.": // public when it is looked at, then private
			n := <-asked
			asked <- n + 1
			if n < 1 {
				add("A 8.8.8.8")
			} else {
				add("A 127.0.0.1")
			}
		case "slow.example.":
			return
		default:
			a.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(a)
	})
	// The resolver goes on waiting for a while when those who asked are gone, so
	// its connections end with the test.
	var mu sync.Mutex
	var open []net.Conn
	over := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return nil, net.ErrClosed
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			open = append(open, conn)
		}
		return conn, err
	}}
}

func TestResolveTakesThePreferredFamilyAndFallsBack(t *testing.T) {
	t.Parallel()
	o := Options{Guard: Guard{AllowPrivate: true}, Resolver: names(t)}
	for _, tc := range []struct {
		host, preferred string
		fallback        bool
		want            string
		reason          Reason
	}{
		{"both.example", "", true, "2001:db8::7", ""},
		{"both.example", "ip6", false, "2001:db8::7", ""},
		{"both.example", "ip4", true, "192.0.2.7", ""},
		{"both.example", "ip4", false, "192.0.2.7", ""},
		{"four.example", "ip6", true, "192.0.2.4", ""},
		{"four.example", "ip6", false, "", ReasonResolve},
		{"192.0.2.9", "ip6", true, "192.0.2.9", ""},
		{"192.0.2.9", "ip6", false, "", ReasonResolve},
		{"::ffff:192.0.2.9", "ip4", false, "192.0.2.9", ""},
		{"2001:db8::9", "ip4", true, "2001:db8::9", ""},
		{"nobody.example", "ip4", true, "", ReasonResolve},
		{"", "ip4", true, "", ReasonTarget},
		{"169.254.169.254", "ip4", true, "", ReasonForbidden},
	} {
		ip, took, err := o.resolve(t.Context(), tc.host, tc.preferred, tc.fallback)
		if took < 0 {
			t.Errorf("%s: got %s, want a duration", tc.host, took)
		}
		if tc.reason == "" {
			if err != nil || ip.String() != tc.want {
				t.Errorf("%s by %q: got %s, %v, want %s", tc.host, tc.preferred, ip, err, tc.want)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s by %q: got %s, want an error", tc.host, tc.preferred, ip)
		} else if reason, _ := reasonOf(err); reason != tc.reason {
			t.Errorf("%s by %q: got reason %q (%v), want %q", tc.host, tc.preferred, reason, err, tc.reason)
		}
	}
}

func TestANameThatTurnsPrivateAfterTheLookUpIsNotReached(t *testing.T) {
	t.Parallel()
	reached := make(chan bool, 1)
	address := neighbour(t, func(net.Conn) { reached <- true })
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Resolver: names(t)}
	if ip, _, err := o.resolve(t.Context(), "turning.example", "ip4", false); err != nil || ip.String() != "8.8.8.8" {
		t.Fatalf("got %s, %v, want the public address first", ip, err)
	}
	for range 3 { // as a redirect to the name would dial it
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := o.dial(ctx, "tcp4", "turning.example:"+port)
		cancel()
		if err == nil {
			_ = conn.Close()
			t.Fatal("got a connection, want none")
		}
	}
	select {
	case <-reached:
		t.Error("got a connection to loopback, want none")
	default:
	}
}

func TestNoNameServerInTimeIsAReasonOfItsOwn(t *testing.T) {
	t.Parallel()
	o := Options{Resolver: names(t)}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, _, err := o.resolve(ctx, "slow.example", "ip4", true)
	if reason, message := reasonOf(err); reason != ReasonResolve || !strings.Contains(message, "in time") {
		t.Errorf("got %q, %q, want %q and that nothing came in time", reason, message, ReasonResolve)
	}
}

func TestTheSourceAddressIsUsedOrRefused(t *testing.T) {
	t.Parallel()
	from := make(chan string, 1)
	address := neighbour(t, func(c net.Conn) { from <- c.RemoteAddr().String() })
	o := nearby().from("127.0.0.9")
	conn, err := o.dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got := <-from; !strings.HasPrefix(got, "127.0.0.9:") {
		t.Errorf("got %s, want 127.0.0.9", got)
	}
	if _, err := nearby().from("here").dial(t.Context(), "tcp", address); err == nil {
		t.Error("got no error for a source that is no address, want one")
	}
}

func TestEveryErrorHasAReason(t *testing.T) {
	t.Parallel()
	op := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:80")), Err: os.NewSyscallError("connect", err)}
	}
	for _, tc := range []struct {
		err  error
		want Reason
	}{
		{op(syscall.ECONNREFUSED), ReasonRefused},
		{op(syscall.ECONNRESET), ReasonReset},
		{op(syscall.EPIPE), ReasonReset},
		{op(syscall.EHOSTUNREACH), ReasonUnreached},
		{op(syscall.ENETUNREACH), ReasonUnreached},
		{op(syscall.ETIMEDOUT), ReasonTimeout},
		{op(syscall.EMFILE), ReasonPermission},
		{op(syscall.EPERM), ReasonPermission},
		{fmt.Errorf("reading: %w", io.EOF), ReasonReset},
		{io.ErrUnexpectedEOF, ReasonReset},
		{context.DeadlineExceeded, ReasonTimeout},
		{os.ErrDeadlineExceeded, ReasonTimeout},
		{context.Canceled, ReasonTimeout},
		{&net.DNSError{Err: "no such host", Name: "x.example", IsNotFound: true}, ReasonResolve},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, ReasonTLS},
		{inHandshake(errors.New("tls: server selected unsupported protocol version")), ReasonTLS},
		{inHandshake(io.EOF), ReasonReset},
		{errors.New("something else"), ReasonProtocol},
	} {
		reason, message := reasonOf(tc.err)
		if reason != tc.want || message == "" {
			t.Errorf("%v: got %q, %q, want %q and a message", tc.err, reason, message, tc.want)
		}
	}
}

func TestTargetsAreTakenApart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ target, host, port string }{
		{"db.example", "db.example", "25"},
		{"db.example:5432", "db.example", "5432"},
		{" db.example ", "db.example", "25"},
		{"192.0.2.1", "192.0.2.1", "25"},
		{"2001:db8::1", "2001:db8::1", "25"},
		{"[2001:db8::1]", "2001:db8::1", "25"},
		{"[2001:db8::1]:80", "2001:db8::1", "80"},
		{"https://shop.example:8443/a?b#c", "shop.example", "8443"},
		{"http://user:secret@shop.example/", "shop.example", "25"},
		{"tcp://shop.example:1", "shop.example", "1"},
		{"例え.example:80", "xn--r8jz45g.example", "80"},
	} {
		host, port, err := hostPort(tc.target, "25")
		if err != nil || host != tc.host || port != tc.port {
			t.Errorf("%q: got %q, %q, %v, want %q, %q", tc.target, host, port, err, tc.host, tc.port)
		}
	}
	for _, bad := range []string{
		"", "  ", ":80", "a b", "a:b:c", "a:0", "a:65536", "a:http", "a:-1", "http://", "http://[::1", "a/b", "user@host", "http://user:hunter2@%zz/", "a\x00b",
		strings.Repeat("a", 5000),
	} {
		host, port, err := hostPort(bad, "25")
		if err == nil {
			t.Errorf("%.20q: got %q, %q, want an error", bad, host, port)
			continue
		}
		if reason, message := reasonOf(err); reason != ReasonTarget || strings.Contains(message, "hunter2") {
			t.Errorf("%.20q: got %q, %q, want %q and no password", bad, reason, message, ReasonTarget)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"a:1", "[::1]:2", "http://a/", "::1", "a:b:c", "%", "[fe80::1%lo]:5", "//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		host, port, err := hostPort(target, "1")
		if err == nil && (host == "" || port == "") {
			t.Errorf("%q: got host %q and port %q, want both or an error", target, host, port)
		}
	})
}

func FuzzSafeText(f *testing.F) {
	f.Add([]byte("a\x00b\xff\u202e\r\n"), 5)
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		limit = min(max(limit, 0), 4096)
		got := safeText(text, limit)
		if len(got) > limit {
			t.Errorf("got %d bytes, want at most %d", len(got), limit)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0x202e }) {
			t.Errorf("got %q, want nothing invisible", got)
		}
	})
}
