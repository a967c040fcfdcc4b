package oncall

import (
	"maps"
	"slices"
	"time"
)

// farSlack is what a result of another location takes to come, and how far the
// clock there may be off without anybody knowing, together.
const farSlack = 2 * time.Second

// Sight is how long a result from a location holds: two intervals and a time-out
// after it the location knows nothing any more, two seconds later where it is not
// this installation's own.
func (m *Monitor) Sight(location string) time.Duration {
	if location == Here {
		return 2*m.Every + m.Timeout
	}
	return 2*m.Every + m.Timeout + farSlack
}

// sight is the longest Sight of all locations.
func (m *Monitor) sight() (longest time.Duration) {
	for _, location := range m.Places() {
		longest = max(longest, m.Sight(location))
	}
	return longest
}

// Observe takes a result and says what it changes. Results that are older than
// what is known, or too old to say anything of now, and those of a location from
// which m is not asked change nothing.
//
// Down takes m.Down, up takes m.Up when the monitor was down before; from unknown
// that never was down the first success is enough. A time is over at the first
// failure plus that time, whether or not a result comes then: Next says when, and
// Expire decides it.
func (m *Monitor) Observe(s MonitorState, o Observation, now time.Time) (MonitorState, []MonitorEdge) {
	if !m.AsksFrom(o.Location) {
		return s, nil
	}
	if o.At.IsZero() || o.At.After(now) {
		o.At = now // a clock that is ahead
	}
	p := s.Places[o.Location]
	p.notAfter(o.At, now)
	if o.At.Before(p.At) || o.At.Before(p.Watched) || now.Sub(o.At) > m.Sight(o.Location) {
		return s, nil
	}
	var before []MonitorEdge
	if end, ok := m.blind(o.Location, p); ok && !p.Muted && o.At.After(end) { // nobody asked meanwhile
		s, before = m.Expire(s, end)
		p = s.Places[o.Location]
	}
	w := m.begin(s, now)
	if w.edges = before; p.Muted {
		p.At = o.At
	} else {
		w.success = o.Up
		w.observe(&p, o)
	}
	w.set(o.Location, p)
	w.judge()
	return w.end()
}

// Expire says what the passing of time alone changes: a pending change whose
// time is over, a location of which nothing was heard for too long, an unknown
// monitor whose grace is over. Nothing that it decides is ever up.
func (m *Monitor) Expire(s MonitorState, now time.Time) (MonitorState, []MonitorEdge) {
	w := m.begin(s, now)
	for _, location := range m.Places() {
		p, known := s.Places[location]
		if !known || p.Muted {
			continue
		}
		over, failing := m.over(p)
		end, ends := m.blind(location, p)
		switch {
		case failing && !now.Before(over) && !end.Before(over):
			w.turn(location, &p, MonitorDown, p.Pending.Since)
		case ends && !now.Before(end):
			w.turn(location, &p, MonitorUnknown, p.At)
		default:
			continue
		}
		p.Pending = Pending{}
		w.set(location, p)
	}
	w.judge()
	w.look()
	return w.end()
}

// Next is when Expire has something to decide if no result comes before; zero =
// never.
func (m *Monitor) Next(s MonitorState) (next time.Time) {
	earlier := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	for _, location := range m.Places() {
		p, known := s.Places[location]
		if !known || p.Muted {
			continue
		}
		if at, ok := m.over(p); ok {
			earlier(at)
		}
		if at, ok := m.blind(location, p); ok {
			earlier(at)
		}
	}
	if at, ok := m.unseen(s); ok {
		earlier(at)
	}
	if at := s.Watched.Add(m.sight()); s.Now() != MonitorUnknown && m.verdict(s, at) == MonitorUnknown { // it is asked from elsewhere now
		earlier(at)
	}
	for _, location := range m.Places() { // those that are there are enough once nobody else is awaited
		if end, ok := m.awaited(s, location); ok && m.verdict(s, end) == MonitorDown {
			earlier(end)
		}
	}
	return next
}

