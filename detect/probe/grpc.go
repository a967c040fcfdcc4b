package probe

import (
	"context"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// grpcChecker asks a gRPC server how it is (grpc.health.v1).
type grpcChecker struct {
	GRPCSettings
	options  Options
	metadata metadata.MD
	kept     keptLines
}

// Checker returns the checker of the settings, a Closer. Its target is a host,
// host:port or a URL; without a port it is 80, with TLS 443.
func (s GRPCSettings) Checker(o Options) Checker {
	if err := s.Validate(); err != nil {
		return misfit{err}
	}
	c := &grpcChecker{GRPCSettings: s, options: o, metadata: metadata.MD{}}
	for name, values := range s.Metadata {
		c.metadata.Append(name, values...)
	}
	return c
}

// Close implements Closer.
func (c *grpcChecker) Close() { c.kept.close() }

// Check implements Checker.
func (c *grpcChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	var said grpcAnswer
	if err := c.ask(ctx, t, &said, target); err != nil {
		t.failed(err)
	}
	c.samples(t, said)
	return t.end(ctx, said.evidence(t.kept(ctx)))
}

// grpcAnswer is what came back.
type grpcAnswer struct {
	asked    bool // the call was made
	took     time.Duration
	code     codes.Code
	serving  health.HealthCheckResponse_ServingStatus
	answered bool // with a serving status
	tls      *credentials.TLSInfo
	chain    []string
	message  string
}

func (c *grpcChecker) ask(ctx context.Context, t *trial, said *grpcAnswer, target string) error {
	port := "80"
	if c.TLS {
		port = "443"
	}
	host, port, err := hostPort(target, port)
	if err != nil {
		t.sample(addressSamples(netip.Addr{}, 0)...)
		return err
	}
	ip, err := t.resolve(ctx, c.options, host, c.PreferredIPProtocol, c.IPProtocolFallback)
	if err != nil {
		return err
	}
	start := time.Now()
	line, err := c.line(host, port, ip)
	if err != nil {
		return &fault{ReasonTarget, "the module can't be used: " + safeText([]byte(err.Error()), MaxValue)}
	}
	var from peer.Peer
	callCtx := metadata.NewOutgoingContext(ctx, c.metadata)
	answer, err := health.NewHealthClient(line.conn).Check(callCtx, &health.HealthCheckRequest{Service: c.Service}, grpc.Peer(&from))
	said.asked, said.took, said.code = true, time.Since(start), status.Code(err)
	saw := line.saw()
	saw.ready = line.conn.GetState() == connectivity.Ready
	c.done(line, host, port, err == nil)

	if saw.connect > 0 {
		t.phase("connect", saw.connect)
	}
	if saw.tls > 0 {
		t.phase("tls", saw.tls)
	}
	t.phase("check", max(0, said.took-saw.connect-saw.tls))
	t.try("grpc.health.v1.Health/Check on ", net.JoinHostPort(ip.String(), port), ": ", said.code.String(), " after ", brief(said.took))
	if err != nil {
		said.chain = chainLines(unverified(saw.tlsErr))
		said.message = status.Convert(err).Message()
		return grpcFault(ctx, err, saw)
	}
	if info, ok := from.AuthInfo.(credentials.TLSInfo); ok {
		said.tls, said.chain = &info, chainLines(info.State.PeerCertificates)
	}
	said.serving, said.answered = answer.GetStatus(), true
	if said.serving != health.HealthCheckResponse_SERVING {
		return &fault{ReasonAnswer, "the health service says " + servingName(said.serving)}
	}
	return nil
}

// grpcFault says why a call failed: by what was seen of the connection if it
// was that, else by the status.
func grpcFault(ctx context.Context, err error, saw grpcSeen) error {
	code := status.Code(err)
	said := safeText([]byte(status.Convert(err).Message()), 200)
	switch code {
	case codes.DeadlineExceeded, codes.Canceled:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &fault{ReasonTimeout, "the server gave up: " + said}
	case codes.Unavailable:
		switch {
		case saw.connectErr != nil:
			return saw.connectErr
		case saw.tlsErr != nil:
			return refusedTLS(saw.tlsErr)
		case saw.readErr != nil && ctx.Err() == nil:
			return saw.readErr
		case !saw.ready:
			return &fault{ReasonProtocol, "what came is not gRPC: " + said}
		}
	case codes.NotFound:
		return &fault{ReasonAnswer, "the server does not know this service"}
	case codes.Unimplemented:
		return &fault{ReasonAnswer, "the server has no health service (grpc.health.v1)"}
	case codes.Unknown, codes.Internal:
		if saw.readErr != nil {
			return saw.readErr
		}
		return &fault{ReasonProtocol, "what came is not an answer of gRPC: " + said}
	}
	return &fault{ReasonAnswer, "the call ended with " + code.String() + ": " + said}
}

func servingName(s health.HealthCheckResponse_ServingStatus) string {
	if name, ok := health.HealthCheckResponse_ServingStatus_name[int32(s)]; ok {
		return name
	}
	return "something unknown"
}

// samples are those of blackbox-exporter's grpc module.
func (c *grpcChecker) samples(t *trial, said grpcAnswer) {
	const name, help = "probe_grpc_duration_seconds", "Duration of gRPC request by phase"
	if said.asked { // there, the check begins with the connection
		t.sample(Sample{Name: name, Help: help, Labels: []Label{{"phase", "check"}}, Value: said.took.Seconds()})
	}
	t.sample(durations(name, help, t.result.Phases, "resolve")...)
	if said.asked {
		for _, serving := range []string{"NOT_SERVING", "SERVICE_UNKNOWN", "SERVING", "UNKNOWN"} {
			s := flag("probe_grpc_healthcheck_response", "Response HealthCheck response", said.answered && serving == servingName(said.serving))
			s.Labels = []Label{{"serving_status", serving}}
			t.sample(s)
		}
	}
	t.sample(
		flag("probe_grpc_ssl", "Indicates if SSL was used for the connection", said.tls != nil),
		Sample{Name: "probe_grpc_status_code", Help: "Response gRPC status code", Value: float64(said.code)},
	)
	if said.tls != nil {
		var all []Sample
		t.result.Certificate, all = certificateOf(said.tls.State)
		t.sample(certificateSamples(all, "probe_tls_cipher_info", "probe_ssl_last_chain_expiry_timestamp_seconds")...)
	}
}

func (a grpcAnswer) evidence(kept bool) *Evidence {
	if !kept || !a.asked {
		return nil
	}
	e := &Evidence{Status: a.code.String(), Chain: a.chain, Body: safeText([]byte(a.message), MaxBodySample), BodySize: int64(len(a.message))}
	if a.answered {
		e.Status += ", " + servingName(a.serving)
	}
	return e
}
