package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"toban/detect/probe/tree"
	"toban/internal/nearest"
)

// Problem is something wrong at a place of a module file.
type Problem = tree.Problem

// Modules are those of a module file, by name.
type Modules map[string]*Module

// Module is one way to ask targets, in the words of blackbox-exporter's file
// with some of ours. It is not changed once it is loaded.
type Module struct {
	Name        string              `yaml:"-"`
	Prober      string              `yaml:"prober"`  // http, tcp, dns, icmp, grpc; ours: certificate
	Timeout     time.Duration       `yaml:"timeout"` // 0 = the caller's alone
	HTTP        HTTPSettings        `yaml:"http"`
	TCP         TCPSettings         `yaml:"tcp"`
	DNS         DNSSettings         `yaml:"dns"`
	ICMP        ICMPSettings        `yaml:"icmp"`
	GRPC        GRPCSettings        `yaml:"grpc"`
	Certificate CertificateSettings `yaml:"certificate"`
	Unix        *tree.Node          `yaml:"unix"` // known, and not done here
	Websocket   *tree.Node          `yaml:"websocket"`

	// Unsupported says in a sentence what the module wants that toban can't do;
	// "" where it can do all of it. Its checker finds every target down.
	Unsupported string `yaml:"-"`

	written *tree.Node
}

// probers are those that a module may name.
var probers = []string{"http", "tcp", "icmp", "dns", "grpc", "certificate"}

// Source is where a module file comes from.
type Source struct {
	// Folder is where files that modules name are looked for when they are not
	// in the working folder. "" = in the working folder alone.
	Folder string
	// NoFiles refuses modules that name files: for those that somebody wrote who
	// may not read this machine's files.
	NoFiles bool
	// Blind reads no file and takes it that what is in those that are named is
	// good, as are keys: for looking at a module away from where it is used.
	Blind bool
	// Secrets are texts in the module that are secret wherever they stand: what
	// holds one goes to the target's own host alone.
	Secrets []string
	// Getenv is asked for the proxies of proxy_from_environment; nil = none.
	Getenv func(string) string
}

// Load reads a module file, from a place that is not known. See Source.Load.
func Load(raw []byte) (Modules, []Problem) { return Source{}.Load(raw) }

// LoadFile reads the module file of that name.
func LoadFile(name string, getenv func(string) string) (Modules, []Problem, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, fmt.Errorf("the module file can't be read: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe may never end, nor begin
		return nil, nil, fmt.Errorf("the module file %s is no regular file", name)
	}
	if info.Size() > maxFile {
		return nil, nil, fmt.Errorf("the module file %s is larger than 1 MiB", name)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("the module file can't be read: %w", err)
	}
	modules, problems := Source{Folder: filepath.Dir(name), Getenv: getenv}.Load(raw)
	return modules, problems, nil
}

// maxModules bounds the modules of a file.
const maxModules = 5000

// Load reads a module file. Every module without an error is in Modules, also
// when others have some. The files that modules name are read here, once.
func (s Source) Load(raw []byte) (Modules, []Problem) {
	root, problems := tree.Parse(raw)
	if tree.Failed(problems) || root == nil {
		return Modules{}, problems
	}
	var file struct {
		Modules *tree.Node `yaml:"modules"`
	}
	problems = append(problems, tree.Decode(root, &file)...)
	all, found := s.LoadTree(file.Modules)
	return all, tree.Sort(append(problems, found...))
}

// LoadTree reads what stands behind the key modules of a file.
func (s Source) LoadTree(n *tree.Node) (all Modules, problems []Problem) {
	l := loading{source: s}
	all = Modules{}
	switch {
	case n == nil:
	case n.Kind != tree.Mapping:
		problems = append(problems, n.Problem("modules has to be %s, not %s", tree.Mapping, n.Kind))
	case len(n.Pairs) > maxModules:
		problems = append(problems, n.Problem("there are more than %d modules", maxModules))
	default:
		for _, p := range n.Pairs {
			m, found := l.module(p.Key.Text, p.Key, p.Value)
			if !tree.Failed(found) {
				all[m.Name] = m
			}
			problems = append(problems, found...)
		}
	}
	return all, problems
}

// LoadModule reads one module: what stands behind its name in a file. It is nil
// when there is an error among the problems.
func (s Source) LoadModule(name string, raw []byte) (*Module, []Problem) {
	root, problems := tree.Parse(raw)
	if tree.Failed(problems) {
		return nil, problems
	}
	if root == nil {
		root = &tree.Node{Line: 1, Column: 1, Kind: tree.Empty}
	}
	l := loading{source: s}
	m, found := l.module(name, root, root)
	problems = tree.Sort(append(problems, found...))
	if tree.Failed(problems) {
		return nil, problems
	}
	return m, problems
}

// loading is one reading of a file.
type loading struct{ source Source }

// module reads the module that stands behind key.
func (l *loading) module(name string, key, n *tree.Node) (*Module, []Problem) {
	m := &Module{
		Name: name, HTTP: DefaultHTTP(), TCP: DefaultTCP(), DNS: DefaultDNS(), ICMP: DefaultICMP(), GRPC: DefaultGRPC(),
		Certificate: DefaultCertificate(), written: n,
	}
	problems := tree.Decode(n, m, tree.ReaderOf[*tls.Config](l.readTLS), expressions())
	if m.Prober == "" {
		if n.Value("prober") == nil {
			problems = append(problems, key.Problem("prober is missing: it is one of %s", strings.Join(probers, ", ")))
		}
		return m, problems
	}
	switch m.Prober {
	case "unix", "websocket":
		m.Unsupported = "there is no prober " + m.Prober + " in toban"
		return m, append(problems, warning(n.Value("prober"), m.Unsupported))
	}
	if !slices.Contains(probers, m.Prober) {
		return m, append(problems, n.Value("prober").Problem("%q is no prober%s", m.Prober, nearest.Hint(m.Prober, probers)))
	}
	return m, append(problems, apart(l.judge(m, key, n), problems, n)...)
}

