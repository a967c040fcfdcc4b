package probe

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pinger is one for a test.
func pinger(t testing.TB) Options {
	t.Helper()
	o := nearby()
	o.Pinger = NewPinger()
	t.Cleanup(func() {
		if err := o.Pinger.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// mayPing reports whether the system lets this process ping. Where it does not,
// checks have to say how to allow it.
func mayPing(t testing.TB, r *Result) bool {
	t.Helper()
	if r.Reason != ReasonPermission {
		return true
	}
	for _, way := range []string{"net.ipv4.ping_group_range", "CAP_NET_RAW"} {
		if !strings.Contains(r.Message, way) {
			t.Errorf("got %q, want %q in it", r.Message, way)
		}
	}
	return false
}

func TestPingReachesThisMachineOrSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"127.0.0.1", "::1", "127.0.0.1:80", "http://127.0.0.1:1/health?x", "https://[::1]/"} {
		for _, o := range []Options{nearby(), pinger(t)} { // a socket of its own, and a shared one
			r := ask(t, DefaultICMP().Checker(o), target)
			if !mayPing(t, r) {
				continue
			}
			wantUp(t, r)
			if got := phases(r); got != "resolve setup rtt" {
				t.Errorf("got phases %q, want resolve setup rtt", got)
			}
			if rtt, ok := sampleOf(r, `probe_icmp_duration_seconds{phase="rtt"}`); !ok || rtt <= 0 || rtt > 1 {
				t.Errorf("got %v, %t, want the time to this machine", rtt, ok)
			}
			wantSample(t, r, "probe_icmp_reply_hop_limit", 64)
		}
	}
}

func TestPingTakesTheSettings(t *testing.T) {
	t.Parallel()
	o := pinger(t)
	for _, tc := range []struct {
		name   string
		target string
		change func(*ICMPSettings)
		reason Reason
	}{
		{"one byte", "127.0.0.1", func(s *ICMPSettings) { s.PayloadSize = 1 }, ""},
		{"an odd size", "::1", func(s *ICMPSettings) { s.PayloadSize = 1001 }, ""},
		{"larger than a frame", "127.0.0.1", func(s *ICMPSettings) { s.PayloadSize = 9000 }, ""},
		{"as large as can be", "127.0.0.1", func(s *ICMPSettings) { s.PayloadSize = maxPayload }, ""},
		{"in one piece", "127.0.0.1", func(s *ICMPSettings) { s.DontFragment = true }, ""},
		{"in one piece by IPv6", "::1", func(s *ICMPSettings) { s.DontFragment = true }, ""},
		{"a hop limit", "127.0.0.1", func(s *ICMPSettings) { s.TTL = 3 }, ""},
		{"from another address", "127.0.0.1", func(s *ICMPSettings) { s.SourceIPAddress = "127.0.0.2" }, ""},
		{"from an address by IPv6", "::1", func(s *ICMPSettings) { s.SourceIPAddress = "::1" }, ""},
		{"from the other family", "127.0.0.1", func(s *ICMPSettings) { s.SourceIPAddress = "::1" }, ReasonTarget},
		{"only by IPv6", "127.0.0.1", func(s *ICMPSettings) { s.IPProtocolFallback = false }, ReasonResolve},
		{"to a cloud's metadata", "169.254.169.254", func(*ICMPSettings) {}, ReasonForbidden},
		{"to nothing", "", func(*ICMPSettings) {}, ReasonTarget},
		{"too large", "127.0.0.1", func(s *ICMPSettings) { s.PayloadSize = maxPayload + 1 }, ReasonTarget},
		{"a hop limit that does not exist", "127.0.0.1", func(s *ICMPSettings) { s.TTL = 256 }, ReasonTarget},
	} {
		s := DefaultICMP()
		tc.change(&s)
		r := ask(t, s.Checker(o), tc.target)
		if tc.reason == "" && !mayPing(t, r) {
			continue
		}
		if r.Reason != tc.reason {
			t.Errorf("%s: got %q (%s), want %q", tc.name, r.Reason, r.Message, tc.reason)
		}
	}
}

func TestNoReplyIsATimeoutAndLeavesNobodyWaiting(t *testing.T) {
	t.Parallel()
	o := pinger(t)
	first := ask(t, DefaultICMP().Checker(o), "127.0.0.1")
	if !mayPing(t, first) {
		return
	}
	key := echoKey{ttl: defaultTTL}
	socket, err := o.Pinger.socket(key)
	if err != nil {
		t.Fatal(err)
	}
	// 240.0.0.1 is nobody's: the system refuses it, or nothing comes back.
	s := DefaultICMP()
	o.Guard.Allow = []netip.Prefix{netip.MustParsePrefix("240.0.0.0/4")}
	r := askWithin(t, 300*time.Millisecond, s.Checker(o), "240.0.0.1")
	if r.Up || !slices.Contains([]Reason{ReasonTimeout, ReasonUnreached, ReasonPermission}, r.Reason) {
		t.Errorf("got up %t, %q (%s), want no reply", r.Up, r.Reason, r.Message)
	}
	if _, ok := sampleOf(r, `probe_icmp_duration_seconds{phase="rtt"}`); !ok {
		t.Error("got no sample of the phase rtt, want 0")
	}
	wantNoSample(t, r, "probe_icmp_reply_hop_limit")
	socket.mu.Lock()
	defer socket.mu.Unlock()
	if n := len(socket.waiting); n != 0 {
		t.Errorf("got %d who wait, want none", n)
	}
}

func TestManyPingsAtOnceShareOneSocket(t *testing.T) {
	t.Parallel()
	o := pinger(t)
	c := DefaultICMP().Checker(o)
	var all sync.WaitGroup
	results := make([]*Result, 500)
	for i := range results {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			results[i] = c.Check(ctx, "127.0.0."+string(rune('1'+i%9)))
		})
	}
	all.Wait()
	for _, r := range results {
		if mayPing(t, r) && !r.Up {
			t.Fatalf("got %q: %s, want all up", r.Reason, r.Message)
		}
	}
	if n := len(o.Pinger.sockets); n > 1 {
		t.Errorf("got %d sockets, want one", n)
	}
}

