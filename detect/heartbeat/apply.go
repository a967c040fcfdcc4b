package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"toban/detect/follow"
	"toban/detect/heartbeat/calendar"
	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// Apply listens for the heartbeats among monitors from now on, and for no others.
// The alert of one that is not among them any more, or that is paused, ends. Of
// one whose calendar can't be read what was known before stays in force; the
// others are taken, and the error says which it is.
func (l *Listener) Apply(ctx context.Context, monitors []*oncall.Monitor) error {
	return l.apply(ctx, func(context.Context, *store.Tx) ([]*oncall.Monitor, error) { return monitors, nil })
}

// apply is Apply of what read returns when all heartbeats are held, so that of
// two nodes at the same time the one that knows less comes first.
func (l *Listener) apply(ctx context.Context, read follow.Read) error {
	l.applying.Lock()
	defer l.applying.Unlock()
	var c *change
	var entries map[oncall.MonitorID]*entry
	var problem error
	err := l.o.DB.Tx(ctx, func(tx *store.Tx) error {
		rows, err := tx.Heartbeats(ctx, true)
		if err != nil {
			return err
		}
		monitors, err := read(ctx, tx)
		if err != nil {
			return err
		}
		entries, problem = l.compile(monitors)
		c = l.change(tx.Now)
		known := make(map[oncall.MonitorID]*store.Heartbeat, len(rows))
		for _, row := range rows {
			known[row.Monitor] = row
		}
		for _, m := range monitors {
			if e := entries[m.ID]; e != nil {
				c.define(e, known[m.ID])
			}
			delete(known, m.ID)
		}
		for _, row := range known {
			c.drop(row)
		}
		return c.commit(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("heartbeats: %w", err)
	}
	l.mu.Lock()
	l.index(entries)
	if l.since.IsZero() {
		l.since = time.Now()
	}
	l.mu.Unlock()
	l.voice.Hint(c.owing...)
	return problem
}

// compile makes entries of the heartbeats among monitors.
func (l *Listener) compile(monitors []*oncall.Monitor) (map[oncall.MonitorID]*entry, error) {
	var problems []error
	entries := map[oncall.MonitorID]*entry{}
	for _, m := range monitors {
		if m.Kind != oncall.MonitorHeartbeat {
			continue
		}
		was := l.entry(m.ID)
		plan, err := planOf(m)
		if err != nil {
			problems = append(problems, err)
			if was != nil {
				entries[m.ID] = was
			}
			continue
		}
		e := &entry{monitor: m, plan: plan, pings: rate.NewLimiter(pingRate, pingBurst), failures: rate.NewLimiter(pingRate, pingBurst)}
		if was != nil {
			e.pings, e.failures = was.pings, was.failures
		}
		entries[m.ID] = e
	}
	return entries, errors.Join(problems...)
}

func planOf(m *oncall.Monitor) (oncall.HeartbeatPlan, error) {
	if err := m.Validate(); err != nil {
		return oncall.HeartbeatPlan{}, err
	}
	plan := oncall.HeartbeatPlan{Heartbeat: *m.Heartbeat, Paused: m.Paused}
	if m.Heartbeat.Cron == "" {
		return plan, nil
	}
	next, err := calendar.Next(m.Heartbeat.Cron, m.Heartbeat.Zone)
	if err != nil {
		return plan, &oncall.Error{Kind: oncall.Invalid, Code: "monitor.invalid", Message: fmt.Sprintf("monitor %q: %s", m.ID, err)}
	}
	plan.Next = next
	return plan, nil
}

// index makes entries what is listened for. The caller holds l.mu.
func (l *Listener) index(entries map[oncall.MonitorID]*entry) {
	l.byID, l.byUUID, l.bySlug = entries, make(map[string]*entry, len(entries)), map[string][]*entry{}
	for id, e := range entries {
		if uuid := l.addresses.UUID(id); uuid != "" {
			l.byUUID[uuid] = e
		}
		if slug := e.plan.Slug; slug != "" {
			l.bySlug[slug] = append(l.bySlug[slug], e)
		}
	}
	for _, kept := range []map[oncall.MonitorID]time.Time{l.spared, l.unheard} {
		maps.DeleteFunc(kept, func(id oncall.MonitorID, _ time.Time) bool { return entries[id] == nil })
	}
}

// change is what a transaction does to heartbeats that it holds.
type change struct {
	l      *Listener
	now    time.Time
	rows   []*store.Heartbeat
	gone   []oncall.MonitorID
	timers []store.Timer
	idle   []string
	owing  []oncall.MonitorID // of which something is to be said
}

func (l *Listener) change(now time.Time) *change { return &change{l: l, now: now} }

// define makes row, nil for a new one, that of e.
func (c *change) define(e *entry, row *store.Heartbeat) {
	if row == nil {
		row = &store.Heartbeat{Monitor: e.monitor.ID}
	}
	state, action := e.plan.Define(row.State, c.now)
	if action == "" && !row.Voice.Gone && reflect.DeepEqual(state, row.State) {
		return
	}
	row.State, row.Voice.Gone = state, false
	c.l.say(row, e, action, c.now)
	c.save(row, e)
}

// drop ends what is not configured any more.
func (c *change) drop(row *store.Heartbeat) {
	if row.Voice.Gone {
		return
	}
	plan := oncall.HeartbeatPlan{Heartbeat: row.State.Plan, Paused: true}
	var action oncall.Action
	row.State, action = plan.Define(row.State, c.now)
	row.Voice.Gone = true
	c.l.say(row, nil, action, c.now)
	c.save(row, nil)
}

// save writes row at the commit, with the timer that it needs: of its deadline,
// or sooner where something is owed that may get lost on the way. e is nil for
// what is not configured here: it is left as it is, for who knows it.
func (c *change) save(row *store.Heartbeat, e *entry) {
	owes := len(row.Voice.Owed) > 0
	if row.Voice.Gone && !owes {
		c.gone = append(c.gone, row.Monitor)
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
		c.owing = append(c.owing, row.Monitor)
		due = sooner(due, c.now.Add(voice.Again))
	}
	c.rows = append(c.rows, row)
	if due.IsZero() {
		c.idle = append(c.idle, string(row.Monitor))
		return
	}
	c.timer(row.Monitor, due)
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (c *change) timer(id oncall.MonitorID, due time.Time) {
	c.timers = append(c.timers, store.Timer{Kind: store.TimerHeartbeat, Ref: string(id), DueAt: due})
}

func (c *change) commit(ctx context.Context, tx *store.Tx) error {
	turned := slices.Clone(c.gone)
	for _, row := range c.rows {
		turned = append(turned, row.Monitor)
	}
	tx.MonitorsTurned(turned...)
	if err := tx.SaveHeartbeats(ctx, c.rows...); err != nil {
		return err
	}
	if err := tx.DeleteHeartbeats(ctx, c.gone...); err != nil {
		return err
	}
	if err := tx.DeleteTimers(ctx, store.TimerHeartbeat, c.idle...); err != nil {
		return err
	}
	return tx.PutTimers(ctx, c.timers...)
}
