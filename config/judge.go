package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"toban/detect/module"
	"toban/oncall"
)

// judge reads the module of a monitor as whatever asks by it does, without
// secrets and files, and tells what it would refuse: at the place where that was
// written. written is the module as somebody wrote it; nil when it is made of the
// monitor's own words. What has been told of a place already is not told again.
func (c compiler) judge(kind string, written *node) {
	loaded, err := module.Look(c.m)
	if err != nil {
		c.l.errorf(c.f.key(kind), "%s", err)
		return
	}
	root, _ := parse("", loaded.Text)
	wrong := Failed(c.l.problems[c.before:])
	for _, p := range loaded.Problems { // its warnings are of what toban can't do, so that nobody would be asked
		path := pathTo(root, p.Line, p.Column)
		if len(path) > 0 && strings.Contains(follow(root, path, false).text, module.StandIn) {
			continue
		}
		at, message := c.f.key(kind), p.Message
		switch words, n := c.own(path); {
		case written != nil:
			at = follow(written, path, p.Unknown)
		case n != nil:
			at, message = n, renamed(message, path, words)
		case wrong:
			continue // most likely this, in other words
		}
		if !c.l.toldAt(at) {
			c.l.errorf(at, "%s", message)
		}
	}
}

// toldAt reports whether there is an error at n already.
func (l *loader) toldAt(n *node) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Severity == Error && p.File == n.file && p.Line == n.line && p.Column == n.column
	})
}

// pathTo is the path of keys, and of places in lists, to what begins at a line
// and a column of n; none for n itself and for what begins nowhere in it.
func pathTo(n *node, line, column int) []string {
	if n == nil {
		return nil
	}
	begins := func(n *node) bool { return n.line == line && n.column == column }
	for _, p := range n.pairs {
		if begins(p.key) || p.value.kind == scalar && begins(p.value) {
			return []string{p.key.text}
		}
		if inner := pathTo(p.value, line, column); inner != nil {
			return append([]string{p.key.text}, inner...)
		}
	}
	for i, each := range n.list {
		if each.kind == scalar && begins(each) {
			return []string{strconv.Itoa(i)}
		}
		if inner := pathTo(each, line, column); inner != nil {
			return append([]string{strconv.Itoa(i)}, inner...)
		}
	}
	return nil
}

// follow walks down a path as far as it goes, and is the value or, where it has
// to be that or there are more in it, the key there.
func follow(n *node, path []string, key bool) *node {
	at := n
	for _, step := range path {
		switch n.kind {
		case mapping:
			i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.text == step })
			if i < 0 {
				return at
			}
			at, n = n.pairs[i].key, n.pairs[i].value
			if n.kind == scalar && !key {
				at = n
			}
		case list:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(n.list) {
				return at
			}
			at, n = n.list[i], n.list[i]
		default:
			return at
		}
	}
	return at
}

// ownWords are the monitor's words for those of its module, the most exact first.
func ownWords() [][2]string {
	return [][2]string{
		{"dns/query_name", "dns/name"},
		{"dns/query_type", "dns/type"},
		{"dns/transport_protocol", "dns/transport"},
		{"dns/valid_rcodes", "dns/rcode"},
		{"dns/expect", "dns/expect"},
		{"http/valid_status_codes", "expect/status"},
		{"http/json", "expect/json"},
		{"http/fail_if_body_not_matches_regexp", "expect/body"},
		{"http/fail_if_body_matches_regexp", "expect/not_body"},
		{"http/fail_if_header_not_matches", "expect/header"},
		{"http/basic_auth", "auth"},
		{"http/authorization", "auth"},
		{"http/proxy_url", "proxy"},
		{"tcp/query_response", "conversation"},
		{"tcp/query_response", "expect"},
		{"tcp/query_response", "send"},
		{"icmp/payload_size", "size"},
		{"grpc/service", "grpc_service"},
		{"*/tls_config", "tls"},
		{"*/preferred_ip_protocol", "ip"},
	}
}

// own finds what a path of the module is in the monitor's own words, and where
// that is written; nil where it is not.
func (c compiler) own(path []string) (words []string, at *node) {
	if len(path) < 2 {
		return nil, nil
	}
	candidates := [][]string{}
	for _, w := range ownWords() {
		if w[0] == path[0]+"/"+path[1] || w[0] == "*/"+path[1] {
			candidates = append(candidates, strings.Split(w[1], "/"))
		}
	}
	candidates = append(candidates, path[1:2])
	for _, words := range candidates {
		if n := c.f.node(words[0]); n == nil || len(words) > 1 && n.kind != mapping {
			continue
		}
		root := &node{kind: mapping, pairs: slices.Collect(maps.Values(c.f.by))}
		return words, follow(root, append(slices.Clone(words), path[2:]...), false)
	}
	return nil, nil
}

// renamed says with the monitor's words what is wrong with a path of the module.
func renamed(message string, path, words []string) string {
	message = strings.TrimPrefix(message, path[0]+": ")
	if rest, named := strings.CutPrefix(message, path[len(path)-1]+": "); named {
		return words[len(words)-1] + ": " + rest
	}
	if rest, named := strings.CutPrefix(message, path[1]+": "); named {
		return words[len(words)-1] + ": " + rest
	}
	return message
}

// unused looks at the modules that no monitor names: what is wrong with them
// keeps nobody from being asked.
func (l *loader) unused() {
	for _, name := range l.moduleNames() {
		if l.taken[name] {
			continue
		}
		apart := &loader{config: &Config{dir: l.config.dir}, fsys: l.fsys, told: map[string]bool{}}
		n := l.modules[name]
		c := compiler{l: apart, f: fields{l: apart, at: n, by: map[string]pair{}}, m: &oncall.Monitor{ID: oncall.MonitorID(name)}}
		if part := c.imported(n); part != nil {
			apart.problems = nil // what is in clear here is kept nowhere
			c.m.Module = encode(part)
			c.judge("module", n)
		}
		for _, p := range apart.problems {
			if len(l.problems) < maxProblems {
				p.Severity, p.Message = Warning, "module "+quote(name)+", which no monitor uses: "+p.Message
				l.problems = append(l.problems, p)
			}
		}
	}
}
