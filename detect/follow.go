package detect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"toban/detect/probe"
	"toban/detect/prober"
	"toban/oncall"
	"toban/store"
)

// Follow takes over the configuration as it is in the store, and the nodes that
// live. Run does so twice a second; whoever has changed something may ask for it
// at once. An unchanged monitor keeps its time and its state.
func (m *Monitors) Follow(ctx context.Context) error {
	m.follow.Lock()
	defer m.follow.Unlock()
	var dir *oncall.Directory
	var monitors []*oncall.Monitor
	var locations []*oncall.Location
	var nodes, dead []string
	var life int64
	changed := false
	err := m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		if nodes, dead, life, err = m.living(ctx, tx); err != nil {
			return err
		}
		if changed = dir.Version != m.version || !slices.Equal(nodes, m.nodes) || life != m.life.Load(); !changed {
			return nil
		}
		monitors, locations, err = tx.Monitors(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("monitors: %w", err)
	}
	if m.version >= 0 && life != m.life.Load() {
		if err := m.comeBack(ctx); err != nil {
			return fmt.Errorf("monitors: %w", err)
		}
	}
	if changed {
		if err := m.take(ctx, dir, monitors, locations, nodes); err != nil {
			return err
		}
		m.version, m.nodes = dir.Version, nodes
		m.life.Store(life)
	}
	if err := m.compare(ctx, time.Now()); err != nil {
		return fmt.Errorf("monitors: %w", err)
	}
	for _, node := range nodes {
		delete(m.buried, node) // it may die again
	}
	for _, node := range dead {
		if m.buried[node] {
			continue
		}
		rows, err := m.saved(ctx, m.places.buried(node))
		if err != nil {
			return fmt.Errorf("what node %s has left open: %w", node, err)
		}
		m.buried[node] = true
		for _, left := range rows {
			for _, row := range left {
				m.bury(row, nil, time.Now())
			}
		}
	}
	return nil
}

