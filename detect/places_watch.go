package detect

import (
	"time"

	"toban/oncall"
)

// watch tells of the locations from which nothing at all has come for long, also
// while others still see what is asked there. Of a location with one monitor that
// is asked from nowhere else, the monitor's own alert says as much.
func (ps *places) watch(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	stood := now.Sub(ps.looked)
	if ps.looked.IsZero() || stood <= standstill {
		stood = 0
	}
	ps.looked = now
	for _, p := range ps.by {
		if p.cut(now); stood > 0 { // who could have heard anything?
			if p.heard = p.heard.Add(stood); p.heard.After(now) {
				p.heard = now
			}
		}
		if (p.monitors > 1 || p.shared || len(p.references) > 0) && p.gone(now) {
			ps.tellSilent(p, now)
		}
	}
}

// anew begins to wait for all locations: what came from them meanwhile went to other
// nodes.
func (ps *places) anew(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.by {
		p.heard = now
	}
}

// tellSilent tells that nothing comes from a location. ps.mu is held.
func (ps *places) tellSilent(p *place, now time.Time) {
	words := ps.of.words()
	summary := words.Say("said.silent", "name", p.name, "span", words.Span(now.Sub(p.heard)))
	ps.tell(p, placeSilent, p.heard, words.Say("alert.silent", "name", p.name), summary, now)
}

// asks notes that m is asked there.
func (p *place) asks(m *oncall.Monitor) {
	if sight := m.Sight(p.name); p.sight == 0 || sight < p.sight {
		p.sight = sight
	}
}

// lost reports whether nothing has come of a reference for so long that it says
// nothing of the location any more: nobody can ask it.
func (r *reference) lost(location string, at, now time.Time) bool {
	return !ahead(r.at, now) && at.Sub(r.at) > r.m.Sight(location)
}

// gone reports whether nothing has come from there for long, and for longer than what
// is asked there takes to come.
func (p *place) gone(now time.Time) bool {
	return now.Sub(p.heard) >= max(oncall.SightGrace, p.sight)
}

// quiet reports whether nothing has come from a location for long; of one that this
// node knows nothing of it is not known.
func (ps *places) quiet(name string, now time.Time) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.by[name]
	if p != nil {
		p.cut(now)
	}
	return p != nil && now.Sub(p.heard) >= max(agentGone, p.sight)
}

// silent reports whether nothing at all comes from the locations of a monitor,
// and says that of them.
func (ps *places) silent(m *oncall.Monitor, now time.Time) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, name := range m.Places() {
		p := ps.by[name]
		if p != nil {
			p.cut(now)
		}
		if p == nil || p.monitors < 2 || !p.gone(now) {
			return false
		}
	}
	for _, name := range m.Places() {
		ps.tellSilent(ps.by[name], now)
	}
	return true
}
