package detect

import (
	"slices"
	"time"

	"toban/oncall"
)

// asked reports whether that is an answer of what a reference asks now.
func (ps *places) asked(id oncall.MonitorID, location, question string, start, now time.Time) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.by[location]
	if p == nil || p.references[id] == nil {
		return false
	}
	one := p.references[id]
	return answers(question, one.question, one.changed, start, now)
}

// say tells that a location's own network is broken, once all that came together is
// judged: what was over by its end needs nobody.
func (ps *places) say(location string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.by[location]; p != nil && p.muted && !p.voices[placeBroken].open() {
		words := ps.of.words()
		why := words.Summary(p.reason, p.why)
		ps.tell(p, placeBroken, p.failing, words.Say("alert.cut", "name", p.name), words.Say("said.cut", "name", p.name, "why", why), time.Now())
	}
}

// doubt forgets what a location knows of its monitors, and what it saw until now:
// its own network was cut meanwhile.
func (ps *places) doubt(location string) {
	for _, w := range ps.of.list() {
		if slices.Contains(w.places(), location) {
			w.mute(location, true)
			ps.of.hush(w) // gives it back where the location has a say
		}
	}
}

// cut takes a clock that was set back into account: what was heard later than now
// was heard before.
func (p *place) cut(now time.Time) {
	if ahead(p.heard, now) {
		p.heard = now.Add(-time.Millisecond)
	}
}