func TestAClosedPingerEndsWhoWaits(t *testing.T) {
	t.Parallel()
	o := nearby()
	o.Pinger = NewPinger()
	if err := o.Pinger.Close(); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, DefaultICMP().Checker(o), "127.0.0.1"); r.Up {
		t.Error("got up, want down: the pinger is closed")
	}
}

// waitingFor is a socket without a system, on which somebody waits.
func waitingFor(raw, v6 bool, to string) (*echoSocket, *echoWait) {
	s := &echoSocket{key: echoKey{v6: v6}, raw: raw, id: 7, waiting: map[uint16]*echoWait{}}
	w := &echoWait{to: netip.MustParseAddr(to), sent: time.Now(), token: []byte("12345678"), size: 10, answer: make(chan echoAnswer, 1)}
	s.waiting[9] = w
	return s, w
}

func marshal(t *testing.T, m icmp.Message) []byte {
	t.Helper()
	b, err := m.Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOnlyTheAskedHostCanReply(t *testing.T) {
	t.Parallel()
	reply := func(id, seq int, payload string) []byte {
		return marshal(t, icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{ID: id, Seq: seq, Data: []byte(payload)}})
	}
	for _, tc := range []struct {
		name    string
		message []byte
		from    string
		raw     bool
		want    bool
	}{
		{"the reply", reply(7, 9, "12345678ab"), "192.0.2.1", true, true},
		{"the reply, with the system's id", reply(1, 9, "12345678ab"), "192.0.2.1", false, true},
		{"somebody else", reply(7, 9, "12345678ab"), "192.0.2.2", true, false},
		{"another program", reply(8, 9, "12345678ab"), "192.0.2.1", true, false},
		{"another request", reply(7, 8, "12345678ab"), "192.0.2.1", true, false},
		{"other bytes", reply(7, 9, "12345679ab"), "192.0.2.1", true, false},
		{"fewer bytes", reply(7, 9, "12345678"), "192.0.2.1", true, false},
		{"a request", marshal(t, icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 7, Seq: 9, Data: []byte("12345678ab")}}), "192.0.2.1", true, false},
		{"nothing", nil, "192.0.2.1", true, false},
	} {
		s, w := waitingFor(tc.raw, false, "192.0.2.1")
		s.heard(tc.message, netip.MustParseAddr(tc.from), 50, time.Now())
		select {
		case got := <-w.answer:
			if !tc.want || got.err != nil || got.hopLimit != 50 {
				t.Errorf("%s: got %+v, want it believed: %t", tc.name, got, tc.want)
			}
		default:
			if tc.want {
				t.Errorf("%s: got nothing, want it believed", tc.name)
			}
		}
	}
}

