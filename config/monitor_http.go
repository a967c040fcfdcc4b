package config

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"toban/detect/probe"
	"toban/oncall"
)

// compiler turns the friendly keys of a monitor into a module of
// blackbox-exporter's file.
type compiler struct {
	l *loader
	f fields
	m *oncall.Monitor

	before int // problems when the monitor was begun
}

// part is a mapping of a module.
type part = map[string]any

// compile fills what the kind needs.
func (c compiler) compile(kind string) {
	var module part
	var written *node
	switch kind {
	case "http":
		module = c.http()
	case "ping":
		module = c.ping()
	case "tcp":
		module = c.tcp()
	case "dns":
		module = c.dns()
	case "certificate":
		module = c.certificate()
	case "grpc":
		module = c.grpc()
	case "heartbeat":
		c.heartbeat()
	case "promql":
		c.promql()
	case "metric":
		c.metric()
	case "module":
		module, written = c.module()
	}
	if module != nil {
		c.m.Module = encode(module)
		c.judge(kind, written)
		c.allowed(c.f.key(kind))
	}
}

// http compiles a URL with what is sent and what is wanted.
func (c compiler) http() part {
	f := c.f
	c.m.Target = c.webTarget("http")
	h := part{}
	if method := f.text("method"); method != "" {
		switch {
		case !methodShape.MatchString(method):
			c.l.errorf(f.node("method"), "%s is no method", quote(method))
		case strings.EqualFold(method, http.MethodConnect):
			c.l.errorf(f.node("method"), "CONNECT asks a proxy, no target; a monitor by tcp tries a connection, and proxy: goes through one")
		}
		h["method"] = method
	}
	if headers := c.headers(f.node("headers")); len(headers) > 0 {
		h["headers"] = headers
	}
	if f.has("body") {
		h["body"] = c.text("body")
	}
	c.expectHTTP(h)
	if !f.bool("redirects", true) {
		h["follow_redirects"] = false
	}
	if tls := c.tls(f.key("tls"), f.node("tls")); tls != nil {
		h["tls_config"] = tls
	}
	c.auth(h)
	switch version := f.word("http_version", "", "1.1", "2"); version {
	case "":
	case "1.1":
		h["http_version"], h["enable_http2"] = version, false
	default:
		h["http_version"] = version
	}
	c.addresses(h)
	c.proxy(h)
	if f.bool("keep_alive", false) {
		h["keep_alive"] = true
	}
	return part{"prober": "http", "http": h}
}

var (
	methodShape = regexp.MustCompile(`^[A-Za-z]{1,20}$`)
	schemeShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
)

// webTarget reads a URL to ask; without a scheme it is http.
func (c compiler) webTarget(key string) string {
	n, ok := c.f.scalar(key)
	if !ok {
		if c.f.node(key) == nil {
			c.l.errorf(c.f.key(key), "%s is followed by the URL to ask, as in https://shop.example.jp/health", key)
		}
		return ""
	}
	text := n.text
	if !schemeShape.MatchString(text) {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		c.l.errorf(n, "%s has to be a URL as in https://shop.example.jp/health", key)
	case u.User != nil:
		c.l.errorf(n, "a user and a password are not written into a URL; use auth: { user: …, password: env:NAME }")
	case len(text) > oncall.MaxTarget:
		c.l.errorf(n, "a target of more than 2 KiB")
	case !isHost(u.Hostname()):
		c.l.errorf(n, "%s can't be the name of a host", quote(u.Hostname()))
	case !isPort(u.Port()):
		c.l.errorf(n, "%s is no port: it is from 1 to 65535", quote(u.Port()))
	default:
		return text
	}
	return ""
}

// isPort reports whether a URL may name that port; "" is that of its scheme.
func isPort(digits string) bool {
	n, err := strconv.Atoi(digits)
	return digits == "" || err == nil && n >= 1 && n <= 65535
}

// text reads a text that may refer to a secret.
func (c compiler) text(key string) string {
	n, ok := c.f.scalar(key)
	if !ok {
		return ""
	}
	if isReference(n.text) {
		return c.secret(c.f.secret(key, nil))
	}
	return n.text
}

func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") || strings.HasPrefix(text, "store:")
}

