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
	question string             // of m
	changed  time.Time          // since when that is asked; zero = since the watching began
	ledgers  map[string]*Ledger // by location, "" = as a whole
	last     map[string]last
	recorded map[string]recorded
	trouble  map[string]string // by location: why toban could not ask at last
	due      time.Time         // of timer

	// unsure says what may have been said before a crash without being saved. It is
	// said again with the first result: a repetition is no second alert.
	unsure struct{ down, sight bool }

	// What is not said and saved yet, see courier.
	signals  []oncall.Signal
	opened   map[oncall.MonitorAlert]opened
	dirty    map[string]bool  // rows by location
	versions map[string]int64 // of the rows as they were read or written
	life     int              // raised whenever all of this is thrown away
	handed   bool             // another node watches it
	forget   bool             // it is not configured any more: forget it when all is said
	stray    bool             // nothing is known of it but that something is open
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
		of: of, id: m.ID, m: m, question: Question(m), ledgers: map[string]*Ledger{}, last: map[string]last{}, recorded: map[string]recorded{},
		trouble: map[string]string{}, opened: map[oncall.MonitorAlert]opened{}, dirty: map[string]bool{}, versions: map[string]int64{},
	}
}

// begin takes over what the store knows, and expects results from now on. w.mu is
// held, or nobody else knows w.
func (w *watched) begin(rows []store.MonitorState, now time.Time) {
	state := oncall.MonitorState{Places: map[string]oncall.PlaceState{}}
	for _, row := range rows {
		w.versions[row.Location] = row.Version
		if row.Location == "" {
			saved := whole{MonitorState: state}
			if err := json.Unmarshal(row.State, &saved); err != nil {
				w.of.log.Error("a monitor's saved state can't be read, and it begins anew", "monitor", row.Monitor, "err", err)
				continue
			}
			state = saved.MonitorState
			maps.Copy(w.opened, saved.Opened)
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
	_, said := w.opened[oncall.AlertUnseen]
	w.unsure.sight = state.Unsighted && !said ||
		len(rows) > 0 && !state.Unsighted && state.Now() == oncall.MonitorUnknown && now.Sub(state.Since) >= oncall.SightGrace
	w.resume(state, now)
}

// resume expects results from now on. w.mu is held, or nobody else knows w.
func (w *watched) resume(state oncall.MonitorState, now time.Time) {
	w.state = w.m.Resume(state, now)
	if _, said := w.opened[oncall.AlertUnseen]; !said {
		w.state = w.m.Unsay(w.state, now)
	}
	w.ledgers = map[string]*Ledger{"": {Mark: now}}
	if places := w.m.Places(); len(places) > 1 {
		for _, p := range places {
			w.ledgers[p] = &Ledger{Mark: now}
		}
	}
	w.halted = false
	w.arm(now)
}

// turn takes over a new state with what it changes. w.mu is held.
func (w *watched) turn(state oncall.MonitorState, edges []oncall.MonitorEdge, now time.Time) {
	zone := w.of.calendar()
	for _, e := range edges {
		if l := w.ledgers[e.Location]; l != nil && e.From != e.To {
			l.Until(e.Since, e.From, zone)
		}
		w.dirty[e.Location] = true
		if e.Location == "" {
			if s, ok := w.say(e, now); ok {
				w.signals = append(w.signals, s)
			}
		}
	}
	w.state = state
	w.moveAlerts(now)
	w.arm(now)
	if len(w.dirty) > 0 || len(w.signals) > 0 {
		w.of.courier.take(w)
	}
}

// say makes a signal of an edge. That nothing is seen of a location at all is
// said once, of the location. w.mu is held.
func (w *watched) say(e oncall.MonitorEdge, now time.Time) (oncall.Signal, bool) {
	if e.Alert == oncall.AlertUnseen && w.of.places.silent(w.m, now) {
		return oncall.Signal{}, false
	}
	if _, said := w.opened[oncall.AlertUnseen]; e.Alert == oncall.AlertSeen && !said {
		return oncall.Signal{}, false
	}
	words := w.of.words()
	s, ok := signalOf(words, w.m, e, now)
	if ok {
		w.address(&s, opens(e))
	}
	if why := w.why(); ok && why != "" && e.Alert == oncall.AlertUnseen {
		s.Annotations["summary"] = words.Say("said.why", "said", s.Annotations["summary"], "why", why)
	}
	return s, ok
}

// unsay makes it due again to say that the monitor can't be seen, where that was
// said of its location, which is heard again.
func (w *watched) unsay(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, said := w.opened[oncall.AlertUnseen]; w.halted || said || !w.state.Unsighted {
		return
	}
	w.dirty[""] = true
	w.turn(w.m.Unsay(w.state, now), nil, now)
}

// arm sets the timer for what time alone decides. w.mu is held.
func (w *watched) arm(now time.Time) {
	next := w.m.Next(w.state)
	if w.halted || next.IsZero() {
		if w.due = (time.Time{}); w.timer != nil {
			w.timer.Stop()
		}
		return
	}
	wait := max(next.Sub(now), 0)
	w.due = now.Add(wait)
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.expire)
		return
	}
	w.timer.Reset(wait)
}

