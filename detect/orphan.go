package detect

import (
	"context"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

const orphanPage = 500

// orphans ends what was left open by monitors that were paused or removed while
// toban, or the node that watched them, was not there to see it, or whose end was
// not said before it stopped.
func (m *Monitors) orphans(ctx context.Context, all []*oncall.Monitor, nodes []string, now time.Time) error {
	watched := map[oncall.MonitorID]*oncall.Monitor{}
	for _, each := range all {
		if each.Kind.Probes() {
			watched[each.ID] = each
		}
	}
	after := oncall.MonitorID("")
	for {
		var rows []store.MonitorState
		err := m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.MonitorStatesAfter(ctx, after, orphanPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			after = row.Monitor
			of := watched[row.Monitor]
			if node, ok := ofNode(row.Monitor); ok && node == m.o.DB.Node() {
				if m.version < 0 {
					m.places.adopt(row)
				}
				continue
			} else if ok && slices.Contains(nodes, node) {
				continue
			}
			if of != nil && !of.Paused || owner(row.Monitor, nodes) != m.o.DB.Node() || m.knows(row.Monitor) {
				continue
			}
			m.bury(row, of, now)
		}
		if len(rows) < orphanPage {
			return nil
		}
	}
}

// knows reports whether this node watches a monitor of that name, or ends it.
func (m *Monitors) knows(id oncall.MonitorID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.watched[id] != nil || m.leaving[id] != nil
}

// bury ends what a row says is open; of is the monitor where it is only paused,
// nil where there is none of that name.
func (m *Monitors) bury(row store.MonitorState, of *oncall.Monitor, now time.Time) {
	state := stateOf([]store.MonitorState{row})
	forget := of == nil
	if !forget && !state.Alerting && !state.Unsighted {
		return // it was paused, and nothing is open
	}
	if forget {
		of = &oncall.Monitor{ID: row.Monitor, Name: string(row.Monitor), Severity: oncall.Critical, Every: oncall.MaxEvery}
	}
	w := newWatched(m, of)
	w.stray = forget
	w.begin([]store.MonitorState{row}, now)
	m.mu.Lock()
	m.leaving[w.id] = w
	m.mu.Unlock()
	w.retire(forget, now)
}
