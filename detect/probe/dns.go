package probe

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// dnsChecker asks a name server one question.
type dnsChecker struct {
	DNSSettings
	options  Options
	question dns.Question
	query    []byte // ready to be sent but for its id
	rcodes   []int
}

// Checker returns the checker of the settings. Its target is the name server,
// host or host:port; with SystemResolver it is the name to look up.
func (s DNSSettings) Checker(o Options) Checker {
	if err := s.Validate(); err != nil {
		return misfit{err}
	}
	if s.SystemResolver {
		return &systemChecker{s, o}
	}
	c := &dnsChecker{DNSSettings: s, options: o.from(s.SourceIPAddress)}
	name, err := asciiName(s.QueryName)
	if err != nil {
		return misfit{err}
	}
	c.question = dns.Question{Name: dns.Fqdn(name), Qtype: dns.TypeANY, Qclass: dns.ClassINET}
	if s.QueryType != "" {
		c.question.Qtype = dns.StringToType[s.QueryType]
	}
	if s.QueryClass != "" {
		c.question.Qclass = dns.StringToClass[s.QueryClass]
	}
	query := dns.Msg{Question: []dns.Question{c.question}}
	query.RecursionDesired = s.Recursion
	if c.query, err = query.Pack(); err != nil {
		return misfit{err}
	}
	for _, code := range s.ValidRcodes {
		c.rcodes = append(c.rcodes, dns.StringToRcode[code])
	}
	if len(c.rcodes) == 0 {
		c.rcodes = []int{dns.RcodeSuccess}
	}
	return c
}

// Check implements Checker.
func (c *dnsChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	evidence := &Evidence{}
	answer, err := c.ask(ctx, t, evidence, target)
	if err == nil {
		err = c.judge(ctx, answer)
	}
	if err != nil {
		t.failed(err)
	}
	t.sample(durations("probe_dns_duration_seconds", "Duration of DNS request by phase", t.result.Phases, "resolve", "connect", "request")...)
	t.sample(c.samples(answer)...)
	if answer != nil {
		evidence.Status = rcodeName(answer.Rcode)
		if t.kept(ctx) {
			text := answer.String()
			evidence.Body, evidence.BodySize = safeText([]byte(text), MaxBodySample), int64(len(text))
		}
	}
	return t.end(ctx, evidence)
}

// ask sends the query, and once more by TCP where the answer was too long for UDP.
func (c *dnsChecker) ask(ctx context.Context, t *trial, evidence *Evidence, target string) (*dns.Msg, error) {
	port, network := "53", "udp"
	if c.DNSOverTLS {
		port = "853"
	}
	if c.TransportProtocol == "tcp" {
		network = "tcp"
	}
	host, port, err := hostPort(target, port)
	if err != nil {
		t.sample(addressSamples(netip.Addr{}, 0)...)
		return nil, err
	}
	ip, err := t.resolve(ctx, c.options, host, c.IPProtocol, c.IPProtocolFallback)
	if err != nil {
		return nil, err
	}
	way := dnsWay{network: network, address: net.JoinHostPort(ip.String(), port), host: host, evidence: evidence}
	answer, err := c.exchange(ctx, t, way)
	if err != nil || !answer.Truncated || network != "udp" {
		return answer, err
	}
	t.try("the answer is truncated; asking again by TCP")
	way.network = "tcp"
	whole, err := c.exchange(ctx, t, way)
	if err != nil { // as much as came is judged, as blackbox-exporter does
		_, why := reasonOf(err)
		t.try("TCP: ", why)
		return answer, nil
	}
	return whole, nil
}

// dnsWay is how a name server is asked.
type dnsWay struct {
	network, address, host string
	evidence               *Evidence
}

