package config

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"

	"toban/internal/nearest"
	"toban/oncall"
)

// loader collects what the files say and what is wrong with it.
type loader struct {
	config   *Config
	roots    []*node // one a file, mappings
	problems []Problem
	names    map[string]map[string]*node // kind → name → where it is defined
	refs     []reference
	later    []func()        // checks that need every name
	told     map[string]bool // warnings that are given once
	partial  bool            // a file could not be read, so a name may be missing for that reason
	unread   bool            // nothing at all is known of one of them
	halves   [][]byte        // what is in the others
	lost     map[string]bool // kinds whose section can't be read
	within   *node           // the name of the object that is read
	currency *node           // of the first amount of money

	installation *oncall.Settings
	fsys         fs.FS            // the folder
	modules      map[string]*node // of section modules, by name
	taken        map[string]bool  // modules that a monitor names
	slugs        map[string]*node // of heartbeats
	foreign      []fileRead       // files of the folder that are somebody else's
}

// reference is a name that has to be defined somewhere.
type reference struct {
	kind   string
	at     *node
	within *node // the name of the object that has it
}

func (l *loader) errorf(n *node, format string, args ...any) { l.problem(n, Error, format, args...) }

func (l *loader) warnf(n *node, format string, args ...any) { l.problem(n, Warning, format, args...) }

func (l *loader) problem(n *node, s Severity, format string, args ...any) {
	if s == Error && l.config != nil {
		l.config.doubt(l.within)
	}
	if len(l.problems) < maxProblems {
		l.problems = append(l.problems, n.problem(s, format, args...))
	}
}

// once warns of a thing at the first place only.
func (l *loader) once(what string, n *node, format string, args ...any) {
	if !l.told[what] {
		l.told[what] = true
		l.warnf(n, format, args...)
	}
}

func (l *loader) refer(kind string, n *node) { l.refs = append(l.refs, reference{kind, n, l.within}) }

// afterwards is for checks that need every name.
func (l *loader) afterwards(check func()) {
	within := l.within
	l.later = append(l.later, func() {
		l.within = within
		check()
		l.within = nil
	})
}

// mayBe reports whether a name that is missing may be defined in a file that
// can't be read.
func (l *loader) mayBe(name string) bool {
	return l.unread || slices.ContainsFunc(l.halves, func(raw []byte) bool { return bytes.Contains(raw, []byte(name)) })
}

// load reads all sections. What is referred to may be defined in another file,
// so references are looked at last.
func (l *loader) load() {
	l.lost = map[string]bool{}
	l.takeModules()
	top := l.merge(l.roots)
	l.sections(top)
	l.settings(top.node("toban"))
	l.providers(top.node("providers"))
	l.metrics(top.key("metrics"), top.node("metrics"))
	l.each(top, "users", "user", l.user)
	l.each(top, "schedules", "schedule", l.schedule)
	l.each(top, "policies", "policy", l.policy)
	l.each(top, "pagers", "pager", l.pager)
	l.each(top, "integrations", "integration", l.integration)
	l.each(top, "services", "service", l.service)
	l.slugs = map[string]*node{}
	l.each(top, "locations", kindLocation, l.location)
	l.here()
	l.each(top, "monitors", kindMonitor, l.monitor)
	l.unused()
	l.gateway(top.node("gateway"))
	l.tests(top.node("tests"))
	l.lookUp()
	for _, check := range l.later {
		check()
	}
	if !l.partial && !l.lost["service"] {
		l.catchAll(top)
	}
	l.finish()
}

// lookUp finds what each name refers to.
func (l *loader) lookUp() {
	for _, r := range l.refs {
		if len(l.problems) == maxProblems {
			return
		}
		if known := l.names[r.kind]; known[r.at.text] == nil && !l.lost[r.kind] && !l.mayBe(r.at.text) {
			l.within = r.within
			l.errorf(r.at, "there is no %s named %s%s", r.kind, quote(r.at.text), nearest.Hint(r.at.text, slices.Sorted(maps.Keys(known))))
		}
	}
	l.within = nil
}

// deep says how many levels below a section's name files may share: the
// gateway's stages may be written in one file and its routes in another.
func deep(section string) int {
	if section == "gateway" {
		return 2
	}
	return 1
}

// merge puts the sections of all files together in the order of the files.
func (l *loader) merge(roots []*node) fields {
	merged := &node{file: ".", kind: mapping}
	if len(roots) > 0 {
		merged.file, merged.line, merged.column = roots[0].file, 1, 1
	}
	for _, root := range roots {
		seen := map[string]*node{}
		for _, p := range root.pairs {
			if was := seen[p.key.text]; was != nil {
				l.errorf(p.key, "%s is there twice; first at %s", p.key.text, was.place())
				continue
			}
			seen[p.key.text] = p.key
			l.add(merged, p, deep(p.key.text))
		}
	}
	return l.fields(merged, merged, sectionNames()...)
}

// add puts p into the mapping to, joining lists and mappings down to depth.
func (l *loader) add(to *node, p pair, depth int) {
	i := slices.IndexFunc(to.pairs, func(was pair) bool { return was.key.text == p.key.text })
	if depth == 0 || i < 0 {
		to.pairs = append(to.pairs, pair{p.key, copyOf(p.value)})
		return
	}
	was := to.pairs[i].value
	switch {
	case p.value.kind == empty:
	case was.kind == empty:
		to.pairs[i] = pair{p.key, copyOf(p.value)}
	case was.kind == list && p.value.kind == list:
		was.list = append(was.list, p.value.list...)
	case was.kind == mapping && p.value.kind == mapping:
		for _, inner := range p.value.pairs {
			l.add(was, inner, depth-1)
		}
	default:
		l.errorf(p.value, "this is %s here, but %s at %s", p.value.kind, was.kind, was.place())
	}
}

// copyOf lets a mapping or list grow without changing its file's.
func copyOf(n *node) *node {
	c := *n
	c.pairs, c.list = slices.Clone(n.pairs), slices.Clone(n.list)
	return &c
}

// each reads a section of named things in the order of the files.
func (l *loader) each(top fields, section, kind string, one func(name, n *node)) {
	known := map[string]*node{}
	l.names[kind] = known
	n := top.node(section)
	if n == nil {
		return
	}
	if !l.is(n, mapping) {
		l.lost[kind] = true
		return
	}
	for _, p := range n.pairs {
		if was := known[p.key.text]; was != nil {
			l.errorf(p.key, "%s %s is defined twice; first at %s", kind, quote(p.key.text), was.place())
			continue
		}
		known[p.key.text] = p.key
		l.within = p.key
		l.name(p.key)
		one(p.key, p.value)
		l.within = nil
	}
}
