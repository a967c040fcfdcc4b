package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	grpchealth "google.golang.org/grpc/health"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// healthServer is a gRPC server on loopback that serves what register adds.
func healthServer(t testing.TB, register func(*grpc.Server), options ...grpc.ServerOption) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveGRPC(t, listener, register, options...)
}

func serveGRPC(t testing.TB, listener net.Listener, register func(*grpc.Server), options ...grpc.ServerOption) string {
	t.Helper()
	s := grpc.NewServer(options...)
	register(s)
	var running sync.WaitGroup
	running.Go(func() { _ = s.Serve(listener) })
	t.Cleanup(func() {
		s.Stop()
		running.Wait()
	})
	return listener.Addr().String()
}

// healthy knows three services: fine serves, sick does not, odd is unknown.
func healthy(s *grpc.Server) {
	h := grpchealth.NewServer()
	h.SetServingStatus("fine", health.HealthCheckResponse_SERVING)
	h.SetServingStatus("sick", health.HealthCheckResponse_NOT_SERVING)
	h.SetServingStatus("odd", health.HealthCheckResponse_UNKNOWN)
	health.RegisterHealthServer(s, h)
}

// service are settings that ask for one.
func service(name string) GRPCSettings {
	s := DefaultGRPC()
	s.Service = name
	return s
}

func TestTheHealthServiceSaysWhetherAServiceServes(t *testing.T) {
	t.Parallel()
	address := healthServer(t, healthy)
	for _, tc := range []struct {
		service, serving string
		code             codes.Code
		words            []string
	}{
		{"", "SERVING", codes.OK, nil},
		{"fine", "SERVING", codes.OK, nil},
		{"sick", "NOT_SERVING", codes.OK, []string{"NOT_SERVING"}},
		{"odd", "UNKNOWN", codes.OK, []string{"UNKNOWN"}},
		{"nobody", "", codes.NotFound, []string{"does not know"}},
	} {
		r := ask(t, service(tc.service).Checker(nearby()), address)
		if tc.words == nil {
			wantUp(t, r)
		} else {
			wantDown(t, r, ReasonAnswer, tc.words...)
		}
		for _, serving := range []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"} {
			want := 0.0
			if serving == tc.serving {
				want = 1
			}
			wantSample(t, r, `probe_grpc_healthcheck_response{serving_status="`+serving+`"}`, want)
		}
		wantSample(t, r, "probe_grpc_status_code", float64(tc.code))
		wantSample(t, r, "probe_grpc_ssl", 0)
		if got := phases(r); got != "resolve connect check" {
			t.Errorf("got phases %q, want resolve connect check", got)
		}
		if !strings.HasPrefix(r.Evidence.Status, tc.code.String()) {
			t.Errorf("got status %q, want %s", r.Evidence.Status, tc.code)
		}
	}
	wantUp(t, ask(t, service("fine").Checker(nearby()), "http://"+address+"/ignored"))
}