// exchange connects, sends the query and waits for its answer.
func (c *dnsChecker) exchange(ctx context.Context, t *trial, way dnsWay) (*dns.Msg, error) {
	start := time.Now()
	conn, err := c.connect(ctx, t, way)
	t.phase("connect", time.Since(start))
	if err != nil {
		t.try("connect to ", way.address, " by ", way.network, " failed")
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	start = time.Now()
	answer, err := c.sendAndWait(conn, way.network == "udp")
	took := time.Since(start)
	t.phase("request", took)
	t.try(way.network, " ", way.address, ": ", c.question.Name, " ", dns.Type(c.question.Qtype).String(), outcome(answer, err), " after ", brief(took))
	return answer, err
}

func outcome(answer *dns.Msg, err error) string {
	if err != nil {
		return ": no answer"
	}
	return ": " + rcodeName(answer.Rcode)
}

func (c *dnsChecker) connect(ctx context.Context, t *trial, way dnsWay) (net.Conn, error) {
	conn, err := c.options.dial(ctx, way.network, way.address)
	if err != nil || !c.DNSOverTLS {
		return conn, err
	}
	encrypted := tls.Client(conn, serverName(c.TLSConfig, way.host))
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		way.evidence.Chain = chainLines(unverified(err))
		return nil, refusedTLS(err)
	}
	state := encrypted.ConnectionState()
	t.result.Certificate, _ = certificateOf(state)
	way.evidence.Chain = chainLines(state.PeerCertificates)
	return encrypted, nil
}

// sendAndWait returns the first message that answers the query.
func (c *dnsChecker) sendAndWait(conn net.Conn, datagrams bool) (*dns.Msg, error) {
	id := uint16(rand.Uint32())
	packet := make([]byte, 2, 2+len(c.query))
	binary.BigEndian.PutUint16(packet, uint16(len(c.query)))
	packet = append(packet, c.query...)
	binary.BigEndian.PutUint16(packet[2:], id)
	if datagrams {
		packet = packet[2:]
	}
	if _, err := conn.Write(packet); err != nil {
		return nil, err
	}
	buffer, strangers := make([]byte, 4<<10), 0
	for {
		message, err := readDNS(conn, buffer, datagrams)
		if err != nil {
			reason, why := reasonOf(err)
			if strangers > 0 {
				why += "; an answer to another query came"
			}
			return nil, &fault{reason, why}
		}
		answer, err := parseDNS(message, id, c.question)
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, errStranger) && datagrams:
			strangers++ // anybody can send a datagram, and an earlier answer may be late
		case errors.Is(err, errStranger):
			return nil, &fault{ReasonProtocol, "the answer is to another query"}
		default:
			return nil, err
		}
	}
}

// judge compares the answer with what was wanted.
func (c *dnsChecker) judge(ctx context.Context, answer *dns.Msg) error {
	if !slices.Contains(c.rcodes, answer.Rcode) {
		return &fault{ReasonAnswer, "the answer's RCODE is " + rcodeName(answer.Rcode) + "; wanted " + c.wantedRcodes()}
	}
	for _, section := range []struct {
		name    string
		records []dns.RR
		DNSValidator
	}{
		{"answer", answer.Answer, c.ValidateAnswer},
		{"authority", answer.Ns, c.ValidateAuthority},
		{"additional", answer.Extra, c.ValidateAdditional},
	} {
		if why := section.validate(ctx, section.records); why != "" {
			return &fault{ReasonAnswer, "the " + section.name + " section: " + why}
		}
	}
	if len(c.Expect) == 0 {
		return nil
	}
	var got []string
	for _, r := range answer.Answer {
		if c.question.Qtype == dns.TypeANY || r.Header().Rrtype == c.question.Qtype {
			got = append(got, recordValue(r))
		}
	}
	return expected(c.Expect, got)
}

// samples are those of blackbox-exporter's dns module.
func (c *dnsChecker) samples(answer *dns.Msg) []Sample {
	var got dns.Msg
	if answer != nil {
		got = *answer
	}
	all := dnsCounts(len(got.Answer), len(got.Ns), len(got.Extra), answer != nil)
	if answer == nil || c.question.Qtype != dns.TypeSOA {
		return all
	}
	serial := Sample{Name: "probe_dns_serial", Help: "Returns the serial number of the zone"}
	for _, r := range got.Answer {
		if soa, ok := r.(*dns.SOA); ok {
			serial.Value = float64(soa.Serial)
		}
	}
	return append(all, serial)
}

func dnsCounts(answer, authority, additional int, succeeded bool) []Sample {
	return []Sample{
		{Name: "probe_dns_answer_rrs", Help: "Returns number of entries in the answer resource record list", Value: float64(answer)},
		{Name: "probe_dns_authority_rrs", Help: "Returns number of entries in the authority resource record list", Value: float64(authority)},
		{Name: "probe_dns_additional_rrs", Help: "Returns number of entries in the additional resource record list", Value: float64(additional)},
		flag("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully", succeeded),
	}
}
