package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"time"
)

// httpPhases are those of probe_http_duration_seconds.
var httpPhases = [...]string{"resolve", "connect", "tls", "processing", "transfer"}

// phaseLabels are the labels of those.
var phaseLabels = [len(httpPhases)]Label{{"phase", httpPhases[0]}, {"phase", httpPhases[1]}, {"phase", httpPhases[2]}, {"phase", httpPhases[3]}, {"phase", httpPhases[4]}}

// httpHop is one request of a check with its times.
type httpHop struct {
	url     *url.URL
	method  string
	only    bool // nothing but a name that was looked up
	start   time.Time
	resolve time.Duration
	connect time.Duration
	ip      netip.Addr
	address string // that is dialled

	resolved, connected, reused bool
	tlsStart, tlsDone, gotConn  time.Time
	firstByte                   time.Time
	err, resolveErr, connectErr error
	tlsErr                      error
	status, proto               string
}

type runKey struct{}

// traced is the context of a request of r, by which the transport tells us what
// it does.
func (r *httpRun) traced() context.Context {
	ctx := context.WithValue(r.ctx, runKey{}, r)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: r.gotConn, GotFirstResponseByte: r.gotFirstByte, TLSHandshakeStart: r.tlsStarted, TLSHandshakeDone: r.tlsEnded,
	})
}

// hop changes the hop that is under way, unless the check is over.
func (r *httpRun) hop(change func(*httpHop)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && len(r.hops) > 0 {
		change(&r.hops[len(r.hops)-1])
	}
}

func (r *httpRun) gotConn(info httptrace.GotConnInfo) {
	now := time.Now()
	r.hop(func(h *httpHop) {
		h.gotConn, h.reused = now, info.Reused
		if info.Reused {
			h.tlsStart, h.tlsDone = time.Time{}, time.Time{}
			if at, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil {
				h.ip, h.address = at.Addr().Unmap(), at.String()
			}
		}
	})
}

func (r *httpRun) gotFirstByte() {
	now := time.Now()
	r.hop(func(h *httpHop) { h.firstByte = now })
}

func (r *httpRun) tlsStarted() {
	now := time.Now()
	r.hop(func(h *httpHop) {
		if h.tlsDone.IsZero() { // of a connection that the library was given, it has begun already
			h.tlsStart = now
		}
	})
}

func (r *httpRun) tlsEnded(_ tls.ConnectionState, err error) {
	now := time.Now()
	r.hop(func(h *httpHop) {
		if h.tlsDone.IsZero() {
			h.tlsDone, h.tlsErr = now, err
		}
	})
}

// dialForRun makes a connection for the check that ctx belongs to. Each name is
// looked up once a check, by the preference of the module.
func dialForRun(ctx context.Context, network, address string) (net.Conn, error) {
	r, ok := ctx.Value(runKey{}).(*httpRun)
	if !ok {
		return nil, errors.New("a connection for nobody")
	}
	return r.dial(network, address)
}

func (r *httpRun) dial(network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &fault{ReasonTarget, "the target names no host that can be understood"}
	}
	ip, took, err := r.lookUp(host)
	r.hop(func(h *httpHop) { h.resolve, h.resolved, h.ip, h.resolveErr = took, err == nil, ip, err })
	if err != nil {
		return nil, err
	}
	at := net.JoinHostPort(ip.String(), port)
	r.hop(func(h *httpHop) { h.address = at })
	start := time.Now()
	conn, err := r.c.options.dial(r.ctx, network, at)
	took = time.Since(start)
	r.hop(func(h *httpHop) { h.connect, h.connected, h.connectErr = took, err == nil, err })
	return conn, err
}

// lookUp finds the address of a host, the same one for all requests of a check.
func (r *httpRun) lookUp(host string) (netip.Addr, time.Duration, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), 0, nil // the guard sees it when it is dialled
	}
	r.mu.Lock()
	for _, known := range r.looked {
		if known.host == host {
			r.mu.Unlock()
			return known.ip, 0, nil
		}
	}
	r.mu.Unlock()
	ip, took, err := r.c.options.resolve(r.ctx, host, r.c.IPProtocol, r.c.IPProtocolFallback)
	if err == nil {
		r.mu.Lock()
		r.looked = append(r.looked, lookedUp{host, ip})
		r.mu.Unlock()
	}
	return ip, took, err
}

// sealed lets nobody write into the run any more.
func (r *httpRun) sealed() {
	r.letGo()
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
}

// durations are the phases of all hops together. Those that did not come are
// left out of seen.
func (r *httpRun) durations() (sums [len(httpPhases)]time.Duration, seen [len(httpPhases)]bool) {
	add := func(i int, d time.Duration) { sums[i], seen[i] = sums[i]+max(0, d), true }
	for i := range r.hops {
		h := &r.hops[i]
		if h.resolved || h.resolveErr != nil {
			add(0, h.resolve)
		}
		if h.connected || h.connectErr != nil {
			add(1, h.connect)
		}
		if !h.tlsStart.IsZero() && !h.tlsDone.IsZero() {
			add(2, h.tlsDone.Sub(h.tlsStart))
		}
		if !h.gotConn.IsZero() && !h.firstByte.IsZero() {
			add(3, h.firstByte.Sub(h.gotConn))
		}
		if i == len(r.hops)-1 && !h.firstByte.IsZero() && !r.ended.IsZero() {
			add(4, r.ended.Sub(h.firstByte))
		}
	}
	return sums, seen
}
