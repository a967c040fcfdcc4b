package exporter

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/detect/probe"
	"toban/detect/probe/tree"
	"toban/internal/nearest"
	"toban/oncall"
)

// Config is what an exporter checks, and how.
type Config struct {
	Targets []Target
	Modules probe.Modules  // for /probe and for targets; those of Defaults among them, unless others have their names
	Allow   []netip.Prefix // networks that may be asked in any case
}

// Target is one thing that is checked by itself.
type Target struct {
	Protocol string // http, ping, tcp, grpc or certificate: the label
	Address  string // as it was written
	Label    string // the same without what is secret in it
	Module   string // by which it is asked
	Every    time.Duration
	Timeout  time.Duration
}

// counted is the target as far as the metrics tell targets apart.
func (t Target) counted() Target { return Target{Protocol: t.Protocol, Label: t.Label} }

// Times of a target that says nothing, and the limits of a file.
const (
	DefaultEvery   = 15 * time.Second
	DefaultTimeout = 10 * time.Second

	leastEvery = time.Second
	mostEvery  = 24 * time.Hour
	maxTargets = 20_000
	maxAddress = 2 << 10 // bytes
	maxFile    = 1 << 20 // bytes
)

// standard are the modules that targets are asked by when they name none.
var standard = map[string]string{
	"http": "http_2xx", "ping": "icmp", "tcp": "tcp_connect", "grpc": "grpc", "certificate": "certificate",
}

// Defaults are the modules that are there without a file.
func Defaults() probe.Modules {
	all, problems := probe.Load([]byte(`modules:
  http_2xx: { prober: http }
  http_post_2xx: { prober: http, http: { method: POST } }
  tcp_connect: { prober: tcp }
  icmp: { prober: icmp }
  grpc: { prober: grpc }
  certificate: { prober: certificate }
`))
	if len(problems) > 0 {
		panic("exporter: the modules of its own are wrong: " + problems[0].String())
	}
	return all
}

// file is an exporter's configuration as it is written.
type file struct {
	Interval time.Duration  `yaml:"interval"`
	Timeout  time.Duration  `yaml:"timeout"`
	Allow    []netip.Prefix `yaml:"allow"`
	Modules  *tree.Node     `yaml:"modules"` // in a blackbox-exporter's words, or the name of its file
	Targets  *tree.Node     `yaml:"targets"`
}

// Load reads the configuration file of that name and the module file that it or
// modules names; both may be "". targets are further ones, as in the short form
// of the file. The problems are texts with file, line and column; without a
// Config there is an error among them.
func Load(name, modules string, targets []string, getenv func(string) string) (*Config, []string) {
	c := &Config{Modules: Defaults()}
	var problems []string
	failed := false
	say := func(file string, all []tree.Problem) {
		for _, p := range all {
			problems = append(problems, file+":"+p.String())
			failed = failed || !p.Warning
		}
	}
	f := file{Interval: DefaultEvery}
	if name != "" {
		raw, err := read(name)
		if err != nil {
			return nil, []string{err.Error()}
		}
		root, found := tree.Parse(raw)
		say(name, found)
		if root != nil && !failed {
			say(name, tree.Decode(root, &f))
			say(name, f.check(root))
		}
		if n := f.Modules; n != nil && n.Kind == tree.Scalar && modules == "" {
			if modules = n.Text; !filepath.IsAbs(modules) {
				modules = filepath.Join(filepath.Dir(name), modules)
			}
		} else if n != nil && n.Kind != tree.Scalar {
			own, found := probe.Source{Folder: filepath.Dir(name), Getenv: getenv}.LoadTree(n)
			say(name, found)
			maps.Copy(c.Modules, own)
		}
	}
	if modules != "" {
		own, found, err := probe.LoadFile(modules, getenv)
		if err != nil {
			return nil, append(problems, err.Error())
		}
		say(modules, found)
		maps.Copy(c.Modules, own)
	}
	if failed {
		return nil, problems
	}
	say(name, c.add(f))
	for _, t := range targets {
		say("target "+shown(t), c.addShort(&tree.Node{Kind: tree.Scalar, Text: t}, f))
	}
	c.Allow = f.Allow
	if failed {
		return nil, problems
	}
	return c, problems
}

func read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("the configuration can't be read: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe may never end, nor begin
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return os.ReadFile(name)
}

func (f *file) check(root *tree.Node) (problems []tree.Problem) {
	if f.Interval < leastEvery || f.Interval > mostEvery {
		problems = append(problems, root.Key("interval").Problem("interval is from 1s to 24h"))
	}
	if f.Timeout < 0 || f.Timeout >= f.Interval && f.Timeout > 0 {
		problems = append(problems, root.Key("timeout").Problem("timeout has to be below interval"))
	}
	if f.Targets != nil && f.Targets.Kind == tree.Mapping {
		problems = append(problems, f.Targets.Problem("targets is a list; put - in front of each"))
	}
	return problems
}

