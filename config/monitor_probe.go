package config

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"toban/internal/nearest"
	"toban/oncall"
)

var hostShape = regexp.MustCompile(`^[^\s/@?#\[\]]{1,255}$`)

// isHost reports whether text may be a host: an address, or a name whose parts
// are neither empty nor longer than DNS has them.
func isHost(text string) bool {
	if strings.Contains(text, ":") {
		return true // an address, which others look at
	}
	const longestName, longestPart = 253, 63
	text = strings.TrimSuffix(text, ".")
	if len(text) > longestName {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part == "" || len(part) > longestPart && isASCII(part) {
			return false
		}
	}
	return true
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// splitHostPort takes host:port and [::1]:port apart.
func splitHostPort(text string) (host string, port int, ok bool) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(digits)
	return host, port, err == nil && port >= 1 && port <= 65535 && host != ""
}

// host reads a host to ask, with a port where one may be; port says that one has
// to be there.
func (c compiler) host(n *node, key, example string, port bool) string {
	if n == nil || !c.l.is(n, scalar) {
		if n == nil {
			c.l.errorf(c.f.key(key), "%s is followed by what to ask, as in %s", key, example)
		}
		return ""
	}
	if c.hasUser(n) {
		return ""
	}
	if schemeShape.MatchString(n.text) {
		if host := hostOf(n.text); host != "" && !port {
			return n.text
		}
		c.l.errorf(n, "%s is not a URL; write it as in %s", key, example)
		return ""
	}
	if host, _, ok := splitHostPort(n.text); ok && isHost(host) {
		return n.text
	}
	bare := strings.Trim(n.text, "[]")
	switch {
	case !isHost(bare):
		c.l.errorf(n, "%s can't be the name of a host", quote(bare))
	case port && hostShape.MatchString(bare):
		c.l.errorf(n, "%s needs a port, as in %s", key, example)
	case hostShape.MatchString(bare) && (!strings.Contains(bare, ":") || net.ParseIP(bare) != nil):
		return n.text
	default:
		c.l.errorf(n, "%s can't be asked; write it as in %s", quote(n.text), example)
	}
	return ""
}

// hasUser refuses a target with a user, mostly with a password, which would be in
// labels and chat.
func (c compiler) hasUser(n *node) bool {
	if !oncall.HasUser(n.text) {
		return false
	}
	c.l.errorf(n, "a user and a password are not written into a target; a monitor by http has auth: { user: …, password: env:NAME }, a module basic_auth")
	return true
}

// alone is what stands behind the key of the kind, which may be a text or a
// mapping that has it under inner.
func (c compiler) alone(key, inner string, known ...string) (target *node, f fields) {
	n := c.f.node(key)
	if n == nil || n.kind != mapping {
		return n, c.f
	}
	f = c.l.fields(c.f.key(key), n, append([]string{inner}, known...)...)
	return f.node(inner), f
}

func (c compiler) ping() part {
	c.m.Target = c.host(c.f.node("ping"), "ping", "router.example.jp", false)
	icmp := part{}
	c.addresses(icmp)
	if size := c.f.count("size", 0, 1, 65499); size > 0 {
		icmp["payload_size"] = size
	}
	if c.f.bool("dont_fragment", false) {
		icmp["dont_fragment"] = true
	}
	return part{"prober": "icmp", "icmp": icmp}
}

// tcp compiles a connection and, where something is to be said, the conversation:
// conversation is a list of steps, send and expect are one of them.
func (c compiler) tcp() part {
	c.m.Target = c.host(c.f.node("tcp"), "tcp", "mail.example.jp:25", true)
	tcp := part{}
	c.addresses(tcp)
	if protocol := c.f.word("starttls", "", "smtp", "imap", "pop3", "ftp", "postgres"); protocol != "" {
		tcp["starttls"] = protocol
	}
	c.secured(tcp, !c.f.has("starttls"))
	var steps []any
	if c.f.has("send") || c.f.has("expect") {
		if c.f.has("send") {
			steps = append(steps, part{"send": c.text("send")})
		}
		for _, expression := range c.expressions(c.f, "expect") {
			steps = append(steps, part{"expect": expression})
		}
		if c.f.has("conversation") {
			c.l.errorf(c.f.key("conversation"), "either send and expect, or a conversation of several steps")
		}
	}
	const most = 100
	for i, n := range c.f.each("conversation") {
		if i == most {
			c.l.errorf(n, "a conversation has at most %d steps", most)
			break
		}
		f := c.l.fields(n, n, "expect", "send", "starttls")
		g, step := c, part{}
		g.f = f
		if all := g.expressions(f, "expect"); len(all) > 0 {
			step["expect"] = all[0]
		}
		if f.has("send") {
			step["send"] = g.text("send")
		}
		if f.bool("starttls", false) {
			step["starttls"] = true
		}
		if len(step) == 0 && len(f.by) == 0 && !f.broken {
			c.l.errorf(n, "a step expects or sends something, or begins TLS")
		}
		steps = append(steps, step)
	}
	if len(steps) > 0 {
		tcp["query_response"] = steps
	}
	return part{"prober": "tcp", "tcp": tcp}
}

// secured reads tls: true, or the settings of TLS.
func (c compiler) secured(to part, fromTheStart bool) {
	n := c.f.node("tls")
	if n == nil || n.kind == scalar && n.text == "false" {
		return
	}
	if fromTheStart {
		to["tls"] = true
	}
	if tls := c.tls(c.f.key("tls"), n); len(tls) > 0 {
		to["tls_config"] = tls
	}
}

