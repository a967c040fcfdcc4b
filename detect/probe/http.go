package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// httpChecker asks web servers.
type httpChecker struct {
	*HTTPSettings
	options Options
	tokens  *tokens // nil without OAuth 2.0
	phases  [len(httpPhases)][]Label

	plain   *http.Transport // for http
	kept    *http.Transport // for https, with keep_alive
	other   *http.Transport // for https to another host than the target's, with keep_alive
	renewed atomic.Int64    // when kept connections were last let go, in ns

	mu    sync.Mutex
	shown map[*x509.Certificate]shownOnce // by kept connections
}

// shownOnce is what was made of the certificates of a kept connection.
type shownOnce struct {
	certificate *Certificate
	samples     []Sample
}

// maxShown bounds what is remembered of kept connections.
const maxShown = 20_000

// certificate is certificateOf, worked out once for each kept connection.
func (c *httpChecker) certificate(state *tls.ConnectionState) (*Certificate, []Sample) {
	if !c.KeepAlive || len(state.PeerCertificates) == 0 {
		return certificateOf(*state)
	}
	leaf := state.PeerCertificates[0]
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.shown[leaf]; ok {
		return known.certificate, known.samples
	}
	certificate, samples := certificateOf(*state)
	if len(c.shown) >= maxShown || c.shown == nil {
		c.shown = map[*x509.Certificate]shownOnce{}
	}
	c.shown[leaf] = shownOnce{certificate, samples}
	return certificate, samples
}

// keptAge is how long connections are kept: the name is looked up and the
// certificate looked at again after that at the latest.
const keptAge = 5 * time.Minute

// Limits of what a server may make us read.
const (
	maxRedirects = 10
	maxHead      = 1 << 20   // bytes of the header
	maxRead      = 100 << 20 // bytes of a body that only goes by
	maxJudged    = 4 << 20   // bytes of a body that conditions are about
	maxLimit     = 64 << 20  // bytes of a body that conditions are about, where body_size_limit says so
)

// Checker returns the checker of the settings, which have to come from a loaded
// module. Its target is a URL; one without a scheme is asked by http.
func (s *HTTPSettings) Checker(o Options) Checker {
	if s.ready == nil {
		return misfit{errors.New("its HTTP settings were not loaded")}
	}
	c := &httpChecker{HTTPSettings: s, options: o}
	for i, name := range httpPhases {
		c.phases[i] = []Label{{"phase", name}}
	}
	if s.ready.oauth != nil {
		c.tokens = &tokens{oauthReady: s.ready.oauth, options: o}
	}
	c.plain = c.transport(nil, s.KeepAlive)
	if s.KeepAlive {
		c.kept, c.other = c.transport(c.tlsConfig(true), true), c.transport(c.tlsConfig(false), true)
		c.renewed.Store(time.Now().UnixNano())
	}
	return c
}

// Close ends the connections that are kept.
func (c *httpChecker) Close() {
	c.mu.Lock()
	c.shown = nil
	c.mu.Unlock()
	c.plain.CloseIdleConnections()
	if c.kept != nil {
		c.kept.CloseIdleConnections()
		c.other.CloseIdleConnections()
	}
}

// tlsConfig is for the target's own host, or for others that it sends us to.
func (c *httpChecker) tlsConfig(own bool) *tls.Config {
	config := &tls.Config{}
	if c.TLSConfig != nil {
		config = c.TLSConfig.Clone()
	}
	if !own {
		config.ServerName = "" // the transport takes the name of the URL
	} else if config.ServerName == "" && c.ready.host != "" {
		config.ServerName = hostOnly(c.ready.host)
	}
	return config
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// transport makes connections for one kind of request. Without keep_alive,
// those for https are made for one request each: HTTP/2 would share them.
func (c *httpChecker) transport(config *tls.Config, keep bool) *http.Transport {
	t := &http.Transport{
		DialContext: dialForRun, TLSClientConfig: config, DisableCompression: true, DisableKeepAlives: !keep,
		MaxResponseHeaderBytes: maxHead, ReadBufferSize: 2 << 10, WriteBufferSize: 1 << 10, IdleConnTimeout: keptAge,
		Protocols: &http.Protocols{},
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
	if c.ready.proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return c.ready.proxy(r.URL) }
		t.ProxyConnectHeader = c.ready.connect
	}
	return t
}

// Check implements Checker.
func (c *httpChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	r := &httpRun{c: c, ctx: ctx, trial: *begin()}
	r.hops = r.room[:0]
	if c.KeepAlive {
		c.renew(r.result.Start)
	}
	u, err := httpTarget(target)
	if err != nil {
		r.failed(err)
	} else {
		r.ask(u)
	}
	r.sealed()
	r.samples()
	return r.close()
}

// renew lets go of the connections that are kept, now and then.
func (c *httpChecker) renew(now time.Time) {
	was := c.renewed.Load()
	if now.UnixNano()-was > int64(keptAge) && c.renewed.CompareAndSwap(was, now.UnixNano()) {
		c.Close()
	}
}

