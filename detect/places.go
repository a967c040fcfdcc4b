package detect

import (
	"slices"
	"strings"
	"sync"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// places are the locations, as far as this node can tell what each of them sees.
// Of a location whose own network is broken, or of which nothing comes at all,
// one alert is told, not one for each of its monitors.
type places struct {
	of *Monitors

	mu     sync.Mutex
	by     map[string]*place
	looked time.Time                               // when it was looked last for those that are silent
	saved  map[oncall.MonitorID]store.MonitorState // alerts that this node had open before its start, until their location is known
}

// place is one location.
type place struct {
	name       string
	references map[oncall.MonitorID]*reference
	monitors   int                     // that are asked from there
	shared     bool                    // one of them is asked from elsewhere too
	sight      time.Duration           // how long what is asked there most often holds; 0 = nothing is
	heard      time.Time               // when anything last came from there
	failing    time.Time               // since when every reference has failed; zero = one is reached
	held       bool                    // they have failed once: nothing becomes down there until they are asked again
	muted      bool                    // they have failed again
	reason     string                  // of the reference by which they had
	why        string                  // the same as a sentence
	voices     map[placeAlert]*watched // each carries one alert; its state says whether it is open
}

type reference struct {
	m        *oncall.Monitor
	question string    // of m
	changed  time.Time // since when that is asked; zero = since the start
	asked    bool
	at       time.Time // of the last result; until there is one, since when it is awaited
	up       bool
	message  string
	duration time.Duration
}

// placeAlert is what can be wrong with a location.
type placeAlert string

const (
	placeBroken placeAlert = "network" // its references are not reached
	placeSilent placeAlert = "silent"  // nothing comes from it
)

func newPlaces(of *Monitors) *places {
	return &places{of: of, by: map[string]*place{}, saved: map[oncall.MonitorID]store.MonitorState{}}
}

// referencePrefix begins the names of references.
const referencePrefix = "location/"

// IsReference reports whether that is the name of a reference, not of a monitor.
func IsReference(id oncall.MonitorID) bool { return strings.HasPrefix(string(id), referencePrefix) }

// set takes over the locations that are configured or named by a monitor.
func (ps *places) set(locations []*oncall.Location, monitors []*oncall.Monitor, now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	was, before, idle := ps.by, map[string]map[oncall.MonitorID]*reference{}, map[string]bool{}
	ps.by = map[string]*place{}
	at := func(name string) *place {
		if ps.by[name] == nil {
			p := was[name]
			if p == nil {
				p = &place{name: name, heard: now, voices: map[placeAlert]*watched{}}
				for _, what := range []placeAlert{placeBroken, placeSilent} {
					p.voices[what] = ps.voice(placeKey(name, what, ps.of.o.DB.Node()))
				}
				if p.voices[placeBroken].open() { // it was so when this node stopped, and is until a reference is reached
					p.muted, p.failing = true, now
				}
			}
			before[name], idle[name] = p.references, p.sight == 0
			p.references, p.monitors, p.shared, p.sight = nil, 0, false, 0
			ps.by[name] = p
		}
		return ps.by[name]
	}
	for _, l := range locations {
		p := at(l.Name)
		p.references = map[oncall.MonitorID]*reference{}
		for _, m := range l.References {
			r := before[l.Name][m.ID]
			switch {
			case r == nil:
				r = &reference{question: Question(m), at: now}
			case !r.m.SameQuestion(m):
				r = &reference{question: Question(m), changed: now, at: now}
			}
			r.m = m
			p.references[m.ID] = r
			p.asks(m)
		}
	}
	for _, m := range monitors {
		for _, name := range m.Places() {
			p := at(name)
			p.monitors++
			p.asks(m)
			p.shared = p.shared || len(m.Places()) > 1
		}
	}
	for _, p := range ps.by {
		switch {
		case p.sight == 0: // and nothing can be heard
			ps.clear(p, placeSilent, now)
		case idle[p.name]:
			p.heard = now
		}
		if len(p.references) == 0 && (p.muted || p.held) { // nothing is left that could give its say back
			p.muted, p.held, p.failing = false, false, time.Time{}
			ps.clear(p, placeBroken, now)
		}
	}
	for _, p := range was {
		if ps.by[p.name] == nil { // gone, and what is open about it
			ps.clear(p, placeBroken, now)
			ps.clear(p, placeSilent, now)
		}
	}
}

// placeKey names an alert about a location. Each node has its own sight of it; the
// incident is one.
func placeKey(name string, what placeAlert, node string) string {
	return referencePrefix + name + "/" + string(what) + "@" + node
}

// ofNode is the node whose alert about a location that is; ok is false for the
// name of a monitor.
func ofNode(id oncall.MonitorID) (node string, ok bool) {
	if !strings.HasPrefix(string(id), referencePrefix) {
		return "", false
	}
	i := strings.LastIndexByte(string(id), '@')
	if i < 0 {
		return "", false
	}
	return string(id[i+1:]), true
}

// voice carries one alert about a location; it goes on with what was saved of it.
func (ps *places) voice(key string) *watched {
	v := newWatched(ps.of, &oncall.Monitor{ID: oncall.MonitorID(key)})
	v.halted = true // nothing asks it
	if row, found := ps.saved[v.id]; found {
		v.recall([]store.MonitorState{row})
		delete(ps.saved, v.id)
	}
	return v
}

// adopt keeps an alert of this node from before its start.
func (ps *places) adopt(row store.MonitorState) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.saved[row.Monitor] = row
}

