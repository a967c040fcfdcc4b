package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// Status is how a monitor stands.
type Status struct {
	Monitor *oncall.Monitor
	State   oncall.MonitorState
	// Last is the last result of each location, known on the node that watches the
	// monitor, as far as it has come since its start.
	Last map[string]Last
	// Here says that this node watches it.
	Here bool
	// Problem is why it can't be asked, "" when it can.
	Problem string
	// ProblemCode is the code of that in docs/errors.md: of what it keeps from being
	// asked here, else of an agent that is not there.
	ProblemCode string
}

// errAbsent is why nobody asks from a location.
var errAbsent = &oncall.Error{Kind: oncall.NotFound, Code: "agent.not_found", Message: "no agent of the location is there"}

// Last is the last result from a location.
type Last struct {
	At          time.Time
	Took        time.Duration
	Up          bool
	Certificate *probe.Certificate // nil without TLS
}

// Status returns all monitors of the configuration in its order, whichever node
// watches them; what another one watches is as it was last saved. Those that ask
// nobody have a state only where somebody else keeps one: heartbeats and rules.
func (m *Monitors) Status(ctx context.Context) ([]Status, error) {
	m.mu.RLock()
	all := m.all
	m.mu.RUnlock()
	list := make([]Status, len(all))
	var others []oncall.MonitorID
	agents := m.Agents()
	for i, each := range all {
		list[i] = Status{Monitor: each}
		if w := m.get(each.ID); w != nil {
			list[i] = w.status()
		} else if each.Kind.Probes() {
			others = append(others, each.ID)
		}
		list[i].Problem, list[i].ProblemCode = m.problem(each, agents)
	}
	if len(others) == 0 {
		return list, nil
	}
	rows, err := m.saved(ctx, others)
	if err != nil {
		return nil, fmt.Errorf("status of monitors: %w", err)
	}
	for i := range list {
		if saved := rows[list[i].Monitor.ID]; saved != nil && !list[i].Here {
			list[i].State = stateOf(saved)
		}
	}
	return list, nil
}

// problem is why a monitor can't be asked from here, or from elsewhere.
func (m *Monitors) problem(of *oncall.Monitor, agents []store.Agent) (text, code string) {
	m.mu.RLock()
	here := m.problems[of.ID]
	w := m.watched[of.ID]
	m.mu.RUnlock()
	if here == "" && w != nil {
		here = w.troubles()
	}
	elsewhere, absent := m.elsewhere(of, agents, time.Now())
	code = "monitor.invalid"
	switch {
	case here != "" && elsewhere != "":
		return here + "; " + elsewhere, code
	case here == "" && elsewhere == "":
		return "", ""
	case here == "" && absent:
		code = errAbsent.Code
	}
	return here + elsewhere, code
}

// stateOf is a state as it was saved.
func wholeOf(row store.MonitorState) (saved whole) {
	if json.Unmarshal(row.State, &saved) != nil {
		saved.MonitorState = oncall.MonitorState{Status: row.Status, Since: row.Since}
	}
	return saved
}

func stateOf(rows []store.MonitorState) (s oncall.MonitorState) {
	places := map[string]oncall.PlaceState{}
	for _, row := range rows {
		if row.Location == "" {
			s = wholeOf(row).MonitorState
			continue
		}
		var p oncall.PlaceState
		if json.Unmarshal(row.State, &p) != nil {
			p = oncall.PlaceState{Status: row.Status, Since: row.Since}
		}
		places[row.Location] = p
	}
	s.Places = places
	return s
}

func (w *watched) status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Monitor: w.m, State: w.state, Last: make(map[string]Last, len(w.last)), Here: true}
	for location, l := range w.last {
		s.Last[location] = Last{At: l.at, Took: l.took, Up: l.up, Certificate: l.certificate}
	}
	return s
}

// Monitor returns how one monitor stands.
func (m *Monitors) Monitor(ctx context.Context, id oncall.MonitorID) (Status, error) {
	m.mu.RLock()
	all := m.all
	m.mu.RUnlock()
	for _, each := range all {
		if each.ID != id {
			continue
		}
		if w := m.get(id); w != nil {
			s := w.status()
			s.Problem, s.ProblemCode = m.problem(each, m.Agents())
			return s, nil
		}
		s := Status{Monitor: each}
		s.Problem, s.ProblemCode = m.problem(each, m.Agents())
		if !each.Kind.Probes() {
			return s, nil
		}
		rows, err := m.saved(ctx, []oncall.MonitorID{id})
		if err == nil && rows[id] != nil {
			s.State = stateOf(rows[id])
		}
		return s, err
	}
	return Status{}, unknown(id)
}

func unknown(id oncall.MonitorID) error {
	return &oncall.Error{Kind: oncall.NotFound, Code: "monitor.not_found", Message: "there is no monitor named " + string(id)}
}

// Check asks a monitor's target now, from here, and says all that came back. It
// is a look for somebody who waits for it: the monitor's state is decided by its
// own checks. It ends with the monitor's time-out.
func (m *Monitors) Check(ctx context.Context, id oncall.MonitorID) (*probe.Result, error) {
	s, err := m.Monitor(ctx, id)
	if err != nil {
		return nil, err
	}
	if !s.Monitor.Kind.Probes() {
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "monitor.asks_nobody", Message: "a monitor of the kind " + string(s.Monitor.Kind) + " asks nobody itself"}
	}
	return m.Try(ctx, s.Monitor)
}

// Try is Check for a monitor that probes and need not be configured: somebody may
// want to see first what it would see.
func (m *Monitors) Try(ctx context.Context, of *oncall.Monitor) (*probe.Result, error) {
	select {
	case m.checks <- struct{}{}:
		defer func() { <-m.checks }()
	default:
		return nil, &oncall.Error{Kind: oncall.Limited, Code: "monitor.busy", Message: "several checks by hand are under way; try again in a moment"}
	}
	checker, err := m.compile(of)
	if err != nil {
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "monitor.invalid", Message: "monitor " + string(of.ID) + ": " + err.Error()}
	}
	if c, ok := checker.(probe.Closer); ok {
		defer c.Close()
	}
	within, cancel := context.WithTimeout(probe.WithEvidence(ctx), of.Timeout)
	defer cancel()
	return checker.Check(within, of.Target), nil
}
