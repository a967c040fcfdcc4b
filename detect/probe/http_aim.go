package probe

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"time"
)

// httpAim is a target taken apart. The last one is kept, since most checkers
// have only one.
type httpAim struct {
	target  string
	url     *url.URL
	request *http.Request // the first one; nil where each check has one of its own
}

// aim takes a target apart.
func (c *httpChecker) aim(target string) (*httpAim, error) {
	if known := c.last.Load(); known != nil && known.target == target {
		return known, nil
	}
	u, err := httpTarget(target)
	if err != nil {
		return nil, err
	}
	aim := &httpAim{target: target, url: u}
	if ready := c.ready; c.tokens == nil && ready.proxy == nil && len(ready.body) == 0 {
		aim.request = c.made(ready.method, u, ready.host, headerFor(ready.header, u), nil)
	}
	c.last.Store(aim)
	return aim, nil
}

// headerFor is header with the credentials of a URL, if it has some and the
// header has none.
func headerFor(header http.Header, u *url.URL) http.Header {
	if u.User == nil || header.Get("Authorization") != "" {
		return header
	}
	header = header.Clone()
	password, _ := u.User.Password()
	with := http.Request{Header: header}
	with.SetBasicAuth(u.User.Username(), password)
	return header
}

// request is the first one.
func (r *httpRun) request(u *url.URL) (*http.Request, error) {
	ready := r.c.ready
	header := headerFor(ready.header, u)
	if r.c.tokens != nil {
		token, err := r.c.tokens.authorization(r.ctx)
		if err != nil {
			return nil, err
		}
		header = header.Clone()
		header.Set("Authorization", token)
		r.token = token
	}
	host := ready.host
	u, host, err := r.behindProxy(u, host)
	if err != nil {
		return nil, err
	}
	return r.c.made(ready.method, u, host, header, ready.body), nil
}

// behindProxy is what a proxy is asked for in the place of u, if u is asked by
// one: the address that its host has here, as blackbox-exporter does, or the name
// where only the proxy can look it up. The guard has agreed to both the address
// and the Host header, which is what a proxy goes by without TLS.
func (r *httpRun) behindProxy(u *url.URL, host string) (*url.URL, string, error) {
	if r.c.ready.proxy == nil {
		return u, host, nil
	}
	if proxy, err := r.c.ready.proxy(u); err != nil || proxy == nil {
		return u, host, nil // the transport says what is wrong with the proxy
	}
	named := r.c.SkipResolvePhaseWithProxy
	start := time.Now()
	ip, took, err := r.c.options.throughProxy(r.ctx, u.Hostname(), r.c.IPProtocol, r.c.IPProtocolFallback, named)
	if err == nil && host != "" && u.Scheme == "http" && plainHost(hostOnly(host)) != plainHost(u.Hostname()) {
		_, _, err = r.c.options.throughProxy(r.ctx, hostOnly(host), r.c.IPProtocol, r.c.IPProtocolFallback, named)
	}
	if !named && err == nil || err != nil && r.resp == nil { // of a redirect, the message is enough
		r.mu.Lock()
		r.hops = append(r.hops, httpHop{url: u, start: start, resolve: took, ip: ip, err: err, resolved: true, only: true})
		r.mu.Unlock()
	}
	if err != nil || named {
		return u, host, err
	}
	if host == "" {
		host = u.Host
	}
	at := *u
	at.Host = ip.String()
	if ip.Is6() {
		at.Host = "[" + at.Host + "]"
	}
	if port := u.Port(); port != "" {
		at.Host += ":" + port
	}
	r.named, r.at = u, &at
	return r.at, host, nil
}

func (c *httpChecker) made(method string, u *url.URL, host string, header http.Header, body []byte) *http.Request {
	req := &http.Request{
		Method: method, URL: u, Host: host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Close: !c.KeepAlive,
	}
	if len(body) > 0 {
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req
}