func TestGRPCThatDoesNotAnswerSaysWhy(t *testing.T) {
	t.Parallel()
	c := service("").Checker(nearby())
	wantDown(t, ask(t, c, nobody(t)), ReasonRefused)
	wantDown(t, ask(t, c, healthServer(t, func(*grpc.Server) {})), ReasonAnswer, "no health service")
	wantDown(t, askWithin(t, time.Second, c, neighbour(t, waitsForever)), ReasonTimeout)
	wantDown(t, ask(t, c, neighbour(t, func(net.Conn) {})), ReasonReset)
	wantDown(t, ask(t, c, neighbour(t, resets)), ReasonReset)
	notGRPC := neighbour(t, func(c net.Conn) {
		_, _ = fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		waitsForever(c)
	})
	wantDown(t, ask(t, c, notGRPC), ReasonProtocol)
	wantDown(t, ask(t, c, ""), ReasonTarget)
	wantDown(t, ask(t, service("").Checker(Options{}), nobody(t)), ReasonForbidden)

	slow := healthServer(t, func(s *grpc.Server) {
		health.RegisterHealthServer(s, &checks{do: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	})
	r := askWithin(t, time.Second, c, slow)
	wantDown(t, r, ReasonTimeout)
	wantSample(t, r, "probe_grpc_status_code", float64(codes.DeadlineExceeded))
	refuses := healthServer(t, func(s *grpc.Server) {
		health.RegisterHealthServer(s, &checks{do: func(context.Context) error { return status.Error(codes.PermissionDenied, "not you\x00") }})
	})
	wantDown(t, ask(t, c, refuses), ReasonAnswer, "PermissionDenied", "not you·")
}

// checks is a health service that does as it is told.
type checks struct {
	health.UnimplementedHealthServer
	do func(context.Context) error
}

func (c *checks) Check(ctx context.Context, _ *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, c.do(ctx)
}

func TestMetadataAndAuthorityAreSent(t *testing.T) {
	t.Parallel()
	got := make(chan metadata.MD, 1)
	address := healthServer(t, func(s *grpc.Server) {
		health.RegisterHealthServer(s, &checks{do: func(ctx context.Context) error {
			md, _ := metadata.FromIncomingContext(ctx)
			got <- md
			return status.Error(codes.Unauthenticated, "no")
		}})
	})
	s := service("")
	s.Metadata = map[string][]string{"Authorization": {"Bearer hunter2"}, "x-a": {"1", "2"}}
	r := ask(t, s.Checker(nearby()), address)
	md := <-got
	if a := strings.Join(md.Get("authorization"), ","); a != "Bearer hunter2" {
		t.Errorf("got authorization %q", a)
	}
	if a := strings.Join(md.Get("x-a"), ","); a != "1,2" {
		t.Errorf("got x-a %q, want both", a)
	}
	if a := strings.Join(md.Get(":authority"), ","); a != address {
		t.Errorf("got authority %q, want %q", a, address)
	}
	if all := fmt.Sprint(r.Message, r.Evidence); strings.Contains(all, "hunter2") {
		t.Errorf("got %s, want no secret in it", all)
	}
}

func TestGRPCWithTLSShowsTheCertificate(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "rpc.example")
	address := healthServer(t, healthy, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	s := service("fine")
	s.TLS, s.TLSConfig = true, &tls.Config{RootCAs: pool}
	r := ask(t, s.Checker(nearby()), address)
	wantUp(t, r)
	wantSample(t, r, "probe_grpc_ssl", 1)
	wantSample(t, r, `probe_tls_version_info{version="TLS 1.3"}`, 1)
	wantNoSample(t, r, "probe_ssl_last_chain_expiry_timestamp_seconds")
	if got := phases(r); got != "resolve connect tls check" {
		t.Errorf("got phases %q, want resolve connect tls check", got)
	}
	if r.Certificate == nil || len(r.Evidence.Chain) != 1 {
		t.Errorf("got %+v, want the certificate", r.Certificate)
	}

	s.TLSConfig = &tls.Config{RootCAs: pool, ServerName: "other.example"}
	r = ask(t, s.Checker(nearby()), address)
	wantDown(t, r, ReasonName, "other.example")
	if len(r.Evidence.Chain) != 1 {
		t.Errorf("got chain %q, want the certificate that was refused", r.Evidence.Chain)
	}
	s.TLSConfig = nil
	wantDown(t, ask(t, s.Checker(nearby()), address), ReasonChain)
	wantDown(t, ask(t, s.Checker(nearby()), healthServer(t, healthy)), ReasonTLS, "not TLS")
	wantDown(t, ask(t, service("fine").Checker(nearby()), address), ReasonReset)
}

// counting counts the connections that were accepted.
type counting struct {
	net.Listener
	n atomic.Int32
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func TestAConnectionIsKeptOnlyIfThatIsWanted(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener := &counting{Listener: inner}
		server := grpc.NewServer()
		healthy(server)
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(listener) })
		s := service("fine")
		s.KeepAlive = keep
		c := s.Checker(nearby())
		for range 3 {
			wantUp(t, ask(t, c, listener.Addr().String()))
		}
		want := int32(3)
		if keep {
			want = 1
		}
		if got := listener.n.Load(); got != want {
			t.Errorf("keep %t: got %d connections, want %d", keep, got, want)
		}
		// A server that goes away is found out, and one that comes back.
		server.Stop()
		running.Wait()
		if r := ask(t, c, listener.Addr().String()); r.Up || r.Reason != ReasonRefused && r.Reason != ReasonReset {
			t.Errorf("keep %t: got up %t, %q (%s), want down", keep, r.Up, r.Reason, r.Message)
		}
		again, err := net.Listen("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		serveGRPC(t, again, healthy)
		wantUp(t, ask(t, c, listener.Addr().String()))
		c.(interface{ Close() }).Close()
		wantUp(t, ask(t, c, listener.Addr().String())) // closing ends what is kept, not the checker
		c.(interface{ Close() }).Close()
	}
}

func TestGRPCSettingsAreValidated(t *testing.T) {
	t.Parallel()
	for _, s := range []GRPCSettings{
		{PreferredIPProtocol: "ip5"},
		{Service: strings.Repeat("a", maxService+1)},
		{Metadata: map[string][]string{"": {"a"}}},
		{Metadata: map[string][]string{"a": {strings.Repeat("b", maxMetadata)}}},
	} {
		if s.Validate() == nil {
			t.Errorf("%.200v: got no error, want one", s)
		}
		wantDown(t, ask(t, s.Checker(nearby()), "127.0.0.1:1"), ReasonTarget, "module")
	}
}

func BenchmarkGRPC(b *testing.B) {
	address := healthServer(b, healthy)
	for _, keep := range []bool{false, true} {
		b.Run(fmt.Sprint("keep=", keep), func(b *testing.B) {
			s := service("fine")
			s.KeepAlive = keep
			c := s.Checker(nearby())
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if r := c.Check(ctx, address); !r.Up {
					b.Fatal(r.Message)
				}
			}
			c.(interface{ Close() }).Close()
		})
	}
}
