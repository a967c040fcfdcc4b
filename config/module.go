package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"toban/detect/probe"
	"toban/internal/nearest"
	"toban/oncall"
)

// Section modules holds those of blackbox-exporter: a blackbox.yml that lies in
// the folder is read as it is, and one that lies elsewhere is named, as in
// modules: /etc/prometheus/blackbox.yml.

// takeModules takes the section out of the files, since it may be a mapping in
// one of them and a path in another.
func (l *loader) takeModules() {
	l.modules, l.taken = map[string]*node{}, map[string]bool{}
	for _, root := range l.roots {
		root.pairs = slices.DeleteFunc(root.pairs, func(p pair) bool {
			if p.key.text != "modules" {
				return false
			}
			l.readModules(p.value)
			return true
		})
	}
}

func (l *loader) readModules(n *node) {
	switch n.kind {
	case empty:
	case mapping:
		for _, p := range n.pairs {
			if was := l.modules[p.key.text]; was != nil {
				l.errorf(p.key, "module %s is defined twice; first at %s", quote(p.key.text), was.place())
				continue
			}
			l.modules[p.key.text] = p.value
		}
	case list:
		for _, each := range n.list {
			l.readModuleFile(each)
		}
	default:
		l.readModuleFile(n)
	}
}

// readModuleFile reads a file that is named; one of the folder is read anyway.
func (l *loader) readModuleFile(n *node) {
	if !l.is(n, scalar) {
		return
	}
	name := strings.TrimPrefix(n.text, "file:")
	for _, root := range l.roots {
		if root.file == path.Clean(filepath.ToSlash(name)) {
			return
		}
	}
	raw, err := l.readNamed(name)
	if err != nil {
		l.errorf(n, "the module file %s: %s", quote(name), reason(err))
		return
	}
	root, problems := parse(name, raw)
	l.problems = append(l.problems, problems...)
	if root == nil || !l.is(root, mapping) {
		return
	}
	f := l.fields(root, root, "modules")
	if f.need("modules", "it is a file of blackbox-exporter's modules") {
		l.readModules(f.node("modules"))
	}
}

// readNamed reads a file beside the folder, or anywhere by its whole path.
func (l *loader) readNamed(name string) ([]byte, error) {
	if l.fsys != nil && fs.ValidPath(name) {
		if raw, err := read(l.fsys, name); err == nil {
			return raw, nil
		}
	}
	if l.config.dir == "" {
		return nil, fs.ErrNotExist
	}
	file := l.config.path(name)
	return read(os.DirFS(filepath.Dir(file)), filepath.Base(file))
}

func (l *loader) moduleNames() []string { return slices.Sorted(maps.Keys(l.modules)) }

// imported takes a module as it is written. What is secret in it has to be a
// reference or a file: the module is kept in the store.
func (c compiler) imported(n *node) part {
	if !c.l.is(n, mapping) {
		return nil
	}
	f := fields{l: c.l, at: n, by: map[string]pair{}}
	for _, p := range n.pairs {
		f.by[p.key.text] = p
	}
	kinds := map[string]oncall.MonitorKind{
		"http": oncall.MonitorHTTP, "icmp": oncall.MonitorPing, "tcp": oncall.MonitorTCP, "dns": oncall.MonitorDNS, "grpc": oncall.MonitorGRPC,
		"certificate": oncall.MonitorCertificate,
	}
	if !f.need("prober", "http, icmp, tcp, dns or grpc") {
		return nil
	}
	prober := f.text("prober")
	if c.m.Kind = kinds[prober]; c.m.Kind == "" {
		c.l.errorf(f.node("prober"), "%s is no prober%s", quote(prober), nearest.Hint(prober, []string{"http", "icmp", "tcp", "dns", "grpc", "certificate"}))
		return nil
	}
	module, _ := c.value("", n, false).(part)
	return module
}

