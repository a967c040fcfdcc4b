package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"toban/detect/probe"
	"toban/internal/wait"
	"toban/oncall"
	"toban/store"
)

// Heard is what a check at another location has found.
type Heard struct {
	Monitor oncall.MonitorID `json:"monitor"`
	Up      bool             `json:"up"`
	At      time.Time        `json:"at"`               // when it ended
	Report  string           `json:"report,omitempty"` // of EncodeReport; "" = nothing but that is known
}

// Hear takes what came from a location. What it is not asked for is passed over,
// and so is what was heard before. On several nodes it is handed to the one that
// watches the monitor; each has its own sight of a location's references. After an
// error everything has to be said again: that does no harm.
func (m *Monitors) Hear(ctx context.Context, location string, all []Heard) error {
	asks, nodes, self, now := m.asks.Load(), m.lives.Load(), m.o.DB.Node(), time.Now()
	var mine []Heard
	others := map[string][]Heard{}
	for _, h := range all {
		if !asks.asksFrom(h.Monitor, location) {
			continue
		}
		if h.At.After(now) {
			h.At = now // a clock that is ahead
		}
		if IsReference(h.Monitor) {
			mine = append(mine, h)
			for _, node := range *nodes {
				if node != self {
					others[node] = append(others[node], h)
				}
			}
			continue
		}
		if node := owner(h.Monitor, *nodes); node != self {
			others[node] = append(others[node], h)
			continue
		}
		mine = append(mine, h)
	}
	m.hear(location, mine) // which waits for no store
	return m.handOver(ctx, location, others)
}

// handed is how many results are in one row.
const handed = 200

func (m *Monitors) handOver(ctx context.Context, location string, to map[string][]Heard) error {
	var rows []store.AgentResults
	for node, all := range to {
		for len(all) > 0 {
			n := min(len(all), handed)
			body, err := json.Marshal(all[:n])
			if err != nil {
				return fmt.Errorf("results of the location %s: %w", location, err)
			}
			rows = append(rows, store.AgentResults{Node: node, Location: location, Body: body})
			all = all[n:]
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SendAgentResults(ctx, rows) })
}

// hear judges results of monitors that this node watches, and of references: these
// come first, since they say how far the others are to be believed.
func (m *Monitors) hear(location string, all []Heard) {
	now := time.Now()
	type answer struct {
		of *watched
		r  *probe.Result
	}
	answers := make([]answer, 0, len(all))
	outdated, judged := false, false
	for _, h := range all {
		r, question, err := decodeReport(h.Report, h.Up, h.At)
		if err != nil { // whoever took it has looked at it
			m.log.Warn("a result of an agent can't be read", "monitor", h.Monitor, "location", location, "err", err)
			continue
		}
		if IsReference(h.Monitor) {
			if m.places.asked(h.Monitor, location, question, r.Start, now) && !m.heardRefs.repeated(h.Monitor, r.Start, now) {
				outdated = m.places.reference(h.Monitor, location, r) || outdated
				judged = true
			}
			continue
		}
		if w := m.get(h.Monitor); w != nil && w.asked(question, r.Start, now) {
			answers = append(answers, answer{w, r})
		}
	}
	if outdated {
		m.places.doubt(location)
	}
	if judged {
		m.places.say(location)
	}
	for _, a := range answers {
		if !a.of.repeated(location, a.r.Start, now) {
			m.Result(a.of.id, location, a.r)
		}
	}
}

const (
	// setBack is how far ahead of the clock a time from outside may be; beyond that
	// the clock was set back, and the time says nothing.
	setBack = 5 * time.Second
	// listTime is how long those who do not say what they have asked may ask what they
	// were told before.
	listTime = 3 * time.Second
)

// ahead reports whether a time was noted before the clock was set back.
func ahead(noted, now time.Time) bool { return noted.Round(0).Sub(now.Round(0)) > setBack }

// answers reports whether an answer of that question, of a check that began then, is
// one of what has been asked since.
func answers(question, asked string, since, start, now time.Time) bool {
	if question != "" {
		return question == asked
	}
	return since.IsZero() || ahead(since, now) || !start.Before(since.Add(listTime))
}

// asked reports whether that is an answer of what is asked now.
func (w *watched) asked(question string, start, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return answers(question, w.question, w.changed, start, now)
}

// repeated reports whether that check is one that was heard of before: whoever
// gets no answer says the same again, and checks are never close to each other.
func (w *watched) repeated(location string, start, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, known := w.last[location]
	if known && ahead(l.at, now) {
		delete(w.last, location)
		return false
	}
	return known && start.Sub(l.at.Add(-l.took)) < w.m.Every/4
}

// starts are when checks of references began.
type starts struct {
	mu sync.Mutex
	at map[oncall.MonitorID]time.Time
}

// repeated notes a check of a reference and reports whether it, or a later one,
// was noted before.
func (s *starts) repeated(id oncall.MonitorID, start, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, known := s.at[id]; known && !ahead(last, now) && start.Sub(last) < oncall.MinEvery/4 {
		return true
	}
	s.at[id] = start
	return false
}

// keep forgets references that are gone.
func (s *starts) keep(asks *asks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.at {
		if asks.by[id] == nil {
			delete(s.at, id)
		}
	}
}

const (
	// relayEvery is how often it is looked for what other nodes have heard.
	relayEvery = 200 * time.Millisecond
	// relayAlone is the same where no other node is known.
	relayAlone = 2 * time.Second
	relayRows  = 100
	agentsTold = 2 * time.Second
	relaySweep = 10 * time.Second
	relayTime  = 10 * time.Second // bounds one look
)

// relay takes what other nodes have heard for this one, until ctx ends. A store of
// one node has nothing of it.
func (m *Monitors) relay(ctx context.Context) {
	if m.o.DB.Engine() == "sqlite" {
		return
	}
	var told, swept time.Time
	failed := false
	for pause := relayEvery; wait.For(ctx, pause); {
		if pause = relayEvery; len(*m.lives.Load()) < 2 {
			pause = relayAlone
		}
		if m.o.Fenced() {
			continue
		}
		now := time.Now()
		err := m.takeOver(ctx)
		if now.Sub(told) >= agentsTold {
			told = now
			err = errors.Join(err, m.tellAgents(ctx, now))
		}
		if now.Sub(swept) >= relaySweep {
			swept = now
			err = errors.Join(err, m.sweepResults(ctx))
		}
		if err != nil && !failed && ctx.Err() == nil {
			m.log.WarnContext(ctx, "what agents have told other nodes is not known at the moment", "err", err)
		}
		failed = err != nil
	}
}

// takeOver judges what other nodes have left for this one.
func (m *Monitors) takeOver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	for {
		var rows []store.AgentResults
		err := m.o.DB.Tx(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.TakeAgentResults(ctx, relayRows)
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			var all []Heard
			if err := json.Unmarshal(row.Body, &all); err != nil {
				m.log.ErrorContext(ctx, "results of an agent can't be read", "location", row.Location, "err", err)
				continue
			}
			asks := m.asks.Load()
			known := all[:0]
			for _, h := range all {
				if asks.asksFrom(h.Monitor, row.Location) {
					known = append(known, h)
				}
			}
			m.hear(row.Location, known)
		}
		if len(rows) < relayRows {
			return nil
		}
	}
}

func (m *Monitors) sweepResults(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	return m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.SweepAgentResults(ctx, sweepBatch)
		return err
	})
}