// standstill is how late a timer is only when toban itself did not run.
const standstill = 5 * time.Second

// stood goes on where toban itself did not run: what has passed meanwhile counts for
// nothing, as while it is down, since nobody asked. It reports whether that is so.
// Results may come before the timer gets its turn. w.mu is held.
func (w *watched) stood(now time.Time) bool {
	if w.due.IsZero() || now.Sub(w.due) <= standstill {
		return false
	}
	w.settle(w.due)
	w.of.courier.keep(w.times())
	was := w.state.Places
	w.resume(w.state, now)
	w.still(was, now)
	return true
}

// expire lets time decide.
func (w *watched) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted {
		return
	}
	now := time.Now()
	if w.stood(now) {
		return
	}
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
	w.decide(func(now time.Time) (oncall.MonitorState, []oncall.MonitorEdge) {
		return w.m.Mute(w.state, location, muted, now)
	})
}

// hold keeps a location for the moment from making anything down, or lets it again.
func (w *watched) hold(location string, held bool) {
	w.decide(func(now time.Time) (oncall.MonitorState, []oncall.MonitorEdge) {
		return w.m.Hold(w.state, location, held, now)
	})
}

// decide takes over what something else than a result changes.
func (w *watched) decide(change func(now time.Time) (oncall.MonitorState, []oncall.MonitorEdge)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted {
		return
	}
	now := time.Now()
	w.stood(now)
	state, edges := change(now)
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
		w.of.courier.keep(w.times())
		w.ask(m, now)
		w.resume(w.state, now)
	}
	w.ask(m, now)
	w.swap(checker)
	if !was.SameQuestion(m) || was.Every != m.Every { // what was asked before has no say in what is a repetition
		clear(w.last)
	}
	if !was.SameQuestion(m) || !slices.Equal(was.Places(), m.Places()) {
		clear(w.trouble)
	}
	if was.SameQuestion(m) {
		w.turn(w.state, nil, now)
		return
	}
	state, edges := m.Forget(w.state, now)
	w.turn(state, edges, now)
}

// ask notes what is asked from now on. w.mu is held.
func (w *watched) ask(m *oncall.Monitor, now time.Time) {
	if !w.m.SameQuestion(m) {
		w.question, w.changed = Question(m), now
	}
	w.m = m
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
	w.of.courier.keep(w.times())
	w.of.courier.take(w)
}

// release ends the watching because another node goes on with it.
func (w *watched) release(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(now)
	w.halt()
	w.handed = true
	w.of.courier.keep(w.times())
	w.of.courier.take(w)
}

// revive goes on with what was ended a moment ago.
func (w *watched) revive(m *oncall.Monitor, checker probe.Checker, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ask(m, now)
	w.handed, w.forget, w.stray = false, false, false
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

// rows are the rows that have to be saved. w.mu is held.
func (w *watched) rows() (rows []store.MonitorState) {
	for _, location := range slices.Sorted(maps.Keys(w.dirty)) {
		row := store.MonitorState{Monitor: w.id, Location: location, Version: w.versions[location]}
		var value any
		if location == "" {
			row.Status, row.Since, value = w.state.Now(), w.state.Since, whole{w.state, w.opened}
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