var typeShape = regexp.MustCompile(`^[A-Za-z0-9]{1,20}$`)

// dns reads { name: example.jp, type: A, server: 192.0.2.53, expect: [192.0.2.1],
// rcode: NOERROR, transport: tcp }, or the name alone. Without a server the
// resolver of the system is asked.
func (c compiler) dns() part {
	name, f := c.alone("dns", "name", "type", "server", "expect", "rcode", "transport")
	if n := c.f.node("dns"); n != nil && n.kind != mapping {
		f = fields{l: c.l, at: c.f.key("dns"), by: map[string]pair{}}
	}
	if name == nil || !c.l.is(name, scalar) || !hostShape.MatchString(name.text) {
		c.l.errorf(c.f.key("dns"), "dns is followed by the name to look up, as in { name: example.jp, type: A, server: 192.0.2.53 }")
		return nil
	}
	if !isHost(name.text) || strings.Contains(name.text, "://") {
		c.l.errorf(name, "%s can't be a name in DNS", quote(name.text))
		return nil
	}
	d := part{}
	kind := strings.ToUpper(f.text("type"))
	if kind != "" && !typeShape.MatchString(kind) {
		c.l.errorf(f.node("type"), "%s is no type of record", quote(kind))
	}
	var expect []string
	for _, n := range f.texts("expect") {
		expect = append(expect, n.text)
	}
	if len(expect) > 0 {
		d["expect"] = expect
	}
	if f.has("server") {
		if kind == "" {
			kind = "A"
		}
		c.m.Target = c.host(f.node("server"), "server", "192.0.2.53", false)
		d["query_name"], d["query_type"] = name.text, kind
		d["transport_protocol"] = f.word("transport", "udp", "udp", "tcp")
		d["preferred_ip_protocol"] = "ip4"
		var codes []string
		for _, n := range f.texts("rcode") {
			codes = append(codes, strings.ToUpper(n.text))
		}
		if len(codes) > 0 {
			d["valid_rcodes"] = codes
		}
		return part{"prober": "dns", "dns": d}
	}
	for _, key := range []string{"rcode", "transport"} {
		if f.has(key) {
			c.l.errorf(f.key(key), "%s needs a server: without one the resolver of the system is asked, which says neither", key)
		}
	}
	known := []string{"", "A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT"}
	if !slices.Contains(known, kind) {
		c.l.errorf(f.node("type"), "the resolver of the system can't be asked for %s%s; any other type needs a server", quote(kind), nearest.Hint(kind, known[1:]))
	}
	c.m.Target, d["system_resolver"] = name.text, true
	if kind != "" {
		d["query_type"] = kind
	}
	return part{"prober": "dns", "dns": d}
}

const (
	defaultDays = 14 // before its end a certificate is renewed by whoever renews them automatically
	mostDays    = 825
)

// certificate reads a host whose certificate has to hold for some days more.
func (c compiler) certificate() part {
	target, f := c.alone("certificate", "host", "days")
	if schemed := target != nil && target.kind == scalar && schemeShape.MatchString(target.text); schemed {
		if !c.hasUser(target) {
			c.m.Target = target.text
		}
	} else {
		c.m.Target = c.host(target, "certificate", "shop.example.jp", false)
	}
	days := f.count("days", c.f.count("days", defaultDays, 0, mostDays), 0, mostDays)
	settings := part{"days": days}
	c.addresses(settings)
	if tls := c.tls(c.f.key("tls"), c.f.node("tls")); len(tls) > 0 {
		settings["tls_config"] = tls
	}
	return part{"prober": "certificate", "certificate": settings}
}

// grpc reads a server that answers the health checking protocol.
func (c compiler) grpc() part {
	target, f := c.alone("grpc", "address", "service")
	c.m.Target = c.host(target, "grpc", "shop.example.jp:50051", true)
	settings := part{}
	c.addresses(settings)
	service := c.f.text("grpc_service")
	if n := c.f.node("grpc"); n != nil && n.kind == mapping && f.has("service") {
		service = f.text("service")
	}
	if service != "" {
		settings["service"] = service
	}
	c.secured(settings, true)
	if c.f.bool("keep_alive", false) {
		settings["keep_alive"] = true
	}
	return part{"prober": "grpc", "grpc": settings}
}

// module reads { module: http_2xx, target: https://… }: a module of a
// blackbox.yml, by name, or written out; written is where.
func (c compiler) module() (_ part, written *node) {
	n := c.f.node("module")
	if n == nil {
		c.l.errorf(c.f.key("module"), "module is followed by the name of a module of section modules, as in http_2xx")
		return nil, nil
	}
	if n.kind == scalar {
		defined := c.l.modules[n.text]
		if defined == nil {
			if !c.l.mayBe(n.text) {
				c.l.errorf(n, "there is no module named %s%s", quote(n.text), nearest.Hint(n.text, c.l.moduleNames()))
			}
			return nil, nil
		}
		if c.l.taken != nil {
			c.l.taken[n.text] = true
		}
		n = defined
	}
	target := c.f.text("target")
	if c.f.need("target", "what the module asks") && len(target) > oncall.MaxTarget {
		c.l.errorf(c.f.node("target"), "a target of more than 2 KiB")
	}
	if u, err := url.Parse(target); err == nil && u.Host != "" && !isPort(u.Port()) {
		c.l.errorf(c.f.node("target"), "%s is no port: it is from 1 to 65535", quote(u.Port()))
	}
	if at := c.f.node("target"); at != nil && c.hasUser(at) {
		target = ""
	}
	c.m.Target = target
	return c.imported(n), n
}
