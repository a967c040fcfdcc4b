package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"
)

// CertificateSettings are the certificate part of a module, which is ours: how
// a target's certificate is looked at.
type CertificateSettings struct {
	IPProtocol         string      `yaml:"preferred_ip_protocol"` // ip4 or ip6
	IPProtocolFallback bool        `yaml:"ip_protocol_fallback"`
	SourceIPAddress    string      `yaml:"source_ip_address"`
	Days               int         `yaml:"days"`       // it has to hold for so many days from now on
	TLSConfig          *tls.Config `yaml:"tls_config"` // nil = the system's roots, and the target's host as name
}

// DefaultCertificate are the settings of a module that says nothing.
func DefaultCertificate() CertificateSettings {
	return CertificateSettings{IPProtocolFallback: true, Days: 14}
}

// maxDays bounds Days: no certificate holds so long.
const maxDays = 3650

// Validate says what is wrong with the settings, nil if nothing is.
func (s CertificateSettings) Validate() error {
	if s.Days < 0 || s.Days > maxDays {
		return fmt.Errorf("days: 0 to %d", maxDays)
	}
	return validateAddress(s.IPProtocol, s.SourceIPAddress)
}

// Checker returns the checker of the settings. Its target is host, host:port or
// an https URL; the port is 443 where there is none.
func (s CertificateSettings) Checker(o Options) Checker {
	if err := s.Validate(); err != nil {
		return misfit{err}
	}
	return &certificateChecker{s, o.from(s.SourceIPAddress)}
}

// certificateChecker looks at the certificates that a target shows.
type certificateChecker struct {
	CertificateSettings
	options Options
}

// Check implements Checker.
func (c *certificateChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	e := &Evidence{}
	c.ask(ctx, t, e, target)
	return t.end(ctx, e)
}

func (c *certificateChecker) ask(ctx context.Context, t *trial, e *Evidence, target string) {
	host, port, err := hostPort(target, "443")
	if err != nil {
		t.failed(err)
		return
	}
	tcp := tcpChecker{options: c.options, TCPSettings: TCPSettings{IPProtocol: c.IPProtocol, IPProtocolFallback: c.IPProtocolFallback}}
	conn, err := tcp.connect(ctx, t, host, port)
	if err != nil {
		t.failed(err)
		return
	}
	defer conn.Close()
	state, err := c.handshake(ctx, t, conn, serverName(c.TLSConfig, host))
	e.Chain = chainLines(state.PeerCertificates)
	if len(state.PeerCertificates) == 0 {
		if err == nil {
			err = &fault{ReasonTLS, "the target showed no certificate"}
		}
		t.failed(err)
		return
	}
	certificate, samples := certificateOf(state)
	t.result.Certificate = certificate
	t.sample(samples...)
	if err != nil {
		if why := chainFault(err, state.PeerCertificates); why != "" {
			t.try(why)
			t.fail(ReasonChain, why)
			return
		}
		t.failed(err)
		return
	}
	c.judge(t, certificate)
}

// handshake returns what the target showed also when that is no good: the error
// says why. The check is ours, so that a certificate that nobody trusts can be
// looked at.
func (c *certificateChecker) handshake(ctx context.Context, t *trial, conn net.Conn, config *tls.Config) (tls.ConnectionState, error) {
	look := config.Clone()
	look.InsecureSkipVerify = true //nolint:gosec // verified below, with the same roots and name
	client := tls.Client(conn, look)
	start := time.Now()
	err := client.HandshakeContext(ctx)
	took := time.Since(start)
	t.phase("tls", took)
	state := client.ConnectionState()
	if err != nil && len(state.PeerCertificates) == 0 {
		t.try("no agreement on TLS after ", brief(took))
		if ctx.Err() != nil {
			return state, &fault{ReasonTimeout, "connected, and there was no agreement on TLS in time"}
		}
		return state, &handshakeFault{err}
	}
	t.try("agreed on ", tls.VersionName(state.Version), " in ", brief(took))
	if config.InsecureSkipVerify || len(state.PeerCertificates) == 0 {
		return state, nil
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	state.VerifiedChains, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName: config.ServerName, Roots: config.RootCAs, Intermediates: between, CurrentTime: time.Now(),
	})
	return state, err
}

// judge looks at how long the certificate holds on.
func (c *certificateChecker) judge(t *trial, certificate *Certificate) {
	end := certificate.ChainEnds
	if end.IsZero() { // not verified: what was sent is all there is
		end = certificate.Earliest
	}
	now := time.Now()
	left := end.Sub(now)
	switch {
	case now.Before(certificate.NotBefore):
		t.fail(ReasonExpired, "the certificate is valid from "+moment(certificate.NotBefore))
	case left <= 0:
		t.fail(ReasonExpired, "the certificate's time was over at "+moment(end))
	case left < time.Duration(c.Days)*24*time.Hour:
		t.fail(ReasonExpired, fmt.Sprintf("the certificate ends in %d days, at %s; wanted are %d", int(left/(24*time.Hour)), moment(end), c.Days))
	}
}
