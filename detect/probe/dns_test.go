package probe

import (
	"context"
	"crypto/tls"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// nameServer answers DNS on loopback, UDP and TCP on one port.
func nameServer(t testing.TB, answer func(dns.ResponseWriter, *dns.Msg)) (address string) {
	t.Helper()
	var packets net.PacketConn
	var listener net.Listener
	for range 20 { // the port that UDP gets may be taken for TCP
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
	serve(t, &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(answer)})
	serve(t, &dns.Server{Listener: listener, Handler: dns.HandlerFunc(answer)})
	return packets.LocalAddr().String()
}

func serve(t testing.TB, s *dns.Server) {
	t.Helper()
	var running sync.WaitGroup
	ready := make(chan bool)
	s.NotifyStartedFunc = func() { close(ready) }
	running.Go(func() { _ = s.ActivateAndServe() })
	<-ready
	t.Cleanup(func() {
		_ = s.Shutdown()
		running.Wait()
	})
}

// zone answers with records; ones of the question's type as answers.
func zone(t testing.TB, rcode int, records ...string) func(dns.ResponseWriter, *dns.Msg) {
	t.Helper()
	var parsed []dns.RR
	for _, text := range records {
		r, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, r)
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetRcode(q, rcode)
		for _, r := range parsed {
			switch {
			case r.Header().Rrtype == dns.TypeNS && q.Question[0].Qtype != dns.TypeNS:
				a.Ns = append(a.Ns, r)
			case !strings.EqualFold(r.Header().Name, q.Question[0].Name) && r.Header().Rrtype == dns.TypeA:
				a.Extra = append(a.Extra, r)
			default:
				a.Answer = append(a.Answer, r)
			}
		}
		_ = w.WriteMsg(a)
	}
}

// question are settings that ask for name and kind.
func question(name, kind string) DNSSettings {
	s := DefaultDNS()
	s.QueryName, s.QueryType = name, kind
	return s
}

func TestANameServersAnswerIsCountedAndTimed(t *testing.T) {
	t.Parallel()
	address := nameServer(t, zone(t, dns.RcodeSuccess, "shop.example. 60 IN A 192.0.2.1", "shop.example. 60 IN A 192.0.2.2",
		"example. 60 IN NS ns.example.", "ns.example. 60 IN A 192.0.2.53"))
	for _, transport := range []string{"", "udp", "tcp"} {
		s := question("shop.example", "A")
		s.TransportProtocol = transport
		r := ask(t, s.Checker(nearby()), address)
		wantUp(t, r)
		if got := phases(r); got != "resolve connect request" {
			t.Errorf("%s: got phases %q, want resolve connect request", transport, got)
		}
		wantSample(t, r, "probe_dns_answer_rrs", 2)
		wantSample(t, r, "probe_dns_authority_rrs", 1)
		wantSample(t, r, "probe_dns_additional_rrs", 1)
		wantSample(t, r, "probe_dns_query_succeeded", 1)
		wantNoSample(t, r, "probe_dns_serial")
		if took, ok := sampleOf(r, `probe_dns_duration_seconds{phase="request"}`); !ok || took <= 0 {
			t.Errorf("got %v, %t, want how long the request took", took, ok)
		}
		if r.Evidence.Status != "NOERROR" || !strings.Contains(r.Evidence.Body, "192.0.2.2") {
			t.Errorf("got %+v, want RCODE and answer", r.Evidence)
		}
	}
}

func TestTheSerialOfAZoneIsASample(t *testing.T) {
	t.Parallel()
	address := nameServer(t, zone(t, dns.RcodeSuccess, "example. 60 IN SOA ns.example. root.example. 2026112001 1 2 3 4"))
	r := ask(t, question("example", "SOA").Checker(nearby()), address)
	wantUp(t, r)
	wantSample(t, r, "probe_dns_serial", 2026112001)
}

func TestRcodesAreJudged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rcode int
		valid []string
		up    bool
	}{
		{dns.RcodeSuccess, nil, true},
		{dns.RcodeNameError, nil, false},
		{dns.RcodeNameError, []string{"NXDOMAIN"}, true},
		{dns.RcodeServerFailure, nil, false},
		{dns.RcodeServerFailure, []string{"NOERROR", "NXDOMAIN"}, false},
		{dns.RcodeSuccess, []string{"REFUSED"}, false},
	} {
		s := question("shop.example", "A")
		s.ValidRcodes = tc.valid
		r := ask(t, s.Checker(nearby()), nameServer(t, zone(t, tc.rcode)))
		name := dns.RcodeToString[tc.rcode]
		if tc.up {
			wantUp(t, r)
		} else {
			wantDown(t, r, ReasonAnswer, name)
		}
		wantSample(t, r, "probe_dns_query_succeeded", 1)
		if r.Evidence.Status != name {
			t.Errorf("got status %q, want %q", r.Evidence.Status, name)
		}
	}
}