// add reads the targets of a file.
func (c *Config) add(f file) (problems []tree.Problem) {
	if f.Targets == nil {
		return nil
	}
	items := f.Targets.List
	if f.Targets.Kind != tree.List {
		items = []*tree.Node{f.Targets}
	}
	for _, n := range items {
		if n.Kind == tree.Scalar {
			problems = append(problems, c.addShort(n, f)...)
			continue
		}
		problems = append(problems, c.addLong(n, f)...)
	}
	return problems
}

// addShort adds a target of which nothing but its address is written: it is
// asked by HTTP and pinged.
func (c *Config) addShort(n *tree.Node, f file) []tree.Problem {
	problems := c.put(n, Target{Protocol: "http", Address: n.Text, Module: standard["http"], Every: f.Interval, Timeout: f.Timeout})
	return append(problems, c.put(n, Target{Protocol: "ping", Address: n.Text, Module: standard["ping"], Every: f.Interval, Timeout: f.Timeout})...)
}

// addLong adds a target that says how it is asked.
func (c *Config) addLong(n *tree.Node, f file) []tree.Problem {
	var t struct {
		HTTP        []string      `yaml:"http"`
		Ping        []string      `yaml:"ping"`
		TCP         []string      `yaml:"tcp"`
		GRPC        []string      `yaml:"grpc"`
		Certificate []string      `yaml:"certificate"`
		Module      string        `yaml:"module"`
		Interval    time.Duration `yaml:"interval"`
		Timeout     time.Duration `yaml:"timeout"`
	}
	t.Interval, t.Timeout = f.Interval, f.Timeout
	problems := tree.Decode(n, &t)
	if len(problems) > 0 {
		return problems
	}
	if t.Interval < leastEvery || t.Interval > mostEvery {
		problems = append(problems, n.Key("interval").Problem("interval is from 1s to 24h"))
	}
	if t.Timeout < 0 || t.Timeout >= t.Interval && t.Timeout > 0 {
		problems = append(problems, n.Key("timeout").Problem("timeout has to be below interval"))
	}
	some := false
	for _, each := range []struct {
		protocol  string
		addresses []string
	}{{"http", t.HTTP}, {"ping", t.Ping}, {"tcp", t.TCP}, {"grpc", t.GRPC}, {"certificate", t.Certificate}} {
		for _, address := range each.addresses {
			some = true
			module := t.Module
			if module == "" {
				module = standard[each.protocol]
			}
			problems = append(problems, c.put(n, Target{Protocol: each.protocol, Address: address, Module: module, Every: t.Interval, Timeout: t.Timeout})...)
		}
	}
	if !some {
		problems = append(problems, n.Problem("a target is written as its address, or as http, ping, tcp, grpc or certificate: address"))
	}
	return problems
}

// proberOf is the prober that a protocol's module has to have.
func proberOf(protocol string) string {
	if protocol == "ping" {
		return "icmp"
	}
	return protocol
}

func (c *Config) put(n *tree.Node, t Target) []tree.Problem {
	t.Label = shown(t.Address)
	if t.Timeout == 0 {
		t.Timeout = min(DefaultTimeout, t.Every-t.Every/10)
	}
	m := c.Modules[t.Module]
	switch {
	case strings.TrimSpace(t.Address) == "" || len(t.Address) > maxAddress:
		return []tree.Problem{n.Problem("a target needs an address of at most %d bytes", maxAddress)}
	case len(c.Targets) >= maxTargets:
		return []tree.Problem{n.Problem("there are more than %d targets", maxTargets)}
	case m == nil:
		return []tree.Problem{n.Problem("there is no module %q%s", t.Module, nearest.Hint(t.Module, sortedNames(c.Modules)))}
	case m.Unsupported != "":
		return []tree.Problem{n.Problem("the module %s can't be used: %s", t.Module, m.Unsupported)}
	case m.Prober != proberOf(t.Protocol):
		return []tree.Problem{n.Problem("the module %s is for %s, not for %s", t.Module, m.Prober, proberOf(t.Protocol))}
	case slices.ContainsFunc(c.Targets, func(o Target) bool { return o.counted() == t.counted() }):
		return []tree.Problem{n.Problem("%s %s is there twice", t.Protocol, t.Label)}
	}
	c.Targets = append(c.Targets, t)
	return nil
}

func sortedNames(m probe.Modules) []string { return slices.Sorted(maps.Keys(m)) }

// shown is an address without a user and a password in it, and without the values
// of its query whose names say that they are secret.
func shown(address string) string {
	address = oncall.WithoutUser(address)
	path, query, asked := strings.Cut(address, "?")
	if !asked {
		return address
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if key, _, has := strings.Cut(pair, "="); has && probe.SecretName(key) {
			pairs[i] = key + "=…"
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
