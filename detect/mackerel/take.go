package mackerel

import (
	"context"
	"maps"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// maxMetrics is of how many metrics points are kept.
	maxMetrics = 10_000
	// keepIdle is how long a metric is kept that has no new point: longer than any
	// monitor waits for one.
	keepIdle = 8 * 24 * time.Hour
	// sweepAtOnce is how many that are idle go when a new one comes.
	sweepAtOnce = 500
	// takeWithin bounds one commit.
	takeWithin = 20 * time.Second
)

// take commits points of a service together with what follows from them. It is
// not cut short by who has sent them: what was posted counts.
func (m *Metrics) take(ctx context.Context, service string, points []store.NamedPoint) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeWithin)
	defer cancel()
	entries, ready := m.about(service)
	if !ready {
		return errEarly
	}
	added := map[string][]oncall.Point{}
	for _, p := range points {
		added[p.Name] = append(added[p.Name], p.Point)
	}
	var c *change
	var last map[string]time.Time // the newest point of each, before
	full := false
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		c = m.change(tx.Now)
		var err error
		if full, err = m.queue(ctx, tx, service, points); err != nil {
			return err
		}
		rows, err := m.metrics(ctx, tx, service, slices.Sorted(maps.Keys(added)))
		if err != nil {
			return err
		}
		last = make(map[string]time.Time, len(rows))
		for name, row := range rows {
			last[name] = row.Newest()
			row.Points = oncall.AddPoints(row.Points, added[name]...)
		}
		if err := c.judge(ctx, tx, entries, rows); err != nil {
			return err
		}
		if err := tx.SaveMetrics(ctx, slices.Collect(maps.Values(rows))...); err != nil {
			return err
		}
		return c.commit(ctx, tx)
	})
	if err != nil {
		return err
	}
	if full {
		m.drop(ctx, service, len(points), "too many wait already")
	}
	m.voice.Hint(c.owing...)
	m.samples.append(service, points, last)
	return nil
}

// metrics returns the rows of metrics, held; those that are new are made.
func (m *Metrics) metrics(ctx context.Context, tx *store.Tx, service string, names []string) (map[string]*store.ServiceMetric, error) {
	rows, err := tx.LockMetrics(ctx, service, names)
	if err != nil || len(rows) == len(names) {
		return rows, err
	}
	if _, err := tx.SweepMetrics(ctx, tx.Now.Add(-keepIdle), sweepAtOnce); err != nil {
		return nil, err
	}
	known, err := tx.CountMetrics(ctx, tx.Now.Add(-keepIdle))
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return rows[name] != nil })
	if known+len(missing) > maxMetrics {
		return nil, errMetrics
	}
	if err := tx.MakeMetrics(ctx, service, missing); err != nil {
		return nil, err
	}
	return tx.LockMetrics(ctx, service, names)
}

// judge judges what rows mean for monitors.
func (c *change) judge(ctx context.Context, tx *store.Tx, entries []*entry, rows map[string]*store.ServiceMetric) error {
	type judgement struct {
		e   *entry
		row *store.ServiceMetric
	}
	wanted := map[string]judgement{}
	for _, e := range entries {
		for name, row := range rows {
			if e.plan.Covers(row.Service, name) {
				wanted[store.MetricStateID(e.monitor.ID, name)] = judgement{e, row}
			}
		}
	}
	refs := slices.Sorted(maps.Keys(wanted))
	states, err := tx.LockMetricStates(ctx, refs)
	if err != nil {
		return err
	}
	if len(states) < len(refs) {
		var made []*store.MetricState
		for _, ref := range refs {
			if states[ref] == nil {
				made = append(made, newState(wanted[ref].e, wanted[ref].row.Name, c.now))
			}
		}
		if err := tx.MakeMetricStates(ctx, made...); err != nil {
			return err
		}
		if states, err = tx.LockMetricStates(ctx, refs); err != nil {
			return err
		}
	}
	for _, ref := range refs {
		s, j := states[ref], wanted[ref]
		if s == nil || s.Voice.Gone {
			continue // it has just ceased to be configured
		}
		var action oncall.Action
		before := s.State.Level
		s.State, action = j.e.plan.Take(s.State, j.row.Points, c.now)
		if s.State.Level != before {
			c.turned[s.Monitor] = true
		}
		c.say(s, j.e, action)
		c.save(s, j.e)
	}
	return nil
}

// newState is that of a metric of which nothing is known yet.
func newState(e *entry, name string, now time.Time) *store.MetricState {
	s := &store.MetricState{Monitor: e.monitor.ID, Name: name}
	s.State, _ = e.plan.Define(oncall.MetricState{}, nil, now)
	return s
}