// apart leaves out what is said of a key in which something could not be read:
// it may be said of that.
func apart(found, unread []Problem, n *tree.Node) []Problem {
	unread = slices.DeleteFunc(slices.Clone(unread), func(p Problem) bool { return p.Warning || p.Unknown })
	return slices.DeleteFunc(found, func(p Problem) bool {
		return slices.ContainsFunc(unread, func(u Problem) bool { return n.Around(p.Line, p.Column).Holds(u.Line, u.Column) })
	})
}

// judge looks at the settings of a module as far as they could be read.
func (l *loading) judge(m *Module, key, n *tree.Node) (problems []Problem) {
	// As blackbox-exporter does, every part that is there is looked at, whether
	// it is used or not: it will be, once somebody changes the prober.
	for _, part := range []struct {
		key   string
		check func() error
	}{{"tcp", m.TCP.Validate}, {"icmp", m.ICMP.Validate}, {"dns", m.DNS.Validate}, {"grpc", m.GRPC.Validate}, {"certificate", m.Certificate.Validate}} {
		if n.Value(part.key) == nil && part.key != m.Prober {
			continue
		}
		if err := part.check(); err != nil {
			at := n.Key(part.key)
			if at == n {
				at = key
			}
			if word, _, _ := strings.Cut(err.Error(), " "); word != "" {
				at = nearer(n.Key(part.key, strings.TrimSuffix(word, ":")), at, n)
			}
			problems = append(problems, at.Problem("%s: %s", part.key, err))
		}
	}
	return append(problems, m.HTTP.prepare(l, m, n.Value("http"), n.Key("http"))...)
}

// nearer is the key of a setting, unless that was not found and whole stands
// for it.
func nearer(found, otherwise, whole *tree.Node) *tree.Node {
	if found == whole {
		return otherwise
	}
	return found
}

func warning(at *tree.Node, message string) Problem {
	p := at.Problem("%s", message)
	p.Warning = true
	return p
}

// Checker returns what asks targets by m. Its checks end at the module's
// time-out if that is before the deadline they are given.
func (m *Module) Checker(o Options) Checker {
	var c Checker
	switch {
	case m.Unsupported != "":
		c = misfit{&fault{ReasonTarget, m.Unsupported}}
	case m.Prober == "http":
		c = m.HTTP.Checker(o)
	case m.Prober == "tcp":
		c = m.TCP.Checker(o)
	case m.Prober == "dns":
		c = m.DNS.Checker(o)
	case m.Prober == "icmp":
		c = m.ICMP.Checker(o)
	case m.Prober == "grpc":
		c = m.GRPC.Checker(o)
	case m.Prober == "certificate":
		c = m.Certificate.Checker(o)
	default:
		c = misfit{&fault{ReasonTarget, "there is no prober " + m.Prober}}
	}
	return guarded{c, m.Timeout}
}

// WithHost returns m for targets that are one virtual host behind several
// addresses: HTTP asks for that host, and TLS wants its name. It is an error if
// the module names another one itself.
func (m *Module) WithHost(host string) (*Module, error) {
	changed := *m
	switch m.Prober {
	case "http":
		if was, ok := m.HTTP.host(); ok && was != host {
			return nil, fmt.Errorf("host header defined both in module configuration (%s) and with URL-parameter 'hostname' (%s)", was, host)
		}
		changed.HTTP = m.HTTP.withHost(host)
	case "tcp":
		if c := m.TCP.TLSConfig; c == nil || c.ServerName == "" {
			changed.TCP.TLSConfig = serverName(c, host)
		}
	}
	return &changed, nil
}

// Closer is a Checker that keeps connections between its checks. Close ends
// them; checks that follow make new ones.
type Closer interface {
	Checker
	Close()
}

// guarded is a checker that holds a module's time-out and never panics.
type guarded struct {
	checker Checker
	timeout time.Duration
}

// Check implements Checker.
func (g guarded) Check(ctx context.Context, target string) (r *Result) {
	start := time.Now()
	defer func() {
		if v := recover(); v != nil { // what a target sends must not end the program
			r = &Result{
				Reason: ReasonInternal, Message: "the check failed in itself; this is a fault of toban's", Start: start, Duration: time.Since(start),
				Evidence: &Evidence{Tried: []string{safeText([]byte(fmt.Sprint("panic: ", v)), MaxValue)}},
			}
		}
	}()
	if end, ok := ctx.Deadline(); g.timeout > 0 && (!ok || end.After(start.Add(g.timeout))) {
		within, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		ctx = within
	}
	return g.checker.Check(ctx, target)
}

// Close implements Closer.
func (g guarded) Close() {
	if c, ok := g.checker.(interface{ Close() }); ok {
		c.Close()
	}
}

// String is the module as it was written, as YAML and without its secrets.
func (m *Module) String() string {
	var b strings.Builder
	show(&b, m.written, 0, false)
	return b.String()
}