// muted reports whether a location has no say at the moment, and whether nothing
// that it says is believed to be down.
func (ps *places) muted(name string) (muted, held bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.by[name]
	return p != nil && p.muted, p != nil && p.held
}

// all are those that carry alerts about locations.
func (ps *places) all() (voices []*watched) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.by {
		for _, v := range p.voices {
			voices = append(voices, v)
		}
	}
	return voices
}

// reference takes the result of a location's reference. When all of them fail,
// nothing becomes down there until they are asked again: one packet may be lost.
// When they fail again the location has no say; say tells that.
//
// A result that is too old to say anything of now is a location's that was cut off
// and sends what it saw meanwhile. It decides nothing; outdated is that all
// references failed then.
func (ps *places) reference(id oncall.MonitorID, location string, r *probe.Result) (outdated bool) {
	at, now := r.Start.Add(r.Duration), time.Now()
	ps.heard(location, at)
	ps.mu.Lock()
	p := ps.by[location]
	if p == nil || p.references[id] == nil {
		ps.mu.Unlock()
		return false
	}
	one := p.references[id]
	one.asked, one.at, one.up, one.message, one.duration = true, at, r.Up, r.Message, r.Duration
	of, failing, reached := one.m, true, false
	for _, each := range p.references {
		if each.lost(location, at, now) {
			continue
		}
		failing, reached = failing && each.asked && !each.up, reached || each.asked && each.up
	}
	if now.Sub(at) > of.Sight(location) {
		ps.mu.Unlock()
		return failing
	}
	if ahead(p.failing, now) {
		p.failing = at
	}
	muted, held := p.muted, p.held
	switch {
	case !failing && !reached: // the others have not been asked yet
	case !failing:
		p.failing, p.muted, p.held = time.Time{}, false, false
		if one.up {
			ps.clear(p, placeBroken, now)
		}
	case p.failing.IsZero():
		p.failing, p.held = at, true
	case at.Sub(p.failing) >= of.Every/2: // not for the first time
		p.muted, p.held, p.reason, p.why = true, false, string(r.Reason), r.Message
	}
	turned := muted != p.muted || held != p.held
	ps.mu.Unlock()
	if sink := ps.of.o.Sink; sink != nil {
		sink.Append(of, location, at, r)
	}
	if turned {
		for _, w := range ps.of.list() {
			ps.of.hush(w)
		}
	}
	return false
}