func TestRecordsAreValidatedAsInBlackboxExporter(t *testing.T) {
	t.Parallel()
	re := func(list ...string) (all []*regexp.Regexp) {
		for _, e := range list {
			all = append(all, regexp.MustCompile(e))
		}
		return all
	}
	address := nameServer(t, zone(t, dns.RcodeSuccess, "shop.example. 60 IN A 192.0.2.1", "shop.example. 60 IN A 192.0.2.2"))
	for _, tc := range []struct {
		name              string
		answer, authority DNSValidator
		up                bool
		words             []string
	}{
		{"matches what it must not", DNSValidator{FailIfMatchesRegexp: re(`\.2$`)}, DNSValidator{}, false, []string{"192.0.2.2"}},
		{"matches nothing it must not", DNSValidator{FailIfMatchesRegexp: re(`\.3$`)}, DNSValidator{}, true, nil},
		{"all have the line of a zone file", DNSValidator{FailIfNotMatchesRegexp: re(`^shop\.example\.\t60\tIN\tA\t192\.0\.2\.\d$`)}, DNSValidator{}, true, nil},
		{"one does not match", DNSValidator{FailIfNotMatchesRegexp: re(`\.1$`)}, DNSValidator{}, false, []string{"192.0.2.2"}},
		{"one of them matches", DNSValidator{FailIfNoneMatchesRegexp: re(`\.1$`)}, DNSValidator{}, true, nil},
		{"none matches", DNSValidator{FailIfNoneMatchesRegexp: re(`\.3$`)}, DNSValidator{}, false, []string{`\.3$`}},
		{"all match", DNSValidator{FailIfAllMatchRegexp: re(`192`)}, DNSValidator{}, true, nil},
		{"not all match", DNSValidator{FailIfAllMatchRegexp: re(`\.1$`)}, DNSValidator{}, false, nil},
		{"an empty section that must match", DNSValidator{}, DNSValidator{FailIfNotMatchesRegexp: re(`x`)}, false, []string{"authority", "empty"}},
		{"an empty section of which one must match", DNSValidator{}, DNSValidator{FailIfNoneMatchesRegexp: re(`x`)}, false, []string{"empty"}},
		{"an empty section that must not match", DNSValidator{}, DNSValidator{FailIfMatchesRegexp: re(`x`)}, true, nil},
	} {
		s := question("shop.example", "A")
		s.ValidateAnswer, s.ValidateAuthority = tc.answer, tc.authority
		r := ask(t, s.Checker(nearby()), address)
		if tc.up != r.Up {
			t.Errorf("%s: got up %t (%s), want %t", tc.name, r.Up, r.Message, tc.up)
		}
		if !tc.up {
			wantDown(t, r, ReasonAnswer, tc.words...)
		}
	}
}

func TestExpectedAnswersHaveToComeAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind    string
		records []string
		expect  []string
		up      bool
		words   []string
	}{
		{"A", []string{"x.example. 60 IN A 192.0.2.1"}, []string{"192.0.2.1"}, true, nil},
		{"A", []string{"x.example. 60 IN CNAME y.example.", "x.example. 60 IN A 192.0.2.1"}, []string{"192.0.2.1"}, true, nil},
		{"A", []string{"x.example. 60 IN A 192.0.2.1", "x.example. 60 IN A 192.0.2.2"}, []string{"192.0.2.2", "192.0.2.1"}, true, nil},
		{"A", []string{"x.example. 60 IN A 192.0.2.1", "x.example. 60 IN A 192.0.2.66"}, []string{"192.0.2.1"}, false, []string{"not expected", "192.0.2.66"}},
		{"A", []string{"x.example. 60 IN A 192.0.2.1"}, []string{"192.0.2.1", "192.0.2.2"}, false, []string{"missing", "192.0.2.2"}},
		{"A", nil, []string{"192.0.2.1"}, false, []string{"missing"}},
		{"AAAA", []string{"x.example. 60 IN AAAA 2001:db8::1"}, []string{"2001:DB8:0::1"}, true, nil},
		{"CNAME", []string{"x.example. 60 IN CNAME Y.Example."}, []string{"y.example"}, true, nil},
		{"MX", []string{"x.example. 60 IN MX 10 mail.example."}, []string{"10 Mail.example"}, true, nil},
		{"MX", []string{"x.example. 60 IN MX 20 mail.example."}, []string{"10 mail.example"}, false, []string{"20 mail.example"}},
		{"TXT", []string{`x.example. 60 IN TXT "v=spf1 " "-all"`}, []string{"v=spf1 -all"}, true, nil},
		{"ANY", []string{"x.example. 60 IN A 192.0.2.1", `x.example. 60 IN TXT "a"`}, []string{"192.0.2.1", "a"}, true, nil},
	} {
		s := question("x.example.", tc.kind)
		s.Expect = tc.expect
		r := ask(t, s.Checker(nearby()), nameServer(t, zone(t, dns.RcodeSuccess, tc.records...)))
		if r.Up != tc.up {
			t.Errorf("%s %q: got up %t (%s), want %t", tc.kind, tc.expect, r.Up, r.Message, tc.up)
		}
		if !tc.up {
			wantDown(t, r, ReasonAnswer, tc.words...)
		}
	}
}

