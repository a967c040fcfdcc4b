package detect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// asks are the monitors and references that are asked in one version of the
// configuration, paused ones and such that can't be asked at all left out.
type asks struct {
	by map[oncall.MonitorID]*oncall.Monitor
	at map[string][]*oncall.Monitor // by location; references come first
}

func newAsks(monitors []*oncall.Monitor, locations []*oncall.Location) *asks {
	a := &asks{by: map[oncall.MonitorID]*oncall.Monitor{}, at: map[string][]*oncall.Monitor{}}
	for _, l := range locations {
		for _, r := range l.References {
			if r.Validate() == nil {
				a.by[r.ID] = r
				a.at[l.Name] = append(a.at[l.Name], r)
			}
		}
	}
	for _, m := range monitors {
		if m.Paused || !m.Kind.Probes() || m.Validate() != nil {
			continue
		}
		a.by[m.ID] = m
		for _, place := range m.Places() {
			a.at[place] = append(a.at[place], m)
		}
	}
	return a
}

// asksFrom reports whether that is asked from a location.
func (a *asks) asksFrom(id oncall.MonitorID, location string) bool {
	m := a.by[id]
	if IsReference(id) {
		return m != nil && slices.Contains(a.at[location], m)
	}
	return m != nil && m.AsksFrom(location)
}

// Asked returns what is to be asked from a location, its references first,
// whichever node watches it. The list is the same one until the configuration
// changes, and is not to be written to.
func (m *Monitors) Asked(location string) []*oncall.Monitor { return m.asks.Load().at[location] }

// AsksFrom reports whether a monitor, or a reference, is asked from a location.
func (m *Monitors) AsksFrom(id oncall.MonitorID, location string) bool {
	return m.asks.Load().asksFrom(id, location)
}

// agents are who asks from other locations, as far as this node knows.
type agents struct {
	mu    sync.Mutex
	here  map[agentName]*agentSeen
	there map[agentName]store.Agent // told by other nodes
	since time.Time                 // of this node's start
}

type agentName struct{ location, id string }

type agentSeen struct {
	store.Agent
	name    string // its own; ID is that of its row
	saved   time.Time
	changed bool
}

const (
	// agentGone is how long an agent may not have been there until that is told of
	// its monitors; it asks for its list every few seconds.
	agentGone = 30 * time.Second
	// agentSaved is how often other nodes are told that an agent was there.
	agentSaved = 10 * time.Second
	// maxAgents bounds the agents of a location that are kept in mind.
	maxAgents = 20
	// agentOld is after which time an agent that is not the last of its location says
	// nothing any more.
	agentOld = time.Hour
	// maxAgentName bounds the names of monitors that an agent says something of.
	maxAgentName = 255
)

// Polled notes that an agent has asked this node for its list. What it says of
// anything that is not asked from its location is dropped. Where a location has too
// many agents, the one that was not there for the longest time gives its place, and
// its row of the store, to the new one: an agent is another with each start.
func (m *Monitors) Polled(a store.Agent) {
	now := m.asks.Load()
	problems := make(map[oncall.MonitorID]string, min(len(a.Problems), len(now.at[a.Location])))
	for id, why := range a.Problems {
		if len(id) <= maxAgentName && now.asksFrom(id, a.Location) {
			problems[id] = why
		}
	}
	a.Problems, a.PolledAt = problems, time.Now()
	m.agents.mu.Lock()
	defer m.agents.mu.Unlock()
	seen := m.agents.place(a)
	name := a.ID
	a.ID = seen.ID
	seen.changed = seen.changed || seen.name != name || seen.Version != a.Version || !maps.Equal(seen.Problems, a.Problems)
	seen.Agent, seen.name = a, name
}

