package oncall

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Sight is how long a result holds: two intervals and a time-out after it a
// monitor without another one is unknown.
func (m *Monitor) Sight() time.Duration { return 2*m.Every + m.Timeout }

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
	if o.At.Before(p.At) || o.At.Before(p.Watched) || now.Sub(o.At) > m.Sight() {
		return s, nil
	}
	var before []MonitorEdge
	if end, ok := m.blind(p); ok && !p.Muted && o.At.After(end) { // nobody asked meanwhile
		s, before = m.Expire(s, end)
		p = s.Places[o.Location]
	}
	w := m.begin(s, now)
	if w.edges = before; p.Muted {
		p.At = o.At
	} else {
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
	w.byTime = true
	for _, location := range m.Places() {
		p, known := s.Places[location]
		if !known || p.Muted {
			continue
		}
		over, failing := m.over(p)
		end, ends := m.blind(p)
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
		if at, ok := m.blind(p); ok {
			earlier(at)
		}
	}
	if at, ok := m.unseen(s); ok {
		earlier(at)
	}
	return next
}

// Resume says that results can be expected from now on, after a start or when
// another node has handed the monitor over. Statuses, alerts and pending changes
// stay as they were saved; the time since then counts for none of them. The
// locations are those of the configuration as it is now.
func (m *Monitor) Resume(s MonitorState, now time.Time) MonitorState {
	s.Watched = now
	if s.Since.IsZero() {
		s.Since = now
	}
	places := make(map[string]PlaceState, len(m.Places()))
	for _, location := range m.Places() {
		p := s.Places[location]
		p.Watched, p.Muted = now, false
		if p.Since.IsZero() {
			p.Since = now
		}
		places[location] = p
	}
	s.Places = places
	return s
}

// Mute takes a location's say away, or gives it back. What it said before is
// not believed afterwards: it has to be asked again.
func (m *Monitor) Mute(s MonitorState, location string, muted bool, now time.Time) (MonitorState, []MonitorEdge) {
	p, known := s.Places[location]
	if !known || p.Muted == muted {
		return s, nil
	}
	w := m.begin(s, now)
	if p.Muted, p.Pending = muted, (Pending{}); muted {
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
		w.set(location, PlaceState{Since: p.Since, Watched: now, Muted: p.Muted})
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

// turning is one change of a state in the making.
type turning struct {
	m      *Monitor
	state  MonitorState
	now    time.Time
	edges  []MonitorEdge
	copied bool
	byTime bool // nothing was observed
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
	to, need := MonitorUp, w.m.Up
	if !o.Up {
		to, need = MonitorDown, w.m.Down
		p.Reason, p.Message = o.Reason, o.Message
	}
	seen := o.At.Sub(p.At)
	if p.At.IsZero() || p.At.Before(p.Watched) || seen > w.m.Sight() {
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
	atOnce := p.Now() == MonitorUnknown && (p.Known == to || to == MonitorUp && p.Known == "")
	if atOnce || need.reached(p.Pending) {
		w.turn(o.Location, p, to, p.Pending.Since)
		p.Pending = Pending{}
	}
}

// reached reports whether a pending change is to be believed.
func (t Threshold) reached(p Pending) bool { return p.Count >= t.Count && p.For >= t.For }

// over is when a pending failure is believed if nothing contradicts it. Up is
// only ever said by a success.
func (m *Monitor) over(p PlaceState) (time.Time, bool) {
	if p.Pending.To != MonitorDown || p.Pending.Count < m.Down.Count || p.At.Before(p.Watched) {
		return time.Time{}, false
	}
	return p.At.Add(m.Down.For - p.Pending.For), true
}

// blind is when a location that says nothing knows nothing any more.
func (m *Monitor) blind(p PlaceState) (time.Time, bool) {
	if p.Now() == MonitorUnknown && p.Pending.To == "" {
		return time.Time{}, false
	}
	return latest(p.At, p.Watched).Add(m.Sight()), true
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

// judge draws the conclusion from what the locations say.
func (w *turning) judge() {
	s := &w.state
	from, to := s.Now(), w.m.verdict(s.Places)
	if w.byTime && to == MonitorUp && from != MonitorUp {
		to = MonitorUnknown // those that said down have fallen silent: the next success decides
	}
	if to == MonitorDown {
		s.Reason, s.Message = w.m.why(s.Places)
	}
	if from != to {
		e := MonitorEdge{From: from, To: to, Since: w.now, At: w.now}
		if last := len(w.edges) - 1; last >= 0 && w.edges[last].To == to {
			e.Since = w.edges[last].Since
		}
		if to == MonitorDown {
			e.Reason, e.Message = s.Reason, s.Message
		}
		switch {
		case to == MonitorDown && !s.Alerting:
			s.Alerting, e.Alert = true, AlertDown
		case to == MonitorUp && s.Alerting:
			s.Alerting, e.Alert = false, AlertUp
		}
		s.Status, s.Since = to, e.Since
		w.edges = append(w.edges, e)
	}
	if to != MonitorUnknown && s.Unsighted {
		s.Unsighted = false
		w.edges = append(w.edges, MonitorEdge{From: to, To: to, Since: w.now, At: w.now, Alert: AlertSeen})
	}
}

// look says that the monitor can't be seen, once its grace is over.
func (w *turning) look() {
	if at, ok := w.m.unseen(w.state); ok && !w.now.Before(at) {
		w.state.Unsighted = true
		w.edges = append(w.edges, MonitorEdge{From: MonitorUnknown, To: MonitorUnknown, Since: w.state.Since, At: w.now, Alert: AlertUnseen})
	}
}

// unseen is when somebody has to be told that the monitor can't be seen. Where
// every location is muted, that is said of the locations.
func (m *Monitor) unseen(s MonitorState) (time.Time, bool) {
	if s.Now() != MonitorUnknown || s.Unsighted || s.Watched.IsZero() {
		return time.Time{}, false
	}
	heard := false
	for _, p := range s.Places {
		heard = heard || !p.Muted
	}
	return latest(s.Since, s.Watched).Add(m.Sight() + SightGrace), heard
}

// why collects the reason of being down: that of the location that has said so
// for longest.
func (m *Monitor) why(places map[string]PlaceState) (reason, message string) {
	var first *PlaceState
	var at []string
	for _, location := range m.Places() {
		p, known := places[location]
		if !known || p.Muted || p.Now() != MonitorDown {
			continue
		}
		at = append(at, location)
		if first == nil || p.Since.Before(first.Since) {
			first = &p
		}
	}
	if first == nil {
		return "", ""
	}
	if message = first.Message; len(m.Locations) > 1 {
		message += " (" + strings.Join(at, ", ") + ")"
	}
	return first.Reason, message
}