func TestATruncatedAnswerIsFetchedByTCP(t *testing.T) {
	t.Parallel()
	whole := zone(t, dns.RcodeSuccess, "x.example. 60 IN A 192.0.2.1", "x.example. 60 IN A 192.0.2.2")
	cut := func(w dns.ResponseWriter, q *dns.Msg) {
		if w.RemoteAddr().Network() == "tcp" {
			whole(w, q)
			return
		}
		a := new(dns.Msg).SetReply(q)
		a.Truncated = true
		_ = w.WriteMsg(a)
	}
	r := ask(t, question("x.example", "A").Checker(nearby()), nameServer(t, cut))
	wantUp(t, r)
	wantSample(t, r, "probe_dns_answer_rrs", 2)
	if got := strings.Join(r.Evidence.Tried, "\n"); !strings.Contains(got, "truncated") {
		t.Errorf("got %q, want that it was truncated", got)
	}

	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(cut)})
	r = ask(t, question("x.example", "A").Checker(nearby()), packets.LocalAddr().String()) // without TCP, what came counts
	wantUp(t, r)
	wantSample(t, r, "probe_dns_answer_rrs", 0)
}

func TestAnswersToOtherQueriesAreNotBelieved(t *testing.T) {
	t.Parallel()
	good := zone(t, dns.RcodeSuccess, "x.example. 60 IN A 192.0.2.1")
	wrong := func(change func(*dns.Msg)) func(dns.ResponseWriter, *dns.Msg) {
		return func(w dns.ResponseWriter, q *dns.Msg) {
			other := q.Copy()
			change(other)
			_ = w.WriteMsg(new(dns.Msg).SetRcode(other, dns.RcodeNameError))
		}
	}
	otherID := wrong(func(m *dns.Msg) { m.Id++ })
	otherName := wrong(func(m *dns.Msg) { m.Question[0].Name = "y.example." })
	c := question("x.example", "A").Checker(nearby())

	wantUp(t, ask(t, c, nameServer(t, func(w dns.ResponseWriter, q *dns.Msg) { otherID(w, q); otherName(w, q); good(w, q) })))
	wantDown(t, askWithin(t, time.Second, c, nameServer(t, otherID)), ReasonTimeout, "another query")
	byTCP := question("x.example", "A")
	byTCP.TransportProtocol = "tcp"
	wantDown(t, ask(t, byTCP.Checker(nearby()), nameServer(t, otherID)), ReasonProtocol, "another query")
}

func TestANameServerThatDoesNotAnswerSaysWhy(t *testing.T) {
	t.Parallel()
	silent := nameServer(t, func(dns.ResponseWriter, *dns.Msg) {})
	r := askWithin(t, time.Second, question("x.example", "A").Checker(nearby()), silent)
	wantDown(t, r, ReasonTimeout, "in time")
	wantSample(t, r, "probe_dns_query_succeeded", 0)

	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.LocalAddr().String()
	_ = free.Close()
	wantDown(t, ask(t, question("x.example", "A").Checker(nearby()), closed), ReasonRefused)

	garbage := nameServer(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_, _ = w.Write([]byte{byte(q.Id >> 8), byte(q.Id), 0x80, 0, 0, 9, 0, 9, 0, 9, 0, 9, 0xc0})
	})
	wantDown(t, ask(t, question("x.example", "A").Checker(nearby()), garbage), ReasonProtocol, "not a DNS message")
	echo := nameServer(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(q) })
	wantDown(t, ask(t, question("x.example", "A").Checker(nearby()), echo), ReasonProtocol, "a query")

	byTCP := question("x.example", "A")
	byTCP.TransportProtocol = "tcp"
	wantDown(t, ask(t, byTCP.Checker(nearby()), neighbour(t, func(c net.Conn) { _, _ = c.Write([]byte{0, 50, 1}) })), ReasonReset)
	wantDown(t, askWithin(t, time.Second, byTCP.Checker(nearby()), neighbour(t, waitsForever)), ReasonTimeout)
	wantDown(t, ask(t, question("x.example", "A").Checker(Options{}), silent), ReasonForbidden)
	wantDown(t, ask(t, question("x.example", "A").Checker(nearby()), ""), ReasonTarget)
}