// Resume says that results can be expected from now on, after a start or when
// another node has handed the monitor over. Statuses, alerts and pending changes
// stay as they were saved; the time since then counts for none of them. What was
// saved under a clock that was ahead is cut to now: it would seem to be newer than
// any result. The locations are those of the configuration as it is now.
func (m *Monitor) Resume(s MonitorState, now time.Time) MonitorState {
	s.Watched = now
	if s.Since.IsZero() || s.Since.After(now) {
		s.Since = now
	}
	places := make(map[string]PlaceState, len(m.Places()))
	for _, location := range m.Places() {
		p := s.Places[location]
		p.Watched, p.Muted, p.Held = now, false, false
		if p.Since.IsZero() || p.Since.After(now) {
			p.Since = now
		}
		if p.At.After(now) {
			p.At = now
		}
		if p.Pending.Since.After(now) {
			p.Pending.Since = now
		}
		places[location] = p
	}
	s.Places = places
	return s
}

// notAfter cuts what is known of a location to a result's time where it is later
// than now: the clock was set back.
func (p *PlaceState) notAfter(at, now time.Time) {
	now = now.Round(0)
	for _, known := range []*time.Time{&p.At, &p.Watched, &p.Since, &p.Pending.Since} {
		if known.Round(0).After(now) {
			*known = at
		}
	}
}

// Hold keeps what a location says from making anything down for a while, since it
// is its own network that may be broken. Nothing is lost by it: what is due when
// the hold ends is decided then.
func (m *Monitor) Hold(s MonitorState, location string, held bool, now time.Time) (MonitorState, []MonitorEdge) {
	p, known := s.Places[location]
	if !known || p.Held == held || p.Muted {
		return s, nil
	}
	w := m.begin(s, now)
	p.Held = held
	if over, failing := m.over(p); !held && (w.believed(p) || failing && !now.Before(over)) {
		w.turn(location, &p, MonitorDown, p.Pending.Since)
		p.Pending = Pending{}
	}
	w.set(location, p)
	w.judge()
	return w.end()
}

// Mute takes a location's say away, or gives it back. What it said before is
// not believed afterwards: it has to be asked again.
func (m *Monitor) Mute(s MonitorState, location string, muted bool, now time.Time) (MonitorState, []MonitorEdge) {
	p, known := s.Places[location]
	if !known || p.Muted == muted {
		return s, nil
	}
	w := m.begin(s, now)
	if p.Muted, p.Held, p.Pending = muted, false, (Pending{}); muted {
		w.turn(location, &p, MonitorUnknown, now)
	} else {
		p.Watched, w.state.Watched = now, now
	}
	w.set(location, p)
	w.judge()
	return w.end()
}

// Forget makes everything unknown because something else is asked from now on;
// an open alert stays open until there is an answer.
func (m *Monitor) Forget(s MonitorState, now time.Time) (MonitorState, []MonitorEdge) {
	w := m.begin(s, now)
	for _, location := range slices.Sorted(maps.Keys(s.Places)) {
		p := s.Places[location]
		w.turn(location, &p, MonitorUnknown, now)
		w.set(location, PlaceState{Since: p.Since, Watched: now, Muted: p.Muted, Held: p.Held})
	}
	w.state.Watched = now
	w.judge()
	return w.end()
}

// Retire ends the watching: the monitor is paused or gone. Open alerts end with
// it, since nobody would end them.
func (m *Monitor) Retire(s MonitorState, now time.Time) (MonitorState, []MonitorEdge) {
	s, edges := m.Forget(s, now)
	for _, open := range []struct {
		flag *bool
		says MonitorAlert
	}{{&s.Alerting, AlertUp}, {&s.Unsighted, AlertSeen}} {
		if *open.flag {
			*open.flag = false
			edges = append(edges, MonitorEdge{From: s.Now(), To: s.Now(), Since: now, At: now, Alert: open.says})
		}
	}
	return s, edges
}

