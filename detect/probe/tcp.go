package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// tcpChecker connects to a port and, if it was told to, talks.
type tcpChecker struct {
	TCPSettings
	options Options
	steps   []QueryResponse
}

// Checker returns the checker of the settings. Its target is host:port.
func (s TCPSettings) Checker(o Options) Checker {
	if err := s.Validate(); err != nil {
		return misfit{err}
	}
	return &tcpChecker{s, o.from(s.SourceIPAddress), append(startTLS(s.StartTLS), s.QueryResponse...)}
}

// Check implements Checker.
func (c *tcpChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	talk := conversation{trial: t, steps: c.steps}
	c.ask(ctx, t, &talk, target)
	talk.samples(t)
	if !t.kept(ctx) {
		return t.end(ctx, nil)
	}
	return t.end(ctx, talk.evidence())
}

func (c *tcpChecker) ask(ctx context.Context, t *trial, talk *conversation, target string) {
	host, port, err := hostPort(target, "")
	if err == nil && port == "" {
		err = &fault{ReasonTarget, "the target needs a port, as in " + host + ":443"}
	}
	if err != nil {
		t.failed(err)
		return
	}
	conn, err := c.connect(ctx, t, host, port)
	if err != nil {
		t.failed(err)
		return
	}
	talk.conn = conn
	defer func() { _ = talk.conn.Close() }() // what TLS has become of it, too
	// A deadline in the past ends whatever waits, at the deadline and when the
	// check is stopped.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	config := serverName(c.TLSConfig, host)
	if c.TLS {
		if err := talk.secure(ctx, config); err != nil {
			t.failed(err)
			return
		}
	}
	if len(c.steps) == 0 {
		return
	}
	start := time.Now()
	err = talk.run(ctx, config)
	t.phase("processing", time.Since(start))
	if err != nil {
		t.failed(err)
	}
}

// connect resolves and dials, with both phases and the samples of the address.
func (c *tcpChecker) connect(ctx context.Context, t *trial, host, port string) (net.Conn, error) {
	ip, err := t.resolve(ctx, c.options, host, c.IPProtocol, c.IPProtocolFallback)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(ip.String(), port)
	start := time.Now()
	conn, err := c.options.dial(ctx, "tcp", address)
	took := time.Since(start)
	t.phase("connect", took)
	if err != nil {
		t.try("connect to ", address, " failed after ", brief(took))
		return nil, err
	}
	t.try("connected to ", address, " in ", brief(took))
	return conn, nil
}

// resolve finds the address of host, with phase and samples.
func (t *trial) resolve(ctx context.Context, o Options, host, preferred string, fallback bool) (netip.Addr, error) {
	ip, took, err := o.resolve(ctx, host, preferred, fallback)
	t.phase("resolve", took)
	t.sample(addressSamples(ip, took)...)
	if err != nil {
		t.try("resolve ", host, " failed after ", brief(took))
		return ip, err
	}
	if !isAddress(host) {
		t.try("resolved ", host, " to ", ip.String(), " in ", brief(took))
	}
	return ip, nil
}

// serverName is config for a target, with its host as the name that the
// certificate has to have if config names none.
func serverName(config *tls.Config, host string) *tls.Config {
	if config == nil {
		return &tls.Config{ServerName: host}
	}
	if config.ServerName != "" {
		return config
	}
	config = config.Clone()
	config.ServerName = host
	return config
}

// brief is a duration for people: three digits are enough.
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < 10*time.Second:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

// errTooMuch ends reading from a target that never stops talking.
var errTooMuch = errors.New("the target sent more than is read")