// living are the nodes among which monitors are shared, and those that have
// died, and which life this one leads. On SQLite there is this one.
func (m *Monitors) living(ctx context.Context, tx *store.Tx) (nodes, dead []string, life int64, err error) {
	self := m.o.DB.Node()
	if m.o.DB.Engine() == "sqlite" {
		return []string{self}, nil, 0, nil
	}
	rows, err := tx.Nodes(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, n := range rows {
		if n.LeaseUntil.After(time.UnixMilli(0)) { // an ended life says so; clocks may differ
			nodes = append(nodes, n.ID)
		} else if n.ID != self {
			dead = append(dead, n.ID)
		}
	}
	if !slices.Contains(nodes, self) {
		nodes = append(nodes, self)
		slices.Sort(nodes)
	}
	return nodes, dead, lifeOf(rows, self), nil
}

// owner is the node that watches a monitor: of all nodes the one whose name and
// the monitor's together give the highest number. When a node comes or goes, only
// its own monitors move.
func owner(id oncall.MonitorID, nodes []string) (best string) {
	var most uint64
	for _, node := range nodes {
		if n := prober.Spread(node + "\x00" + string(id)); best == "" || n > most {
			best, most = node, n
		}
	}
	return best
}

// take makes the monitors those that are watched.
func (m *Monitors) take(ctx context.Context, dir *oncall.Directory, all []*oncall.Monitor, locations []*oncall.Location, nodes []string) error {
	if zone, err := oncall.LoadZone(dir.Settings.Zone); err == nil {
		m.zone.Store(zone)
	}
	now := time.Now()
	mine, configured := map[oncall.MonitorID]*oncall.Monitor{}, map[oncall.MonitorID]bool{}
	for _, each := range all {
		if !each.Kind.Probes() {
			continue
		}
		if err := each.Validate(); err != nil {
			m.log.ErrorContext(ctx, "a monitor is not watched", "monitor", each.ID, "err", err)
			continue
		}
		if configured[each.ID] = true; !each.Paused && owner(each.ID, nodes) == m.o.DB.Node() {
			mine[each.ID] = each
		}
	}
	var fresh []oncall.MonitorID
	begins := false
	m.mu.RLock()
	for id := range mine {
		begins = begins || m.watched[id] == nil
		if m.watched[id] == nil && m.leaving[id] == nil {
			fresh = append(fresh, id)
		}
	}
	m.mu.RUnlock()
	rows, err := m.saved(ctx, fresh)
	if err != nil {
		return err
	}
	m.directory.Store(dir)
	if err := m.orphans(ctx, all, nodes, now); err != nil {
		return err
	}
	m.places.set(locations, slices.Collect(maps.Values(mine)), now)
	m.end(mine, configured, all, now)
	problems := map[oncall.MonitorID]string{}
	for _, id := range slices.Sorted(maps.Keys(mine)) {
		if err := m.watch(ctx, mine[id], rows, problems, now); err != nil {
			return err
		}
	}
	m.mu.Lock()
	m.all, m.problems = all, problems
	m.mu.Unlock()
	if soon := now.Add(compareSoon); m.compareAt.IsZero() || begins && soon.Before(m.compareAt) {
		m.compareAt = soon
	}
	asks := newAsks(all, locations)
	m.heardRefs.keep(asks)
	m.asks.Store(asks)
	m.lives.Store(&nodes)
	m.prober.Set(append(m.targets(), m.references(ctx, locations)...))
	return nil
}

// saved are the states of monitors that this node has not watched before.
func (m *Monitors) saved(ctx context.Context, fresh []oncall.MonitorID) (map[oncall.MonitorID][]store.MonitorState, error) {
	by := make(map[oncall.MonitorID][]store.MonitorState, len(fresh))
	if len(fresh) == 0 {
		return by, nil
	}
	err := m.o.DB.Read(ctx, func(tx *store.Tx) error {
		for _, id := range fresh {
			by[id] = nil // it was looked for
		}
		rows, err := tx.MonitorStates(ctx, fresh)
		for _, row := range rows {
			by[row.Monitor] = append(by[row.Monitor], row)
		}
		return err
	})
	return by, err
}

// end stops watching what is gone, paused or another node's.
func (m *Monitors) end(mine map[oncall.MonitorID]*oncall.Monitor, configured map[oncall.MonitorID]bool, all []*oncall.Monitor, now time.Time) {
	paused := map[oncall.MonitorID]bool{}
	for _, each := range all {
		paused[each.ID] = each.Paused
	}
	for _, w := range m.list() {
		if mine[w.id] != nil {
			continue
		}
		m.mu.Lock()
		delete(m.watched, w.id)
		m.leaving[w.id] = w
		m.mu.Unlock()
		switch {
		case !configured[w.id]:
			w.retire(true, now)
		case paused[w.id]:
			w.retire(false, now)
		default:
			w.release(now)
		}
	}
}

// watch begins to watch a monitor, or goes on with it as it is written now.
func (m *Monitors) watch(ctx context.Context, of *oncall.Monitor, rows map[oncall.MonitorID][]store.MonitorState, problems map[oncall.MonitorID]string, now time.Time) error {
	m.mu.Lock()
	w, back := m.watched[of.ID], m.leaving[of.ID]
	m.mu.Unlock()
	if w != nil {
		w.mu.Lock()
		was, checker := w.m, w.checker
		w.mu.Unlock()
		same := was.Module == of.Module && was.Private == of.Private && slices.Equal(was.Secrets, of.Secrets) && was.AsksFrom(oncall.Here) == of.AsksFrom(oncall.Here)
		if !same || checker == nil {
			checker = m.checkerOf(ctx, of, problems)
		}
		w.change(of, checker, now)
		m.hush(w)
		return nil
	}
	if w = back; w != nil {
		w.revive(of, m.checkerOf(ctx, of, problems), now)
	} else {
		saved, looked := rows[of.ID]
		if !looked { // it has left since
			found, err := m.saved(ctx, []oncall.MonitorID{of.ID})
			if err != nil {
				return err
			}
			saved = found[of.ID]
		}
		w = newWatched(m, of)
		w.checker = m.checkerOf(ctx, of, problems)
		w.begin(saved, now)
		if w.first(now) {
			m.begun.Store(true)
		}
	}
	m.mu.Lock()
	delete(m.leaving, of.ID)
	m.watched[of.ID] = w
	m.mu.Unlock()
	m.hush(w)
	return nil
}

// hush gives a say to the locations that have one at the moment, and to no others.
func (m *Monitors) hush(w *watched) {
	for _, name := range w.places() {
		muted, held := m.places.muted(name)
		w.mute(name, muted)
		w.hold(name, held)
	}
}

func (w *watched) places() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.m.Places()
}

// checkerOf makes a checker, or says why there is none: such a monitor becomes
// unknown, and that is told.
func (m *Monitors) checkerOf(ctx context.Context, of *oncall.Monitor, problems map[oncall.MonitorID]string) probe.Checker {
	if !of.AsksFrom(oncall.Here) {
		return nil
	}
	c, err := m.compile(of)
	if err != nil {
		problems[of.ID] = err.Error()
		m.log.ErrorContext(ctx, "a monitor can't be asked", "monitor", of.ID, "err", err)
		return nil
	}
	return c
}

// targets are what the prober of this node asks.
func (m *Monitors) targets() (all []prober.Target) {
	for _, w := range m.list() {
		w.mu.Lock()
		if w.checker != nil && !w.halted {
			all = append(all, prober.Target{ID: string(w.id), Address: w.m.Target, Every: w.m.Every, Timeout: w.m.Timeout, Checker: w.checker})
		}
		w.mu.Unlock()
	}
	return all
}

// references are those of this installation's own location: each node has to
// know what it can reach itself.
func (m *Monitors) references(ctx context.Context, locations []*oncall.Location) (all []prober.Target) {
	for _, c := range m.asked {
		if closer, ok := c.(probe.Closer); ok {
			closer.Close()
		}
	}
	m.asked = nil
	for _, l := range locations {
		if l.Name != oncall.Here {
			continue
		}
		for _, r := range l.References {
			err := r.Validate()
			var c probe.Checker
			if err == nil {
				c, err = m.compile(r)
			}
			if err != nil {
				m.log.ErrorContext(ctx, "a reference can't be asked", "location", l.Name, "err", err)
				continue
			}
			m.asked = append(m.asked, c)
			all = append(all, prober.Target{ID: string(r.ID), Address: r.Target, Every: r.Every, Timeout: r.Timeout, Checker: c})
		}
	}
	return all
}