// httpTarget is the URL of a target; without a scheme it is asked by http.
func httpTarget(target string) (*url.URL, error) {
	target = strings.TrimSpace(target)
	if len(target) > maxTarget {
		return nil, &fault{ReasonTarget, "the target is longer than " + strconv.Itoa(maxTarget) + " bytes"}
	}
	if lower := strings.ToLower(target[:min(len(target), 8)]); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		if scheme, _, ok := strings.Cut(target, "://"); ok && !strings.ContainsAny(scheme, "/?.:") {
			return nil, &fault{ReasonTarget, "the target is neither an http nor an https URL"}
		}
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil { // its text may hold a password
		return nil, &fault{ReasonTarget, "the target is not a URL"}
	}
	if _, _, err := hostPort(u.Host, ""); err != nil {
		return nil, err
	}
	return u, nil
}

// httpRun is one check. Connections are made by goroutines of the transport,
// which may outlive it: what they write is behind mu.
type httpRun struct {
	c   *httpChecker
	ctx context.Context
	trial
	first     *url.URL // as the target has it
	at        *url.URL // what a proxy is asked for in its place, nil without one
	resp      *http.Response
	redirects int
	stopped   bool      // the answer is a redirect that was not followed
	ended     time.Time // when the body was complete
	size      int64     // of the body as it was read
	head      [MaxBodySample]byte
	beginning []byte // of the body, in head or in all of it
	chain     []*x509.Certificate
	regex     verdict
	json      verdict

	mu     sync.Mutex
	over   bool
	hops   []httpHop
	room   [2]httpHop
	looked []lookedUp
	fresh  *http.Transport // for one request
}

// verdict is what conditions said of an answer.
type verdict uint8

const (
	unasked verdict = iota
	met
	unmet
)

type lookedUp struct {
	host string
	ip   netip.Addr
}

// ask follows the target to its last answer and judges that.
func (r *httpRun) ask(u *url.URL) {
	r.first = u
	req, err := r.request(u)
	if err != nil {
		r.failed(err)
		return
	}
	var cookies jar
	for {
		resp, err := r.roundTrip(req)
		if err != nil {
			r.broke(err)
			return
		}
		r.resp = resp
		next, why := r.redirect(req, resp, &cookies)
		if why != nil {
			reason, message := reasonOf(why)
			r.fail(reason, message)
		}
		if next == nil {
			r.judge(resp)
			r.letGo()
			return
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 2<<10) // so that a kept connection can be used again
		_ = resp.Body.Close()
		r.letGo()
		req = next
	}
}

// request is the first one.
func (r *httpRun) request(u *url.URL) (*http.Request, error) {
	ready := r.c.ready
	header := ready.header
	if r.c.tokens != nil || u.User != nil {
		header = header.Clone()
	}
	if u.User != nil && header.Get("Authorization") == "" {
		password, _ := u.User.Password()
		with := http.Request{Header: header}
		with.SetBasicAuth(u.User.Username(), password)
	}
	if r.c.tokens != nil {
		token, err := r.c.tokens.authorization(r.ctx)
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", token)
	}
	host := ready.host
	if ready.proxy != nil && !r.c.SkipResolvePhaseWithProxy {
		if proxy, err := ready.proxy(u); err != nil || proxy != nil {
			at, err := r.behindProxy(u)
			if err != nil {
				return nil, err
			}
			if host == "" {
				host = u.Host
			}
			u = at
		}
	}
	return r.made(ready.method, u, host, header, ready.body), nil
}

// behindProxy is u with the address that its host has here: a proxy is asked for
// that address, as blackbox-exporter does.
func (r *httpRun) behindProxy(u *url.URL) (*url.URL, error) {
	start := time.Now()
	ip, took, err := r.c.options.resolve(r.ctx, u.Hostname(), r.c.IPProtocol, r.c.IPProtocolFallback)
	r.hops = append(r.hops, httpHop{start: start, resolve: took, ip: ip, err: err, resolved: true, only: true})
	if err != nil {
		return nil, err
	}
	at := *u
	at.Host = ip.String()
	if ip.Is6() {
		at.Host = "[" + at.Host + "]"
	}
	if port := u.Port(); port != "" {
		at.Host += ":" + port
	}
	r.at = &at
	return r.at, nil
}

func (r *httpRun) made(method string, u *url.URL, host string, header http.Header, body []byte) *http.Request {
	req := &http.Request{
		Method: method, URL: u, Host: host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(body) > 0 {
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req
}

// roundTrip asks once.
func (r *httpRun) roundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.hops = append(r.hops, httpHop{url: req.URL, method: req.Method, start: time.Now()})
	r.mu.Unlock()
	resp, err := r.transport(req.URL).RoundTrip(req.WithContext(r.traced()))
	r.mu.Lock()
	hop := &r.hops[len(r.hops)-1]
	hop.err = err
	if resp != nil {
		hop.status, hop.proto = resp.Status, resp.Proto
	}
	r.mu.Unlock()
	return resp, err
}

// transport is the way to a URL. A name that the module gives to the target is
// not that of others it sends us to.
func (r *httpRun) transport(u *url.URL) *http.Transport {
	behind := u == r.at
	own := behind || sameHost(u, r.first)
	switch {
	case u.Scheme != "https":
		return r.c.plain
	case r.c.KeepAlive && own && !behind:
		return r.c.kept
	case r.c.KeepAlive && !own:
		return r.c.other
	}
	config := r.c.tlsConfig(own)
	if behind && config.ServerName == "" { // the URL has an address in the place of the name
		config.ServerName = r.first.Hostname()
	}
	r.fresh = r.c.transport(config, false)
	return r.fresh
}

// letGo ends a connection that was made for one request.
func (r *httpRun) letGo() {
	if r.fresh != nil {
		r.fresh.CloseIdleConnections()
		r.fresh = nil
	}
}