// heard notes that a result came from a location. What was said of it as a whole
// holds no more, and of those of its monitors that stay unknown it is due again.
func (ps *places) heard(location string, at time.Time) {
	now := time.Now()
	if !ps.hears(location, at, now) {
		return
	}
	for _, w := range ps.of.list() {
		if slices.Contains(w.places(), location) {
			w.unsay(now)
		}
	}
}

// hears is heard, and reports whether the location was said to be silent.
func (ps *places) hears(location string, at, now time.Time) (wasSilent bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.by[location]
	if p == nil {
		return false
	}
	if p.cut(now); !at.After(p.heard) {
		return false
	}
	p.heard = at
	wasSilent = p.voices[placeSilent].open()
	ps.clear(p, placeSilent, now)
	if len(p.references) == 0 {
		ps.clear(p, placeBroken, now)
	}
	return wasSilent
}

// tell opens an alert about a location. ps.mu is held.
func (ps *places) tell(p *place, what placeAlert, since time.Time, title, summary string, now time.Time) {
	severity := oncall.Critical // toban is blind: nobody else would say so
	if what == placeSilent {
		severity = oncall.Warning
	}
	s := ps.signal(p.name, what, oncall.Trigger, now)
	s.Severity, s.Title, s.StartsAt = severity, title, since
	s.Annotations = map[string]string{"reason": string(what), "summary": summary}
	ps.send(p.voices[what], s, oncall.MonitorDown, now)
}

// clear ends an alert about a location. ps.mu is held.
func (ps *places) clear(p *place, what placeAlert, now time.Time) {
	if !p.voices[what].open() { // as after nearly every check
		return
	}
	ps.send(p.voices[what], ps.signal(p.name, what, oncall.Resolve, now), oncall.MonitorUp, now)
}

// send says what changes an alert, and saves that it was said.
func (ps *places) send(v *watched, s oncall.Signal, status oncall.MonitorStatus, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if open := status == oncall.MonitorDown; v.state.Alerting == open {
		return
	}
	s.Key = string(v.id)
	v.address(&s, oncall.AlertDown)
	v.state = oncall.MonitorState{Status: status, Since: now, Alerting: status == oncall.MonitorDown}
	v.signals = append(v.signals, s)
	v.dirty[""] = true
	ps.of.courier.take(v)
}

func (v *watched) open() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.Alerting
}

func (ps *places) signal(name string, what placeAlert, action oncall.Action, now time.Time) oncall.Signal {
	return oncall.Signal{
		Integration: integration, GroupKey: referencePrefix + name + "/" + string(what), Action: action, Severity: oncall.Critical, Title: ps.of.words().Say("end.place", "name", name),
		Labels: map[string]string{"alertname": "location", "kind": "location", "location": name}, StartsAt: now, ReceivedAt: now,
	}
}

// buried are the names under which a node that is dead may have left alerts open.
func (ps *places) buried(node string) (keys []oncall.MonitorID) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for name := range ps.by {
		for _, what := range []placeAlert{placeBroken, placeSilent} {
			keys = append(keys, oncall.MonitorID(placeKey(name, what, node)))
		}
	}
	return keys
}

// Place is how a location is doing, as this node sees it.
type Place struct {
	Name     string
	Monitors int
	Heard    time.Time // when anything last came from there
	Muted    bool      // its own network is broken: it has no say
	Silent   bool      // nothing comes from it, and that was told
}

// Places returns the locations, in no order.
func (m *Monitors) Places() (all []Place) {
	m.places.mu.Lock()
	defer m.places.mu.Unlock()
	for _, p := range m.places.by {
		all = append(all, Place{Name: p.name, Monitors: p.monitors, Heard: p.heard, Muted: p.muted, Silent: p.voices[placeSilent].open()})
	}
	return all
}
