package probe

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"
)

// icmpChecker sends one echo request and waits for the reply.
type icmpChecker struct {
	ICMPSettings
	options Options
	source  netip.Addr
	size    int
}

// Checker returns the checker of the settings. Its target is a host, or
// something with one: of host:port and of a URL it asks the host.
func (s ICMPSettings) Checker(o Options) Checker {
	if err := s.Validate(); err != nil {
		return misfit{err}
	}
	c := &icmpChecker{s, o.from(s.SourceIPAddress), netip.Addr{}, s.PayloadSize}
	var err error
	if c.source, err = c.options.source(); err != nil {
		return misfit{err}
	}
	if c.size == 0 {
		c.size = defaultPayload
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	return c
}

// Check implements Checker.
func (c *icmpChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	hopLimit, err := c.ask(ctx, t, target)
	t.sample(durations("probe_icmp_duration_seconds", "Duration of icmp request by phase", t.result.Phases, "resolve", "setup", "rtt")...)
	if err != nil {
		t.failed(err)
	}
	if hopLimit >= 0 {
		t.sample(Sample{Name: "probe_icmp_reply_hop_limit", Help: "Replied packet hop limit (TTL for ipv4)", Value: float64(hopLimit)})
	}
	return t.end(ctx, nil)
}

// ask returns the hop limit of the reply, -1 if it isn't known.
func (c *icmpChecker) ask(ctx context.Context, t *trial, target string) (hopLimit int, err error) {
	host, _, err := hostPort(target, "")
	if err != nil {
		t.sample(addressSamples(netip.Addr{}, 0)...)
		return -1, err
	}
	ip, err := t.resolve(ctx, c.options, host, c.IPProtocol, c.IPProtocolFallback)
	if err != nil {
		return -1, err
	}
	if c.source.IsValid() && c.source.Is4() != ip.Is4() {
		return -1, &fault{ReasonTarget, "source_ip_address is of the other kind than " + ip.String()}
	}

	start := time.Now()
	pinger := c.options.Pinger
	if pinger == nil {
		pinger = NewPinger()
		defer func() { _ = pinger.Close() }()
	}
	socket, err := pinger.socket(echoKey{
		v6: ip.Is6(), source: c.source, ttl: c.TTL, dontFragment: c.DontFragment, large: icmpHeader+c.size > smallReply,
	})
	setup := time.Since(start)
	t.phase("setup", setup)
	if err != nil {
		return -1, err
	}

	start = time.Now()
	seq, wait, err := socket.send(ip, c.size)
	if err != nil {
		return -1, err
	}
	defer socket.forget(seq)
	way := "an unprivileged socket"
	if socket.raw {
		way = "a raw socket"
	}
	t.try("echo request to ", ip.String(), " with ", strconv.Itoa(c.size), " bytes, by ", way)
	select {
	case answer := <-wait.answer:
		if answer.err != nil {
			return -1, answer.err
		}
		t.phase("rtt", answer.rtt)
		t.try("reply after ", brief(answer.rtt), ", hop limit ", strconv.Itoa(answer.hopLimit))
		return answer.hopLimit, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return -1, ctx.Err()
		}
		return -1, &fault{ReasonTimeout, "no echo reply from " + ip.String() + " in " + brief(time.Since(start))}
	}
}