func TestDNSOverTLSShowsTheCertificate(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "dns.example")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, &dns.Server{Listener: listener, Handler: dns.HandlerFunc(zone(t, dns.RcodeSuccess, "x.example. 60 IN A 192.0.2.1"))})
	s := question("x.example", "A")
	s.DNSOverTLS, s.TransportProtocol, s.TLSConfig = true, "tcp", &tls.Config{RootCAs: pool}
	r := ask(t, s.Checker(nearby()), listener.Addr().String())
	wantUp(t, r)
	if r.Certificate == nil || len(r.Evidence.Chain) != 1 {
		t.Errorf("got %+v, want the certificate", r.Certificate)
	}
	s.TLSConfig = nil
	wantDown(t, ask(t, s.Checker(nearby()), listener.Addr().String()), ReasonChain)
}

func TestTheSystemsResolverLooksTheTargetUp(t *testing.T) {
	t.Parallel()
	o := Options{Resolver: names(t)}
	s := DefaultDNS()
	s.SystemResolver, s.QueryType, s.Expect = true, "A", []string{"192.0.2.7"}
	r := ask(t, s.Checker(o), "both.example")
	wantUp(t, r)
	wantSample(t, r, "probe_dns_answer_rrs", 1)
	s.Expect = []string{"192.0.2.8"}
	wantDown(t, ask(t, s.Checker(o), "both.example"), ReasonAnswer, "192.0.2.7", "192.0.2.8")
	s.Expect = nil
	r = ask(t, s.Checker(o), "nobody.example")
	wantDown(t, r, ReasonAnswer, "not known")
	wantSample(t, r, "probe_dns_query_succeeded", 0)
	s.ValidRcodes = []string{"NXDOMAIN"}
	wantUp(t, ask(t, s.Checker(o), "nobody.example"))
	wantDown(t, ask(t, s.Checker(o), "both.example"), ReasonAnswer, "is known")
	s.ValidRcodes = nil
	wantDown(t, askWithin(t, 300*time.Millisecond, s.Checker(o), "slow.example"), ReasonTimeout)
}

func TestDNSSettingsAreValidated(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*DNSSettings){
		func(s *DNSSettings) { s.QueryName = "" },
		func(s *DNSSettings) { s.QueryName = strings.Repeat("a.", 200) },
		func(s *DNSSettings) { s.QueryType = "B" },
		func(s *DNSSettings) { s.QueryClass = "B" },
		func(s *DNSSettings) { s.TransportProtocol = "sctp" },
		func(s *DNSSettings) { s.DNSOverTLS = true },
		func(s *DNSSettings) { s.ValidRcodes = []string{"FINE"} },
		func(s *DNSSettings) { s.IPProtocol = "4" },
		func(s *DNSSettings) { s.SystemResolver = true },
		func(s *DNSSettings) { s.SystemResolver, s.QueryName, s.QueryType = true, "", "SOA" },
		func(s *DNSSettings) { s.Expect = make([]string, maxExpected+1) },
	} {
		s := question("x.example", "A")
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%+v: got no error, want one", s)
		}
		wantDown(t, ask(t, s.Checker(nearby()), "127.0.0.1"), ReasonTarget, "module")
	}
}

func FuzzDNSMessage(f *testing.F) {
	q := dns.Question{Name: "x.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}
	m := dns.Msg{Question: []dns.Question{q}}
	m.Id, m.Response = 7, true
	r, err := dns.NewRR("x.example. 60 IN A 192.0.2.1")
	if err != nil {
		f.Fatal(err)
	}
	m.Answer = []dns.RR{r}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:20])
	f.Add([]byte{0, 7})
	v := DNSValidator{FailIfMatchesRegexp: []*regexp.Regexp{regexp.MustCompile("z")}}
	f.Fuzz(func(t *testing.T, message []byte) {
		answer, err := parseDNS(message, 7, q)
		if err != nil {
			return
		}
		_ = v.validate(t.Context(), answer.Answer)
		var got []string
		for _, r := range answer.Answer {
			got = append(got, recordValue(r))
		}
		_ = expected([]string{"192.0.2.1"}, got)
		_ = answer.String()
	})
}

func BenchmarkDNS(b *testing.B) {
	address := nameServer(b, zone(b, dns.RcodeSuccess, "x.example. 60 IN A 192.0.2.1"))
	c := question("x.example", "A").Checker(nearby())
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Check(ctx, address); !r.Up {
			b.Fatal(r.Message)
		}
	}
}