// secret keeps a reference and returns what stands for it.
func (c compiler) secret(s Secret) string {
	if s.Ref() == "" {
		return ""
	}
	i := slices.Index(c.m.Secrets, s.Ref())
	if i < 0 {
		i = len(c.m.Secrets)
		c.m.Secrets = append(c.m.Secrets, s.Ref())
	}
	return oncall.Placeholder(i)
}

// file keeps the path of a file that the module reads by itself.
func (c compiler) file(n *node) string {
	path := strings.TrimPrefix(n.text, "file:")
	if path == "" {
		c.l.errorf(n, "the path of a file is wanted")
		return ""
	}
	path = c.l.config.path(path)
	c.secret(Secret{ref: "file:" + path})
	return path
}

// headers reads what is sent along. What a header's name says is secret has to
// be a reference.
func (c compiler) headers(n *node) part {
	if n == nil || !c.l.is(n, mapping) {
		return nil
	}
	const most = 50
	if len(n.pairs) > most {
		c.l.errorf(n, "at most %d headers", most)
	}
	all := part{}
	for _, p := range n.pairs {
		name := http.CanonicalHeaderKey(p.key.text)
		g := fields{l: c.l, at: p.key, by: map[string]pair{p.key.text: p}}
		text, ok := g.scalar(p.key.text)
		switch _, twice := all[name]; {
		case !headerShape.MatchString(p.key.text):
			c.l.errorf(p.key, "%s can't be a header", quote(p.key.text))
		case twice:
			c.l.errorf(p.key, "header %s is there twice", name)
		case !ok:
		case isReference(text.text) || secretHeader(name):
			all[name] = c.secret(g.secret(p.key.text, nil))
		case strings.ContainsAny(text.text, "\r\n\x00"):
			c.l.errorf(text, "a header is one line")
		default:
			all[name] = text.text
		}
	}
	return all
}

var headerShape = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")

// secretHeader reports whether the name says that the value is secret.
func secretHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "api-key", "apikey", "password"}, func(part string) bool { return strings.Contains(name, part) })
}

// statusShape has the statuses that HTTP has: others never come.
var statusShape = regexp.MustCompile(`^(?:[1-5][0-9]{2}|[1-5]xx|[1-5][0-9]{2}-[1-5][0-9]{2})$`)

// expectHTTP reads what the answer has to be: { status: [200, 204], body: regular
// expression, json: '.ok', header: { X-Version: "^2" } }.
func (c compiler) expectHTTP(h part) {
	if !c.f.has("expect") {
		return
	}
	f := c.l.fields(c.f.key("expect"), c.f.node("expect"), "status", "body", "not_body", "json", "header")
	var codes []any
	for _, n := range f.texts("status") {
		switch code, err := strconv.Atoi(n.text); {
		case !statusShape.MatchString(n.text):
			c.l.errorf(n, "a status is written as 200, 2xx or 200-299 and is from 100 to 599, not %s", quote(n.text))
		case err == nil:
			codes = append(codes, code)
		default:
			codes = append(codes, n.text)
		}
	}
	if len(codes) > 0 {
		h["valid_status_codes"] = codes
	}
	if all := c.expressions(f, "body"); len(all) > 0 {
		h["fail_if_body_not_matches_regexp"] = all
	}
	if all := c.expressions(f, "not_body"); len(all) > 0 {
		h["fail_if_body_matches_regexp"] = all
	}
	var conditions []string
	for _, n := range f.texts("json") {
		if strings.TrimSpace(n.text) == "" {
			c.l.errorf(n, `json is a condition in jq, as in .status == "ok"`)
		} else if err := new(probe.JSONCondition).UnmarshalText([]byte(n.text)); err != nil {
			c.l.errorf(n, "json: %s", err)
		}
		conditions = append(conditions, n.text)
	}
	if len(conditions) > 0 {
		h["json"] = conditions
	}
	if header := f.node("header"); header != nil && c.l.is(header, mapping) {
		var all []any
		for _, p := range header.pairs {
			g := fields{l: c.l, at: p.key, by: map[string]pair{p.key.text: p}}
			for _, expression := range c.expressions(g, p.key.text) {
				all = append(all, part{"header": p.key.text, "regexp": expression})
			}
		}
		h["fail_if_header_not_matches"] = all
	}
}

