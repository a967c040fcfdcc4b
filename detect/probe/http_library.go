package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// The library's transport asks whatever the direct way does not: over HTTP/2, by
// proxies, with large bodies. It is made when it is needed: each connection costs
// it two goroutines and two buffers, for as long as it is kept.

// httpWays are the transports that a checker shares among its checks.
type httpWays [3]*http.Transport

const (
	plainWay = iota // for http
	ownWay          // for https, with keep_alive
	otherWay        // for https to another host than the target's, with keep_alive
)

// unreadTime is how long a server may leave unread what is sent to it over
// HTTP/2. The library answers its pings, and would keep the connection to one
// that only talks for good, beyond the check.
const unreadTime = 2 * time.Second

// way is a transport that checks share.
func (c *httpChecker) way(which int) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ways[which] == nil {
		var config *tls.Config
		if which != plainWay {
			config = c.tlsConfig(which == ownWay)
		}
		c.ways[which] = c.transport(config, which == ownWay, c.KeepAlive)
	}
	return c.ways[which]
}

// transport makes connections for one kind of request: to the target's own host,
// or to others. Without keep_alive, those for https are made for one request
// each: HTTP/2 would share them.
func (c *httpChecker) transport(config *tls.Config, own, keep bool) *http.Transport {
	t := &http.Transport{
		DialContext: dialForRun, TLSClientConfig: config, DisableCompression: true, DisableKeepAlives: !keep,
		MaxResponseHeaderBytes: maxHead, ReadBufferSize: 2 << 10, WriteBufferSize: 1 << 10, IdleConnTimeout: keptAge,
		Protocols: &http.Protocols{}, HTTP2: &http.HTTP2Config{WriteByteTimeout: unreadTime},
	}
	switch {
	case c.HTTPVersion == "1.1" || !c.EnableHTTP2:
		t.Protocols.SetHTTP1(true)
	case c.HTTPVersion == "":
		t.Protocols.SetHTTP1(true)
		t.Protocols.SetHTTP2(config != nil)
	case config != nil:
		t.Protocols.SetHTTP2(true)
	default:
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	switch {
	case c.ready.proxy != nil:
		t.Proxy = func(r *http.Request) (*url.URL, error) { return c.ready.proxy(r.URL) }
		t.ProxyConnectHeader = c.ready.connect
	case c.direct && config != nil:
		t.DialTLSContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			r, ok := ctx.Value(runKey{}).(*httpRun)
			if !ok {
				return nil, errors.New("a connection for nobody")
			}
			return r.secure(httpKey{secure: true, own: own, address: address})
		}
	}
	return t
}

// byLibrary asks once by the library.
func (r *httpRun) byLibrary(req *http.Request) (*http.Response, error) {
	req = req.WithContext(r.traced())
	req.Close = false // the transport knows
	return r.transport(req.URL).RoundTrip(req)
}

// transport is the library's way to a URL. A name that the module gives to the
// target is not that of others it sends us to.
func (r *httpRun) transport(u *url.URL) *http.Transport {
	behind := u == r.at
	asked := u
	if behind {
		asked = r.named
	}
	own := sameHost(asked, r.first)
	switch {
	case u.Scheme != "https":
		return r.c.way(plainWay)
	case r.c.KeepAlive && own && !behind:
		return r.c.way(ownWay)
	case r.c.KeepAlive && !own && !behind:
		return r.c.way(otherWay)
	}
	config := r.c.tlsConfig(own)
	if behind && config.ServerName == "" { // the URL has an address in the place of the name
		config.ServerName = r.named.Hostname()
	}
	r.fresh = r.c.transport(config, own, false)
	return r.fresh
}

// secure is a connection for the library on which both sides have agreed on TLS:
// the one that the direct way has made, if it was that, or a new one.
func (r *httpRun) secure(key httpKey) (net.Conn, error) {
	r.mu.Lock()
	shaken := r.shaken
	r.shaken = nil
	r.mu.Unlock()
	if shaken != nil {
		if shaken.key == key {
			return shaken.Conn, nil
		}
		_ = shaken.Conn.Close()
	}
	k, err := r.connect(key)
	if err != nil {
		return nil, err
	}
	if !k.unwatch() {
		_ = k.Conn.Close()
		return nil, r.ctx.Err()
	}
	return k.Conn, nil
}

// letGo ends what was made for one request.
func (r *httpRun) letGo() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
	if r.fresh != nil {
		r.fresh.CloseIdleConnections()
		r.fresh = nil
	}
	r.mu.Lock()
	shaken := r.shaken
	r.shaken = nil
	r.mu.Unlock()
	if shaken != nil {
		_ = shaken.Conn.Close()
	}
}