func TestTroubleOnTheWayIsToldAtOnce(t *testing.T) {
	t.Parallel()
	request := marshal(t, icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 7, Seq: 9, Data: []byte("12345678ab")}})
	header := []byte{0x45, 0, 0, 38, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 99, 192, 0, 2, 1}
	quoted := append(slices.Clone(header), request...)
	other := slices.Clone(quoted)
	other[19] = 2
	request6 := marshal(t, icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 7, Seq: 9, Data: []byte("12345678ab")}})
	header6 := make([]byte, 40)
	header6[0], header6[6] = 0x60, 58
	to6 := netip.MustParseAddr("2001:db8::1").As16()
	copy(header6[24:], to6[:])
	for _, tc := range []struct {
		name    string
		message icmp.Message
		v6      bool
		want    string
	}{
		{"no host", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 1, Body: &icmp.DstUnreach{Data: quoted}}, false, "the host can't be reached"},
		{"no network", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 0, Body: &icmp.DstUnreach{Data: quoted}}, false, "no way to the network"},
		{"too large", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 4, Body: &icmp.DstUnreach{Data: quoted}}, false, "too large"},
		{"forbidden", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 13, Body: &icmp.DstUnreach{Data: quoted}}, false, "forbids"},
		{"too far", icmp.Message{Type: ipv4.ICMPTypeTimeExceeded, Body: &icmp.TimeExceeded{Data: quoted}}, false, "hop limit"},
		{"about another host", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 1, Body: &icmp.DstUnreach{Data: other}}, false, ""},
		{"about half a packet", icmp.Message{Type: ipv4.ICMPTypeDestinationUnreachable, Code: 1, Body: &icmp.DstUnreach{Data: quoted[:22]}}, false, ""},
		{"no way by IPv6", icmp.Message{Type: ipv6.ICMPTypeDestinationUnreachable, Body: &icmp.DstUnreach{Data: append(slices.Clone(header6), request6...)}}, true, "no way"},
		{"too large by IPv6", icmp.Message{Type: ipv6.ICMPTypePacketTooBig, Body: &icmp.PacketTooBig{MTU: 1280, Data: append(slices.Clone(header6), request6...)}}, true, "too large"},
	} {
		to := "192.0.2.1"
		if tc.v6 {
			to = "2001:db8::1"
		}
		s, w := waitingFor(true, tc.v6, to)
		s.heard(marshal(t, tc.message), netip.MustParseAddr("192.0.2.254"), 50, time.Now())
		select {
		case got := <-w.answer:
			if got.err == nil || tc.want == "" || !strings.Contains(got.err.Error(), tc.want) {
				t.Errorf("%s: got %v, want %q", tc.name, got.err, tc.want)
			} else if reason, _ := reasonOf(got.err); reason != ReasonUnreached {
				t.Errorf("%s: got %q, want %q", tc.name, reason, ReasonUnreached)
			}
		default:
			if tc.want != "" {
				t.Errorf("%s: got nothing, want %q", tc.name, tc.want)
			}
		}
	}
}

func TestAnEchoRequestIsAsTheStandardHasIt(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 8, 28, 57} {
		ours := make([]byte, icmpHeader+size)
		for i := range size {
			ours[icmpHeader+i] = byte(i * 37)
		}
		want := marshal(t, icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 4711, Seq: 65535, Data: ours[icmpHeader:]}})
		echoRequest(ours, false, 4711, 65535)
		if string(ours) != string(want) {
			t.Errorf("%d bytes: got % x, want % x", size, ours, want)
		}
		want = marshal(t, icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: 4711, Seq: 65535, Data: ours[icmpHeader:]}})
		echoRequest(ours, true, 4711, 65535)
		if string(ours) != string(want) {
			t.Errorf("%d bytes of IPv6: got % x, want % x", size, ours, want)
		}
	}
}

func FuzzEcho(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 7, 0, 9, 'a'}, false)
	f.Add([]byte{3, 1, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 38, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 9, 192, 0, 2, 1, 8, 0, 0, 0, 0, 7, 0, 9}, false)
	f.Add(append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 58}, make([]byte, 50)...), true)
	f.Fuzz(func(t *testing.T, message []byte, v6 bool) {
		e, ok := parseEcho(message, v6)
		if ok && (e.trouble == "") == e.to.IsValid() {
			t.Errorf("got %+v, want an address exactly when there was trouble", e)
		}
	})
}

func BenchmarkICMP(b *testing.B) {
	for _, way := range []struct {
		name string
		o    Options
	}{{"shared", pinger(b)}, {"alone", nearby()}} {
		b.Run(way.name, func(b *testing.B) {
			c := DefaultICMP().Checker(way.o)
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if r := c.Check(ctx, "127.0.0.1"); !r.Up {
					b.Fatal(r.Message)
				}
			}
		})
	}
}