// expressions are the regular expressions behind a key.
func (c compiler) expressions(f fields, key string) (all []string) {
	for _, n := range f.texts(key) {
		if _, err := probe.Expression(n.text); err != nil {
			c.l.errorf(n, "%s: %s", quote(n.text), err)
			continue
		}
		all = append(all, n.text)
	}
	return all
}

// tls reads true, or { ca: PATH, cert: PATH, key: PATH, server_name: …,
// insecure: true, min_version: TLS12 }; nil when nothing is written.
func (c compiler) tls(at, n *node) part {
	if n == nil || n.kind == scalar && n.text == "true" {
		return nil
	}
	f := c.l.fields(at, n, "ca", "cert", "key", "server_name", "insecure", "min_version")
	t := part{}
	for _, key := range []string{"ca", "cert", "key"} {
		if at, ok := f.scalar(key); ok {
			t[key+"_file"] = c.file(at)
		}
	}
	if f.has("cert") != f.has("key") {
		c.l.errorf(f.at, "a certificate of one's own needs both cert and key")
	}
	if name := f.text("server_name"); name != "" {
		t["server_name"] = name
	}
	if f.bool("insecure", false) {
		t["insecure_skip_verify"] = true
	}
	if version := f.word("min_version", "", "TLS10", "TLS11", "TLS12", "TLS13"); version != "" {
		t["min_version"] = version
	}
	return t
}

// auth reads { user: …, password: env:NAME } or { bearer: env:NAME }.
func (c compiler) auth(h part) {
	if !c.f.has("auth") {
		return
	}
	f := c.l.fields(c.f.key("auth"), c.f.node("auth"), "user", "password", "bearer")
	switch {
	case f.broken:
	case f.has("bearer") && (f.has("user") || f.has("password")):
		c.l.errorf(f.key("bearer"), "auth is either user and password, or bearer")
	case f.has("bearer"):
		h["authorization"] = part{"type": "Bearer", "credentials": c.secret(f.secret("bearer", nil))}
	case f.need("user", "who asks; or bearer: env:NAME") && f.need("password", "as in env:NAME"):
		h["basic_auth"] = part{"username": f.text("user"), "password": c.secret(f.secret("password", nil))}
	}
}

// addresses reads which addresses of a host are asked: 4 or 6 alone, or one of
// them first.
func (c compiler) addresses(h part) {
	word := c.f.word("ip", "4 first", "4", "6", "4 first", "6 first")
	h["preferred_ip_protocol"] = "ip" + word[:1]
	if len(word) == 1 {
		h["ip_protocol_fallback"] = false
	}
}

func (c compiler) proxy(h part) {
	n, ok := c.f.scalar("proxy")
	if !ok {
		return
	}
	if isReference(n.text) {
		h["proxy_url"] = c.secret(c.f.secret("proxy", nil))
		return
	}
	u, err := url.Parse(n.text)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		c.l.errorf(n, "proxy has to be a URL as in http://proxy.example.jp:3128; socks5 goes, too")
	case u.User != nil:
		c.l.errorf(n, "a proxy's password is not written here; put the whole URL into an environment variable, as in proxy: env:NAME")
	default:
		h["proxy_url"] = n.text
	}
}

// allowed refuses what would never be asked: a private address without leave, and
// what no leave is for.
func (c compiler) allowed(at *node) {
	host := hostOf(c.m.Target)
	if host == "" || (probe.Guard{AllowPrivate: c.m.Private}).CheckHost(host) == nil {
		return
	}
	if err := (probe.Guard{AllowPrivate: true}).CheckHost(host); err != nil {
		c.l.errorf(at, "%s is never asked: it is the metadata service of a cloud, or no address of one host", host)
		return
	}
	c.l.errorf(at, "%s is an address of a private network, which is not asked unless the monitor says private: true", host)
}

// hostOf is the host of a target: a URL, host:port or a host.
func hostOf(target string) string {
	if schemeShape.MatchString(target) {
		if u, err := url.Parse(target); err == nil {
			return u.Hostname()
		}
		return ""
	}
	if host, _, ok := splitHostPort(target); ok {
		return host
	}
	return strings.Trim(target, "[]")
}
