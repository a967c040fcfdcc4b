package detect

import "toban/oncall"

// Count is how many monitors this node watches, by what their targets are taken
// for. It asks no store.
func (m *Monitors) Count() map[oncall.MonitorStatus]int {
	m.mu.RLock()
	here := make([]*watched, 0, len(m.watched))
	for _, w := range m.watched {
		here = append(here, w)
	}
	m.mu.RUnlock()
	found := map[oncall.MonitorStatus]int{oncall.MonitorUp: 0, oncall.MonitorDown: 0, oncall.MonitorUnknown: 0}
	for _, w := range here {
		w.mu.Lock()
		found[w.state.Now()]++
		w.mu.Unlock()
	}
	return found
}
