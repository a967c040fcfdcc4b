package detect

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// watched is one monitor that this node watches. Its lock is never held while
// anything is waited for.
type watched struct {
	of *Monitors
	id oncall.MonitorID

	mu       sync.Mutex
	m        *oncall.Monitor
	checker  probe.Checker // nil: it is asked from elsewhere only, or can't be asked
	state    oncall.MonitorState
	timer    *time.Timer // for what time alone decides
	halted   bool
	ledgers  map[string]*ledger // by location, "" = as a whole
	last     map[string]last
	recorded map[string]recorded

	// unsure says what may have been said before a crash without being saved. It is
	// said again with the first result: a repetition is no second alert.
	unsure struct{ down, sight bool }

	// What is not said and saved yet, see courier.
	signals  []oncall.Signal
	dirty    map[string]bool  // rows by location
	versions map[string]int64 // of the rows as they were read or written
	handed   bool             // another node watches it
	forget   bool             // it is not configured any more: forget it when all is said
}

// last is the last result from a location.
type last struct {
	at          time.Time
	took        time.Duration
	up          bool
	certificate *probe.Certificate
}

// recorded is the last failure that was kept for its evidence.
type recorded struct {
	at     time.Time
	reason probe.Reason
}

func newWatched(of *Monitors, m *oncall.Monitor) *watched {
	return &watched{
		of: of, id: m.ID, m: m, ledgers: map[string]*ledger{}, last: map[string]last{}, recorded: map[string]recorded{},
		dirty: map[string]bool{}, versions: map[string]int64{},
	}
}

// begin takes over what the store knows, and expects results from now on.
func (w *watched) begin(rows []store.MonitorState, now time.Time) {
	state := oncall.MonitorState{Places: map[string]oncall.PlaceState{}}
	for _, row := range rows {
		w.versions[row.Location] = row.Version
		if row.Location == "" {
			if err := json.Unmarshal(row.State, &state); err != nil {
				w.of.log.Error("a monitor's saved state can't be read, and it begins anew", "monitor", row.Monitor, "err", err)
			}
			continue
		}
		var p oncall.PlaceState
		if err := json.Unmarshal(row.State, &p); err != nil {
			w.of.log.Error("a monitor's saved state can't be read, and it begins anew", "monitor", row.Monitor, "location", row.Location, "err", err)
			continue
		}
		state.Places[row.Location] = p
		w.unsure.down = w.unsure.down || p.Pending.To == oncall.MonitorDown
	}
	w.unsure.down = w.unsure.down || state.Alerting || w.m.Down == (oncall.Threshold{}) || w.m.Down == oncall.Threshold{Count: 1}
	w.unsure.sight = len(rows) > 0 && !state.Unsighted && state.Now() == oncall.MonitorUnknown && now.Sub(state.Since) >= oncall.SightGrace
	w.resume(state, now)
}

// resume expects results from now on. w.mu is held, or nobody else knows w.
func (w *watched) resume(state oncall.MonitorState, now time.Time) {
	w.state = w.m.Resume(state, now)
	w.ledgers = map[string]*ledger{"": {mark: now}}
	if places := w.m.Places(); len(places) > 1 {
		for _, p := range places {
			w.ledgers[p] = &ledger{mark: now}
		}
	}
	w.halted = false
	w.arm(now)
}

// result judges a check; it reports whether the location is one of the monitor's.
func (w *watched) result(location string, r *probe.Result) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted || !w.m.AsksFrom(location) {
		return false
	}
	now := time.Now()
	at := r.Start.Add(r.Duration)
	w.last[location] = last{at: at, took: r.Duration, up: r.Up, certificate: r.Certificate}
	before := w.state.Places[location]
	o := oncall.Observation{Location: location, Up: r.Up, At: at, Reason: string(r.Reason), Message: r.Message}
	state, edges := w.m.Observe(w.state, o, now)
	if after := state.Places[location]; after.At.Equal(before.At) { // it says nothing of now
		return true
	} else if after.Pending != before.Pending {
		w.dirty[location] = true
	}
	for _, key := range []string{"", location} {
		if l := w.ledgers[key]; l != nil {
			l.check(at, r.Up, w.of.calendar())
		}
	}
	w.record(location, at, r)
	w.turn(state, w.sure(state, edges, o, now), now)
	if sink := w.of.o.Sink; sink != nil {
		sink.Append(w.m, location, at, r)
	}
	return true
}

// sure adds to edges what may have been said and not saved before toban stopped,
// or the other way round.
func (w *watched) sure(state oncall.MonitorState, edges []oncall.MonitorEdge, o oncall.Observation, now time.Time) []oncall.MonitorEdge {
	for _, e := range edges {
		switch e.Alert {
		case oncall.AlertDown, oncall.AlertUp:
			w.unsure.down = false
		case oncall.AlertSeen, oncall.AlertUnseen:
			w.unsure.sight = false
		}
	}
	status := state.Now()
	if status == oncall.MonitorUnknown {
		return edges
	}
	again := oncall.MonitorEdge{From: status, To: status, Since: state.Since, At: now, Reason: state.Reason, Message: state.Message}
	switch {
	case !w.unsure.down:
	case status == oncall.MonitorUp && o.Up && !state.Alerting:
		w.unsure.down, again.Alert = false, oncall.AlertUp
		edges = append(edges, again)
	case status == oncall.MonitorDown && !o.Up && state.Alerting:
		w.unsure.down, again.Alert = false, oncall.AlertDown
		edges = append(edges, again)
	}
	if w.unsure.sight {
		w.unsure.sight, again.Alert = false, oncall.AlertSeen
		edges = append(edges, again)
	}
	return edges
}