// Unsay says that the alert about not seeing m was not said after all, because
// that was said of its locations; it is due again after its grace.
func (m *Monitor) Unsay(s MonitorState, now time.Time) MonitorState {
	if s.Unsighted {
		s.Unsighted, s.Watched = false, now
	}
	return s
}

// turning is one change of a state in the making.
type turning struct {
	m       *Monitor
	state   MonitorState
	now     time.Time
	edges   []MonitorEdge
	copied  bool
	success bool // was observed, and by it alone something is up
}

func (m *Monitor) begin(s MonitorState, now time.Time) *turning {
	return &turning{m: m, state: s, now: now}
}

// end returns what has become of the state.
func (w *turning) end() (MonitorState, []MonitorEdge) { return w.state, w.edges }

// set keeps what a location knows. States are values: the caller's map stays as
// it was.
func (w *turning) set(location string, p PlaceState) {
	if !w.copied {
		places := make(map[string]PlaceState, len(w.state.Places)+1)
		maps.Copy(places, w.state.Places)
		w.state.Places, w.copied = places, true
	}
	w.state.Places[location] = p
}

// observe lets a location take in a result.
func (w *turning) observe(p *PlaceState, o Observation) {
	to := MonitorUp
	if !o.Up {
		to = MonitorDown
		p.Reason, p.Message = o.Reason, o.Message
	}
	seen := o.At.Sub(p.At)
	if p.At.IsZero() || p.At.Before(p.Watched) || seen > w.m.Sight(o.Location) {
		seen = 0 // nobody looked in between
	}
	p.At = o.At
	switch {
	case p.Now() == to:
		p.Pending = Pending{}
		return
	case p.Pending.To != to:
		p.Pending = Pending{To: to, Since: o.At, Count: 1}
	default:
		p.Pending.Count++
		p.Pending.For += seen
	}
	if w.believed(*p) {
		w.turn(o.Location, p, to, p.Pending.Since)
		p.Pending = Pending{}
	}
}

// believed reports whether a pending change is one at last.
func (w *turning) believed(p PlaceState) bool {
	to, need := p.Pending.To, w.m.Up
	switch {
	case to == "" || to == MonitorDown && p.Held:
		return false
	case to == MonitorDown:
		need = w.m.Down
	}
	atOnce := p.Now() == MonitorUnknown && (p.Known == to || to == MonitorUp && p.Known == "")
	return atOnce || need.reached(p.Pending)
}

// reached reports whether a pending change is to be believed.
func (t Threshold) reached(p Pending) bool { return p.Count >= t.Count && p.For >= t.For }

// over is when a pending failure is believed if nothing contradicts it, unless
// another result is due before: where that does not come, nobody looks any more. Up
// is only ever said by a success.
func (m *Monitor) over(p PlaceState) (time.Time, bool) {
	if p.Pending.To != MonitorDown || p.Held || p.Pending.Count < m.Down.Count || p.At.Before(p.Watched) {
		return time.Time{}, false
	}
	left := m.Down.For - p.Pending.For
	return p.At.Add(left), left <= m.Every+m.Timeout
}

// blind is when a location that says nothing knows nothing any more.
func (m *Monitor) blind(location string, p PlaceState) (time.Time, bool) {
	if p.Now() == MonitorUnknown && p.Pending.To == "" {
		return time.Time{}, false
	}
	return latest(p.At, p.Watched).Add(m.Sight(location)), true
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// turn changes what a location says.
func (w *turning) turn(location string, p *PlaceState, to MonitorStatus, since time.Time) {
	from := p.Now()
	if from == to {
		return
	}
	if since.IsZero() {
		since = w.now
	}
	p.Status, p.Since = to, since
	e := MonitorEdge{Location: location, From: from, To: to, Since: since, At: w.now}
	if to == MonitorDown {
		e.Reason, e.Message = p.Reason, p.Message
	}
	if to != MonitorUnknown {
		p.Known = to
	}
	w.edges = append(w.edges, e)
}
