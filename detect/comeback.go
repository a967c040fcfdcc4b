package detect

import (
	"context"
	"maps"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

// lifeOf is which life of its name a node leads: each time that it joins it begins
// another one. Where it is not among the nodes it is always the same.
func lifeOf(nodes []store.NodeRow, self string) int64 {
	for _, n := range nodes {
		if n.ID == self {
			return n.StartedAt.UnixMilli()
		}
	}
	return 0
}

// sameLife reports whether this node leads the life in which its monitors stand as
// they do. A node that was frozen or cut off is taken for dead: others have gone on
// with its monitors, and what it decided meanwhile says more about itself than
// about its targets. When it has joined again it takes over what the store says,
// and only then this returns, false.
func (m *Monitors) sameLife(ctx context.Context) (bool, error) {
	if m.o.DB.Engine() == "sqlite" {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	var nodes []store.NodeRow
	err := m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		nodes, err = tx.Nodes(ctx)
		return err
	})
	if err != nil {
		return false, err
	}
	if lifeOf(nodes, m.o.DB.Node()) == m.life.Load() {
		return true, nil
	}
	return false, m.Follow(ctx)
}

// comeBack throws away what was decided in another life, and goes on from the
// store. m.follow is held.
func (m *Monitors) comeBack(ctx context.Context) error {
	all, voices := m.list(), m.places.all()
	var ids []oncall.MonitorID
	for _, w := range slices.Concat(all, voices) {
		ids = append(ids, w.id)
	}
	rows, err := m.saved(ctx, ids)
	if err != nil {
		return err
	}
	now := time.Now()
	m.places.anew(now)
	for _, w := range all {
		w.mu.Lock()
		w.reload(rows[w.id], now)
		w.mu.Unlock()
	}
	for _, v := range voices {
		v.mu.Lock()
		v.discard()
		v.recall(rows[v.id])
		v.mu.Unlock()
	}
	m.mu.RLock()
	leaving := slices.Collect(maps.Values(m.leaving))
	m.mu.RUnlock()
	for _, w := range leaving {
		w.mu.Lock()
		if w.handed { // the other node has its own idea of it
			w.discard()
		}
		w.mu.Unlock()
	}
	return nil
}

// discard forgets all that is not said and saved. w.mu is held.
func (w *watched) discard() {
	w.life++
	w.signals, w.unsure.down, w.unsure.sight = nil, false, false
	clear(w.dirty)
	clear(w.versions)
	clear(w.opened)
}

// recall takes over how a voice of a location was saved. v.mu is held, or nobody
// else knows v.
func (v *watched) recall(rows []store.MonitorState) {
	v.state = oncall.MonitorState{}
	for _, row := range rows {
		saved := wholeOf(row)
		v.versions[row.Location], v.state = row.Version, saved.MonitorState
		maps.Copy(v.opened, saved.Opened)
	}
}

// reload goes on from what the store says. What was counted until now stays so.
// w.mu is held.
func (w *watched) reload(rows []store.MonitorState, now time.Time) {
	w.of.courier.keep(w.times())
	was := w.state.Places
	w.discard()
	w.begin(rows, now)
	w.still(was, now)
}

// still leaves locations their say as it was before the watching began anew. w.mu
// is held.
func (w *watched) still(was map[string]oncall.PlaceState, now time.Time) {
	for location, p := range w.state.Places { // which nobody else has yet
		p.Muted, p.Held = was[location].Muted, was[location].Held
		w.state.Places[location] = p
	}
	w.arm(now)
}

const (
	// compareSoon is when it is looked for the late words of whoever watched a
	// monitor before, compareEvery how often besides.
	compareSoon  = 2 * time.Second
	compareEvery = time.Minute
)

// compare goes on from what another node has written of a monitor that this one
// watches: its last word may come after this one has begun, and an alert that it
// opened would stay open. m.follow is held.
func (m *Monitors) compare(ctx context.Context, now time.Time) error {
	if m.o.DB.Engine() == "sqlite" || now.Before(m.compareAt) {
		return nil
	}
	all := m.list()
	ids := make([]oncall.MonitorID, len(all))
	for i, w := range all {
		ids[i] = w.id
	}
	rows, err := m.saved(ctx, ids)
	if err != nil {
		return err
	}
	m.compareAt = now.Add(compareEvery)
	for _, w := range all {
		w.mu.Lock()
		newer := func(row store.MonitorState) bool { return row.Version > w.versions[row.Location] }
		if !w.halted && slices.ContainsFunc(rows[w.id], newer) && !m.courier.busy(w) { // what is under way finds it out itself
			w.reload(rows[w.id], now)
		}
		w.mu.Unlock()
	}
	return nil
}

// busy reports whether something of w is to be said and saved.
func (c *courier) busy(w *watched) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[w] != nil
}
