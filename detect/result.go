package detect

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// result judges a check. mine reports whether the location is one of the
// monitor's, seen whether the check has seen anything: where toban itself could not
// ask, the target is not known, and what there is to say of it is kept.
func (w *watched) result(location string, r *probe.Result) (mine, seen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted || !w.m.AsksFrom(location) {
		return false, false
	}
	now := time.Now()
	w.stood(now)
	at := r.Start.Add(r.Duration)
	if !r.Up && r.Reason.OwnTrouble() {
		w.trouble[location] = r.Message
		w.record(location, at, r)
		return true, false
	}
	delete(w.trouble, location)
	w.last[location] = last{at: at, took: r.Duration, up: r.Up, certificate: r.Certificate}
	before := w.state.Places[location]
	o := oncall.Observation{Location: location, Up: r.Up, At: at, Reason: string(r.Reason), Message: r.Message}
	state, edges := w.m.Observe(w.state, o, now)
	if after := state.Places[location]; after.At.Equal(before.At) { // it says nothing of now
		return true, true
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
	return true, true
}

// troubles is why toban can't ask at the moment, "" where it can.
func (w *watched) troubles() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why()
}

// why is troubles for whoever holds w.mu.
func (w *watched) why() string {
	var says []string
	for _, location := range slices.Sorted(maps.Keys(w.trouble)) {
		if says = append(says, w.trouble[location]); location != oncall.Here {
			says[len(says)-1] = location + ": " + w.trouble[location]
		}
	}
	return strings.Join(says, "; ")
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
		w.opened[oncall.AlertUnseen] = opened{w.of.route(w.m.Service, w.m.AlertLabels("")), w.m.AlertLabels("")}
		edges = append(edges, again)
	}
	return edges
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