// turn takes over a new state with what it changes. w.mu is held.
func (w *watched) turn(state oncall.MonitorState, edges []oncall.MonitorEdge, now time.Time) {
	zone := w.of.calendar()
	for _, e := range edges {
		if l := w.ledgers[e.Location]; l != nil && e.From != e.To {
			l.until(e.Since, e.From, zone)
		}
		w.dirty[e.Location] = true
		if e.Location == "" {
			if s, ok := w.say(e, now); ok {
				w.signals = append(w.signals, s)
			}
		}
	}
	w.state = state
	w.arm(now)
	if len(w.dirty) > 0 || len(w.signals) > 0 {
		w.of.courier.take(w)
	}
}

// say makes a signal of an edge. That nothing is seen of a location at all is
// said once, of the location.
func (w *watched) say(e oncall.MonitorEdge, now time.Time) (oncall.Signal, bool) {
	if e.Alert == oncall.AlertUnseen && w.of.places.silent(w.m, now) {
		return oncall.Signal{}, false
	}
	return signalOf(w.m, e, now)
}

// arm sets the timer for what time alone decides. w.mu is held.
func (w *watched) arm(now time.Time) {
	next := w.m.Next(w.state)
	if w.halted || next.IsZero() {
		if w.timer != nil {
			w.timer.Stop()
		}
		return
	}
	wait := max(next.Sub(now), 0)
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.expire)
		return
	}
	w.timer.Reset(wait)
}

// expire lets time decide.
func (w *watched) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted {
		return
	}
	now := time.Now()
	state, edges := w.m.Expire(w.state, now)
	for location, p := range state.Places {
		if p.Pending != w.state.Places[location].Pending {
			w.dirty[location] = true
		}
	}
	w.turn(state, edges, now)
}

// mute takes a location's say away, or gives it back.
func (w *watched) mute(location string, muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted {
		return
	}
	now := time.Now()
	state, edges := w.m.Mute(w.state, location, muted, now)
	w.turn(state, edges, now)
}

// change puts another definition in the place of the one before; what is known
// stays where the question is the same.
func (w *watched) change(m *oncall.Monitor, checker probe.Checker, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.m
	if !slices.Equal(was.Places(), m.Places()) {
		w.settle(now)
		w.of.courier.keep(w.days())
		w.m = m
		w.resume(w.state, now)
	}
	w.m = m
	w.swap(checker)
	if was.SameQuestion(m) {
		w.arm(now)
		return
	}
	state, edges := m.Forget(w.state, now)
	w.turn(state, edges, now)
}

// swap puts another checker in the place of the one before. w.mu is held.
func (w *watched) swap(checker probe.Checker) {
	if c, ok := w.checker.(probe.Closer); ok && w.checker != checker {
		c.Close()
	}
	w.checker = checker
}

// retire ends the watching for good; what is open ends with it. forget says that
// the monitor is not only paused.
func (w *watched) retire(forget bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(now)
	state, edges := w.m.Retire(w.state, now)
	w.turn(state, edges, now)
	w.halt()
	w.forget = forget
	w.of.courier.keep(w.days())
	w.of.courier.take(w)
}

// release ends the watching because another node goes on with it.
func (w *watched) release(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(now)
	w.halt()
	w.handed = true
	w.of.courier.keep(w.days())
	w.of.courier.take(w)
}

// revive goes on with what was ended a moment ago.
func (w *watched) revive(m *oncall.Monitor, checker probe.Checker, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.m, w.handed, w.forget = m, false, false
	w.swap(checker)
	w.resume(w.state, now)
}

// halt ends what waits inside. w.mu is held.
func (w *watched) halt() {
	w.halted = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.swap(nil)
}

// recordEvery is how often a failure is kept that is like the one before.
const recordEvery = time.Minute

// record keeps a failure with what came back: the first, each with another
// reason, and one a minute. w.mu is held.
func (w *watched) record(location string, at time.Time, r *probe.Result) {
	if r.Up {
		delete(w.recorded, location)
		return
	}
	was, known := w.recorded[location]
	if known && was.reason == r.Reason && at.Sub(was.at) < recordEvery {
		return
	}
	w.recorded[location] = recorded{at, r.Reason}
	evidence, err := json.Marshal(r.Evidence)
	if err != nil || r.Evidence == nil {
		evidence = []byte("{}")
	}
	w.of.failed(store.MonitorFailure{
		Monitor: w.id, Location: location, At: at, Reason: string(r.Reason), Message: r.Message, Evidence: evidence,
	})
}

// rows are the rows that have to be saved. w.mu is held.
func (w *watched) rows() (rows []store.MonitorState) {
	for _, location := range slices.Sorted(maps.Keys(w.dirty)) {
		row := store.MonitorState{Monitor: w.id, Location: location, Version: w.versions[location]}
		var value any
		if location == "" {
			row.Status, row.Since, value = w.state.Now(), w.state.Since, w.state
		} else {
			p, known := w.state.Places[location]
			if !known {
				continue
			}
			row.Status, row.Since, value = p.Now(), p.Since, p
		}
		body, err := json.Marshal(value)
		if err != nil { // a value of times and texts
			w.of.log.Error("a monitor's state can't be saved", "monitor", w.id, "err", err)
			continue
		}
		row.State = body
		rows = append(rows, row)
	}
	return rows
}