// place is where an agent is kept in mind, a new place or the longest unused one
// where it has none. mu is held.
func (s *agents) place(a store.Agent) *agentSeen {
	n := 0
	var oldest *agentSeen
	for _, each := range s.here {
		if each.Location != a.Location {
			continue
		}
		if each.name == a.ID {
			return each
		}
		if n++; oldest == nil || each.PolledAt.Before(oldest.PolledAt) {
			oldest = each
		}
	}
	if n >= maxAgents {
		return oldest
	}
	maps.DeleteFunc(s.here, func(_ agentName, each *agentSeen) bool { return a.PolledAt.Sub(each.PolledAt) > store.KeepAgents })
	seen := &agentSeen{Agent: a, name: a.ID, changed: true}
	s.here[agentName{a.Location, a.ID}] = seen
	return seen
}

// Agents returns the agents that were there within a day, whichever node they
// asked, those of a location together, the last one first. Of those that were not
// there within an hour only the last one of its location is told.
func (m *Monitors) Agents() []store.Agent {
	now := time.Now()
	m.agents.mu.Lock()
	defer m.agents.mu.Unlock()
	all := maps.Clone(m.agents.there)
	if all == nil {
		all = map[agentName]store.Agent{}
	}
	for name, s := range m.agents.here {
		if s.PolledAt.After(all[name].PolledAt) {
			all[name] = s.Agent
		}
	}
	maps.DeleteFunc(all, func(_ agentName, a store.Agent) bool { return now.Sub(a.PolledAt) > store.KeepAgents })
	sorted := slices.SortedFunc(maps.Values(all), func(a, b store.Agent) int {
		if by := strings.Compare(a.Location, b.Location); by != 0 {
			return by
		}
		return b.PolledAt.Compare(a.PolledAt)
	})
	last := ""
	return slices.DeleteFunc(sorted, func(a store.Agent) bool {
		first := a.Location != last
		last = a.Location
		return !first && now.Sub(a.PolledAt) > agentOld
	})
}

// tell lets other nodes know of agents, and hears of theirs.
func (m *Monitors) tellAgents(ctx context.Context, now time.Time) error {
	var news []*agentSeen
	m.agents.mu.Lock()
	for _, s := range m.agents.here {
		if s.changed || now.Sub(s.saved) >= agentSaved && s.PolledAt.After(s.saved) {
			copied := *s
			news = append(news, &copied)
		}
	}
	m.agents.mu.Unlock()
	if len(news) > 0 {
		err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for _, s := range news {
				if err := tx.SaveAgent(ctx, s.Agent); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var list []store.Agent
	err := m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.Agents(ctx)
		return err
	})
	if err != nil {
		return err
	}
	m.agents.mu.Lock()
	defer m.agents.mu.Unlock()
	for _, s := range news {
		if at := m.agents.here[agentName{s.Location, s.ID}]; at != nil {
			at.saved = now
			at.changed = at.Version != s.Version || !maps.Equal(at.Problems, s.Problems)
		}
	}
	m.agents.there = make(map[agentName]store.Agent, len(list))
	for _, a := range list {
		m.agents.there[agentName{a.Location, a.ID}] = a
	}
	return nil
}

// elsewhere is why a monitor can't be asked from some of its locations: an agent
// says so, or there is none. A location from which results come has somebody who
// asks, whether or not it is an agent of toban's.
func (m *Monitors) elsewhere(of *oncall.Monitor, all []store.Agent, now time.Time) (text string, absent bool) {
	if of.Paused || !of.Kind.Probes() {
		return "", false
	}
	var says []string
	for _, place := range of.Places() {
		if place == oncall.Here {
			continue
		}
		var last store.Agent
		for _, a := range all {
			if a.Location != place {
				continue
			}
			if a.PolledAt.After(last.PolledAt) {
				last = a
			}
			if why := a.Problems[of.ID]; why != "" && now.Sub(a.PolledAt) < agentGone {
				says = append(says, place+": "+why)
				break
			}
		}
		switch {
		case now.Sub(last.PolledAt) < agentGone || now.Sub(m.agents.since) < agentGone || !m.places.quiet(place, now):
		case last.PolledAt.IsZero():
			absent = true
			says = append(says, "nobody asks from "+place+": no agent of that location was there since toban started")
		default:
			absent = true
			says = append(says, "nobody asks from "+place+": its agent ("+last.Version+") was last there at "+last.PolledAt.UTC().Format(time.RFC3339))
		}
	}
	return strings.Join(says, "; "), absent
}