// clearSecrets are the keys of a module behind which a secret stands.
func clearSecrets() []string {
	return []string{"password", "credentials", "bearer_token", "client_secret", "client_certificate_key", "key", "secrets"}
}

// named are the keys of a module behind which there are things whose own names
// say whether they are secret.
func named() []string {
	return []string{"headers", "http_headers", "proxy_connect_header", "metadata", "endpoint_params"}
}

// value is what stands behind a key of a module, for JSON; secret says that it
// may not be in clear.
func (c compiler) value(key string, n *node, secret bool) any {
	switch n.kind {
	case mapping:
		all := part{}
		for _, p := range n.pairs {
			if _, twice := all[p.key.text]; twice {
				c.l.errorf(p.key, "%s is there twice", p.key.text)
			}
			inner := secret || slices.Contains(clearSecrets(), p.key.text) || slices.Contains(named(), key) && secretHeader(p.key.text)
			all[p.key.text] = c.value(p.key.text, p.value, inner)
		}
		return all
	case list:
		all := make([]any, 0, len(n.list))
		for _, each := range n.list {
			all = append(all, c.value(key, each, secret))
		}
		return all
	case empty:
		return nil
	}
	c.judges(key, n)
	return c.scalarOf(key, n, secret)
}

// judges refuses what would take too long to be looked for in an answer, at its
// place in the file.
func (c compiler) judges(key string, n *node) {
	var err error
	switch {
	case isReference(n.text):
	case key == "json":
		err = new(probe.JSONCondition).UnmarshalText([]byte(n.text))
	case strings.HasSuffix(key, "regexp"):
		_, err = probe.Expression(n.text)
	}
	if err != nil {
		c.l.errorf(n, "%s: %s", key, err)
	}
}

func (c compiler) scalarOf(key string, n *node, secret bool) any {
	_, taken := oncall.ParsePlaceholder(n.text)
	switch {
	case taken:
		c.l.errorf(n, "this text stands for a secret and can't be written")
		return ""
	case strings.HasSuffix(key, "_file") || key == "files":
		return c.file(n)
	case n.text == "":
		return ""
	case secret && !isReference(n.text):
		// The file is the operator's own; the store is not the place for what is in it.
		mend := "write env:NAME or file:PATH in its place"
		if slices.Contains(clearSecrets(), key) {
			mend = "use " + key + "_file, or " + mend
		}
		c.l.errorf(n, "%s is in clear here and would be kept in the store; %s", key, mend)
		return ""
	case isReference(n.text):
		f := fields{l: c.l, at: n, by: map[string]pair{key: {n, n}}}
		return c.secret(f.secret(key, nil))
	case strings.HasSuffix(key, "_url") && oncall.HasUser(n.text):
		c.l.errorf(n, "%s has a user and a password in clear and would be kept in the store; write the whole URL into an environment variable or a file, as in env:NAME or file:PATH", key)
		return ""
	case n.text == "true" || n.text == "false":
		return n.text == "true"
	}
	if v, err := strconv.ParseInt(n.text, 10, 32); err == nil && strconv.FormatInt(v, 10) == n.text {
		return v
	}
	return n.text
}

// encode is a module as it is kept.
func encode(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%q", err.Error()) // nothing that can't be encoded gets here
	}
	return strings.TrimSpace(out.String())
}

// written is what somebody wrote, as JSON in the order in which they did.
func written(n *node) string {
	var out strings.Builder
	write(&out, n)
	return out.String()
}

func write(out *strings.Builder, n *node) {
	switch n.kind {
	case mapping:
		out.WriteByte('{')
		for i, p := range n.pairs {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(encode(p.key.text) + ":")
			write(out, p.value)
		}
		out.WriteByte('}')
	case list:
		out.WriteByte('[')
		for i, each := range n.list {
			if i > 0 {
				out.WriteByte(',')
			}
			write(out, each)
		}
		out.WriteByte(']')
	case empty:
		out.WriteString("null")
	default:
		out.WriteString(encode(n.text))
	}
}
