package config

import (
	"fmt"
	"time"

	"toban/oncall"
)

const (
	referenceEvery   = 5 * time.Second
	referenceTimeout = 3 * time.Second
	maxReferences    = 5
)

// location reads one of `locations`: { reference: [ { ping: 192.0.2.1 }, … ] }.
// A reference is a monitor that is always reached while the location's own
// network works; it is asked more often than the others, so that it is known
// before they are believed.
func (l *loader) location(name, n *node) {
	f := l.fields(name, n, "reference")
	place := &oncall.Location{Name: name.text}
	l.put(kindLocation, name.text, place, name)
	for i, each := range f.each("reference") {
		if i == maxReferences {
			l.errorf(each, "a location has at most %d references", maxReferences)
			break
		}
		if !l.is(each, mapping) {
			continue
		}
		m := l.readMonitor(oncall.MonitorID(fmt.Sprintf("location/%s/%d", name.text, i+1)), each, each)
		if m == nil {
			continue
		}
		if !m.Kind.Probes() || len(m.Locations) > 0 || m.Service != "" {
			l.errorf(each, "a reference is a plain probe such as { ping: 192.0.2.1 }")
			continue
		}
		g := fields{l: l, at: each, by: map[string]pair{}}
		for _, p := range each.pairs {
			g.by[p.key.text] = p
		}
		if !g.has("every") {
			m.Every = referenceEvery
		}
		if !g.has("timeout") {
			m.Timeout = min(referenceTimeout, m.Every*9/10)
		}
		place.References = append(place.References, m)
	}
}

// dialectAgent is the dialect of `toban agent`.
const dialectAgent = "agent"

// speaksFor reads the location that an agent's key speaks for.
func (l *loader) speaksFor(f fields, i *oncall.Integration) {
	switch where := f.node("location"); {
	case i.Dialect == "": // its dialect is wrong, and said so
	case i.Dialect != dialectAgent && where != nil:
		l.errorf(f.key("location"), "location belongs to the dialect agent; %s speaks for no place", i.Dialect)
	case i.Dialect != dialectAgent:
	case !f.need("location", "which of `locations` its agent stands at: the key speaks for that one alone"):
	case where.text == oncall.Here:
		l.errorf(where, "%s is this installation itself; an agent stands at another place, as in `locations: { osaka: {} }`", oncall.Here)
	default:
		i.Location = f.refer(kindLocation, "location")
	}
}

// Locations returns the locations in the order of the files.
func (c *Config) Locations() []*oncall.Location { return valuesOf[*oncall.Location](c) }

// here makes this installation a location that need not be written.
func (l *loader) here() {
	if known := l.names[kindLocation]; known[oncall.Here] == nil {
		known[oncall.Here] = &node{}
	}
}
