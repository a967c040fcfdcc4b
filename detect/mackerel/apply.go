package mackerel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"toban/detect/follow"
	"toban/detect/saying"
	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// Apply judges by the monitors of the kind metric among monitors from now on, and
// by no others. The alerts of one that is not among them any more, or that is
// paused, end. Of one that can't be judged by the error says which it is; the
// others are taken.
func (m *Metrics) Apply(ctx context.Context, monitors []*oncall.Monitor) error {
	return m.apply(ctx, func(context.Context, *store.Tx) ([]*oncall.Monitor, error) { return monitors, nil })
}

// apply is Apply of what read returns when all states are held, so that of two
// nodes at the same time the one that knows less comes first.
func (m *Metrics) apply(ctx context.Context, read follow.Read) error {
	m.applying.Lock()
	defer m.applying.Unlock()
	var c *change
	var entries map[oncall.MonitorID]*entry
	var problem error
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		rows, err := tx.MetricStates(ctx, true)
		if err != nil {
			return err
		}
		monitors, err := read(ctx, tx)
		if err != nil {
			return err
		}
		entries, problem = m.compile(monitors)
		c = m.change(tx.Now)
		return c.defineAll(ctx, tx, entries, rows)
	})
	if err != nil {
		return fmt.Errorf("service metrics: %w", err)
	}
	services := map[string][]*entry{}
	for _, e := range entries {
		if !e.plan.Paused {
			services[e.plan.Service] = append(services[e.plan.Service], e)
		}
	}
	m.mu.Lock()
	m.byID, m.services = entries, services
	if m.since.IsZero() {
		m.since = time.Now()
	}
	m.mu.Unlock()
	m.voice.Hint(c.owing...)
	return problem
}

// compile makes entries of the metric monitors among monitors.
func (m *Metrics) compile(monitors []*oncall.Monitor) (map[oncall.MonitorID]*entry, error) {
	var problems []error
	entries := map[oncall.MonitorID]*entry{}
	for _, each := range monitors {
		if each.Kind != oncall.MonitorMetric {
			continue
		}
		if err := each.Validate(); err != nil {
			problems = append(problems, err)
			if was := m.entry(each.ID); was != nil {
				entries[each.ID] = was
			}
			continue
		}
		entries[each.ID] = &entry{monitor: each, plan: each.MetricPlan()}
	}
	return entries, errors.Join(problems...)
}

// change is what a transaction does to states that it holds.
type change struct {
	m      *Metrics
	now    time.Time
	words  saying.Words
	rows   []*store.MetricState
	gone   []string
	timers []store.Timer
	idle   []string
	owing  []string // of which something is to be said
	// turned are monitors of which a metric has another level.
	turned map[oncall.MonitorID]bool
}

func (m *Metrics) change(now time.Time) *change {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &change{m: m, now: now, words: m.words, turned: map[oncall.MonitorID]bool{}}
}

// defineAll makes rows, which are all there are, those of entries.
func (c *change) defineAll(ctx context.Context, tx *store.Tx, entries map[oncall.MonitorID]*entry, rows []*store.MetricState) error {
	var known []*store.ServiceMetric
	var err error
	if len(entries) > 0 {
		if known, err = tx.AllMetrics(ctx); err != nil {
			return err
		}
	}
	held := make(map[string]*store.MetricState, len(rows))
	for _, row := range rows {
		held[row.ID()] = row
	}
	points := map[string][]oncall.Point{} // of each that is wanted
	owner := map[string]*entry{}
	var made []*store.MetricState
	var refs []string
	want := func(e *entry, name string, of []oncall.Point) {
		ref := store.MetricStateID(e.monitor.ID, name)
		if of != nil || owner[ref] == nil {
			points[ref], owner[ref] = of, e
		}
	}
	for _, e := range entries {
		if !e.plan.IsPattern() {
			want(e, e.plan.Name, nil)
		}
		for _, each := range known {
			if e.plan.Covers(each.Service, each.Name) {
				want(e, each.Name, each.Points)
			}
		}
	}
	for _, row := range rows { // what is bad stays so, also where its points are long gone
		if e := entries[row.Monitor]; e != nil && e.plan.IsPattern() && row.State.Level.Bad() && e.plan.Covers(e.plan.Service, row.Name) {
			want(e, row.Name, points[row.ID()])
		}
	}
	for ref, e := range owner {
		if held[ref] == nil {
			_, name := store.SplitMetricStateID(ref)
			made = append(made, &store.MetricState{Monitor: e.monitor.ID, Name: name})
			refs = append(refs, ref)
		}
	}
	if err := tx.MakeMetricStates(ctx, made...); err != nil {
		return err
	}
	more, err := tx.LockMetricStates(ctx, refs)
	if err != nil {
		return err
	}
	maps.Copy(held, more)
	for ref, row := range held {
		if e := owner[ref]; e != nil {
			c.define(e, row, points[ref])
		} else {
			c.drop(row)
		}
	}
	return c.commit(ctx, tx)
}

// define makes row that of e.
func (c *change) define(e *entry, row *store.MetricState, points []oncall.Point) {
	state, action := e.plan.Define(row.State, points, c.now)
	if action == "" && !row.Voice.Gone && reflect.DeepEqual(state, row.State) {
		return
	}
	row.State, row.Voice.Gone = state, false
	c.turned[row.Monitor] = true
	c.say(row, e, action)
	c.save(row, e)
}

// drop ends what is not configured any more.
func (c *change) drop(row *store.MetricState) {
	if row.Voice.Gone {
		return
	}
	plan := row.State.Plan
	plan.Paused = true
	var action oncall.Action
	row.State, action = plan.Define(row.State, nil, c.now)
	row.Voice.Gone = true
	c.turned[row.Monitor] = true
	c.say(row, nil, action)
	c.save(row, nil)
}

// save writes row at the commit, with the timer that it needs: of its deadline,
// or sooner where something is owed that may get lost on the way. e is nil for
// what is not configured here: it is left as it is, for who knows it.
func (c *change) save(row *store.MetricState, e *entry) {
	owes := len(row.Voice.Owed) > 0
	ref := row.ID()
	if row.Voice.Gone && !owes {
		c.gone = append(c.gone, ref)
		return
	}
	var due time.Time
	switch {
	case row.Voice.Gone:
		row.NextAt = time.Time{}
	case e == nil:
		due = c.now.Add(strangeAgain)
	default:
		row.NextAt = e.plan.Deadline(row.State)
		due = row.NextAt
	}
	if owes {
		c.owing = append(c.owing, ref)
		due = sooner(due, c.now.Add(voice.Again))
	}
	c.rows = append(c.rows, row)
	if due.IsZero() {
		c.idle = append(c.idle, ref)
		return
	}
	c.timer(ref, due)
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (c *change) timer(ref string, due time.Time) {
	c.timers = append(c.timers, store.Timer{Kind: store.TimerMetric, Ref: ref, DueAt: due})
}

func (c *change) commit(ctx context.Context, tx *store.Tx) error {
	tx.MonitorsTurned(slices.Sorted(maps.Keys(c.turned))...)
	if err := tx.SaveMetricStates(ctx, c.rows...); err != nil {
		return err
	}
	if err := tx.DeleteMetricStates(ctx, c.gone...); err != nil {
		return err
	}
	if err := tx.DeleteTimers(ctx, store.TimerMetric, c.idle...); err != nil {
		return err
	}
	return tx.PutTimers(ctx, c.timers...)
}
