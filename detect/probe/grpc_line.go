package probe

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// maxKept is how many connections one checker keeps; further ones are made anew
// for each check.
const maxKept = 1000

// Limits of what a server can make us read or keep, in bytes.
const (
	maxGRPCAnswer  = 64 << 10
	maxGRPCHeaders = 64 << 10
	grpcBuffer     = 4 << 10
)

// goodbyeTime is how long a server may take to read that a connection ends.
const goodbyeTime = 100 * time.Millisecond

// grpcLine is a connection to a server and what was seen of it. The library
// tells only texts of what goes wrong, and tries again by itself.
type grpcLine struct {
	conn *grpc.ClientConn
	ip   netip.Addr

	mu   sync.Mutex
	seen grpcSeen
}

// grpcSeen is what happened on a line since it was last looked at.
type grpcSeen struct {
	ready        bool // both sides speak gRPC
	connect, tls time.Duration
	connectErr   error
	tlsErr       error
	readErr      error
}

// saw returns what was seen and forgets it.
func (l *grpcLine) saw() grpcSeen {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = grpcSeen{}
	return seen
}

func (l *grpcLine) see(note func(*grpcSeen)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	note(&l.seen)
}

// line is the kept connection to a server, or a new one.
func (c *grpcChecker) line(host, port string, ip netip.Addr) (*grpcLine, error) {
	if l := c.kept.take(net.JoinHostPort(host, port), ip); l != nil {
		return l, nil
	}
	l := &grpcLine{ip: ip}
	options := []grpc.DialOption{
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return l.dial(ctx, c.options, address) }),
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithDisableHealthCheck(), grpc.WithIdleTimeout(0),
		grpc.WithUserAgent("toban"), grpc.WithMaxHeaderListSize(maxGRPCHeaders),
		grpc.WithReadBufferSize(grpcBuffer), grpc.WithWriteBufferSize(grpcBuffer),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxGRPCAnswer)),
	}
	if c.TLS { // its name for the server is the one that the certificate has to have
		options = append(options, grpc.WithTransportCredentials(seenCredentials{credentials.NewTLS(serverName(c.TLSConfig, host)), l}))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(net.JoinHostPort(host, port)))
	}
	var err error
	l.conn, err = grpc.NewClient("passthrough:///"+net.JoinHostPort(ip.String(), port), options...)
	return l, err
}

// done keeps the line for the next check, if that is wanted and it works.
func (c *grpcChecker) done(l *grpcLine, host, port string, works bool) {
	if c.KeepAlive && works && c.kept.put(net.JoinHostPort(host, port), l) {
		return
	}
	_ = l.conn.Close()
}

func (l *grpcLine) dial(ctx context.Context, o Options, address string) (net.Conn, error) {
	start := time.Now()
	conn, err := o.dial(ctx, "tcp", address)
	l.see(func(s *grpcSeen) { s.connect, s.connectErr = time.Since(start), err })
	if err != nil {
		return nil, err
	}
	return &seenConn{conn, l}, nil
}

// seenConn notes how reading from it ends.
type seenConn struct {
	net.Conn
	line *grpcLine
}

func (c *seenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.line.see(func(s *grpcSeen) {
			if s.readErr == nil {
				s.readErr = err
			}
		})
	}
	return n, err
}

// SetWriteDeadline implements net.Conn. The library calls it when it ends a
// connection, to wait for seconds until a server has read its goodbye; a check
// has no such time.
func (c *seenConn) SetWriteDeadline(at time.Time) error {
	if soon := time.Now().Add(goodbyeTime); at.After(soon) {
		at = soon
	}
	return c.Conn.SetWriteDeadline(at)
}

// seenCredentials notes how the handshake ends.
type seenCredentials struct {
	credentials.TransportCredentials
	line *grpcLine
}

// ClientHandshake implements credentials.TransportCredentials.
func (c seenCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	start := time.Now()
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	c.line.see(func(s *grpcSeen) { s.tls, s.tlsErr = time.Since(start), err })
	return conn, info, err
}

// Clone implements credentials.TransportCredentials.
func (c seenCredentials) Clone() credentials.TransportCredentials {
	return seenCredentials{c.TransportCredentials.Clone(), c.line}
}

// keptLines are the connections that wait for the next check.
type keptLines struct {
	mu    sync.Mutex
	lines map[string]*grpcLine // by host:port
}

// take returns the line to target if it goes to ip, and ends one that goes
// elsewhere. It belongs to the caller until put.
func (k *keptLines) take(target string, ip netip.Addr) *grpcLine {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.lines[target]
	delete(k.lines, target)
	if l != nil && l.ip != ip {
		_ = l.conn.Close()
		return nil
	}
	if l != nil {
		l.saw() // what was before this check is not its
	}
	return l
}

// put keeps a line; false if there is no room, or another one.
func (k *keptLines) put(target string, l *grpcLine) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lines[target] != nil || len(k.lines) >= maxKept {
		return false
	}
	if k.lines == nil {
		k.lines = map[string]*grpcLine{}
	}
	k.lines[target] = l
	return true
}

func (k *keptLines) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.lines {
		_ = l.conn.Close()
	}
	clear(k.lines)
}
