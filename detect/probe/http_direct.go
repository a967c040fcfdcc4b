package probe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// The direct way: HTTP/1.1 over a connection of the check's own, spoken in its
// own goroutine. At a low rate what a check costs is waking up, and each further
// goroutine is one more to wake.

// maxSent is the largest body that is sent before the answer is listened to, in
// bytes: the system takes so much at once from us, whether the server reads or not.
const maxSent = 4 << 10

// isPlain reports whether targets are asked in the direct way.
func (s *HTTPSettings) isPlain() bool {
	r := s.ready
	if r.proxy != nil || s.HTTPVersion != "" && s.HTTPVersion != "1.1" || len(r.body) > maxSent || r.method == http.MethodConnect {
		return false
	}
	for _, name := range []string{"Connection", "Expect", "Trailer", "Transfer-Encoding", "Upgrade"} {
		if len(r.header[name]) > 0 {
			return false
		}
	}
	return true
}

// roundTrip asks once.
func (r *httpRun) roundTrip(req *http.Request) (resp *http.Response, err error) {
	r.mu.Lock()
	r.hops = append(r.hops, httpHop{url: req.URL, method: req.Method, start: time.Now()})
	r.mu.Unlock()
	if r.c.direct {
		resp, err = r.directly(req)
	} else {
		resp, err = r.byLibrary(req)
	}
	r.mu.Lock()
	hop := &r.hops[len(r.hops)-1]
	hop.err = err
	if resp != nil {
		hop.status, hop.proto = resp.Status, resp.Proto
	}
	r.mu.Unlock()
	return resp, err
}

// directly asks once, over a kept connection or a new one. A server that has
// agreed on HTTP/2 is asked by the library.
func (r *httpRun) directly(req *http.Request) (*http.Response, error) {
	key := r.keyOf(req.URL)
	if r.c.KeepAlive {
		k, speaksOther := r.c.kept(key)
		if speaksOther {
			return r.byLibrary(req)
		}
		if k != nil {
			resp, err := r.talk(k, req, true)
			if err == nil || r.ctx.Err() != nil || !again(req, k, err) {
				return resp, err
			}
		}
	}
	k, err := r.connect(key)
	if err != nil {
		return nil, r.settled(err)
	}
	if k.state == nil || k.state.NegotiatedProtocol != "h2" {
		return r.talk(k, req, false)
	}
	if !k.unwatch() {
		_ = k.Conn.Close()
		return nil, r.ctx.Err()
	}
	if r.c.KeepAlive {
		r.c.speaksOther(key)
	}
	r.mu.Lock()
	r.shaken = k
	r.mu.Unlock()
	return r.byLibrary(req)
}

// again reports whether a request that failed on a kept connection can be sent
// anew: the server had closed it, and nothing can have been done twice.
func again(req *http.Request, k *httpConn, err error) bool {
	if !errors.Is(err, errNothing) {
		return false
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return k.sent == 0 || len(req.Header["Idempotency-Key"])+len(req.Header["X-Idempotency-Key"]) > 0
}

// talk asks over a connection, which is the body's from then on, or ended.
func (r *httpRun) talk(k *httpConn, req *http.Request, reused bool) (*http.Response, error) {
	if reused {
		k.watch(r.ctx)
	}
	now := time.Now()
	r.hop(func(h *httpHop) {
		h.gotConn, h.reused = now, reused
		if reused {
			h.ip, h.address = k.ip, k.at
		}
	})
	if req.GetBody != nil { // the request may be sent twice
		body, err := req.GetBody()
		if err != nil {
			return nil, err // it never fails
		}
		one := *req
		one.Body = body
		req = &one
	}
	unsent := k.send(req, r.buffers.out)
	r.buffers.out.Reset(nil)
	// A server may answer and close without reading on.
	resp, err := k.answer(req, r.buffers.in, r.gotFirstByte)
	if err != nil {
		r.buffers.in.Reset(nil)
		k.unwatch()
		_ = k.Conn.Close()
		if unsent != nil && errors.Is(err, errNothing) {
			err = fmt.Errorf("%w%.0w", unsent, errNothing)
		}
		return nil, r.settled(err)
	}
	r.body = &httpBody{
		ReadCloser: resp.Body, r: r, k: k, keep: r.c.KeepAlive && !resp.Close && resp.StatusCode >= 200 && unsent == nil,
		ended: resp.Body == http.NoBody,
	}
	resp.Body = r.body
	return resp, nil
}

// settled returns err once the context says that the time is over, if that is
// what err says: the system may notice it a moment earlier.
func (r *httpRun) settled(err error) error {
	var late net.Error
	if end, ok := r.ctx.Deadline(); ok && (errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &late) && late.Timeout()) && !time.Now().Before(end) {
		<-r.ctx.Done()
	}
	return err
}

// keyOf is where a URL leads.
func (r *httpRun) keyOf(u *url.URL) httpKey {
	key := httpKey{secure: u.Scheme == "https", address: net.JoinHostPort(dialledName(u.Hostname()), portOf(u))}
	key.own = key.secure && sameHost(u, r.first)
	return key
}

// dialledName is a host's name as it is looked up.
func dialledName(host string) string {
	if ascii, err := asciiName(host); err == nil {
		return ascii
	}
	return host
}

// connect makes a connection, and agrees on TLS where it has to be secure.
func (r *httpRun) connect(key httpKey) (*httpConn, error) {
	conn, err := r.dial("tcp", key.address)
	if err != nil {
		return nil, err
	}
	k := &httpConn{Conn: conn, under: conn, key: key}
	r.hop(func(h *httpHop) { k.ip, k.at = h.ip, h.address })
	k.watch(r.ctx)
	if !key.secure {
		return k, nil
	}
	client := tls.Client(conn, r.c.configFor(key))
	r.tlsStarted()
	err = client.Handshake()
	state := client.ConnectionState()
	r.tlsEnded(state, err)
	if err != nil {
		k.unwatch()
		_ = conn.Close()
		return nil, err
	}
	k.Conn, k.state = client, &state
	return k, nil
}

// tlsReady is what a handshake with the hosts of a key begins with.
type tlsReady struct {
	key    httpKey
	config *tls.Config
}

// configFor is the TLS configuration for a key. The last one is kept.
func (c *httpChecker) configFor(key httpKey) *tls.Config {
	if known := c.config.Load(); known != nil && known.key == key {
		return known.config
	}
	config := c.tlsConfig(key.own)
	if config.ServerName == "" {
		config.ServerName = hostOnly(key.address)
	}
	if c.EnableHTTP2 && c.HTTPVersion == "" {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	c.config.Store(&tlsReady{key, config})
	return config
}
