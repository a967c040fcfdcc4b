package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"toban/internal/child"
	"toban/internal/remotewrite"
)

const (
	// watchEvery is how often it is looked whether rules are evaluated.
	watchEvery = 10 * time.Second
	// slowStart is how long a start may take before somebody is told: a large log is
	// replayed within a minute or two. stuckEnd is the same for an end.
	slowStart = 5 * time.Minute
	stuckEnd  = time.Minute
)

// watch tells of what nobody else notices, until ctx ends: a child that never gets
// ready, and rules that are not evaluated though it is.
func (m *metrics) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.watchChild(now)
			m.watchRules(ctx, now)
		}
	}
}

// watchChild looks at a child that says nothing by itself.
func (m *metrics) watchChild(now time.Time) {
	seat := m.now.Load()
	if seat == nil || seat.child == nil {
		return
	}
	switch s := seat.child.State(); {
	case s.Phase == child.Starting && now.Sub(s.Since) > slowStart:
		detail := "it has been starting since " + s.Since.UTC().Format(time.RFC3339)
		if s.Said != "" {
			detail += ": " + s.Said
		}
		m.alarm.down(detail)
	case s.Phase == child.Waiting && now.Sub(s.Since) > stuckEnd && s.Err != nil:
		m.alarm.down(s.Err.Error())
	}
}

// watchRules looks whether each monitor that is a rule is evaluated. While the
// child is away, that is what is told.
func (m *metrics) watchRules(ctx context.Context, now time.Time) {
	m.mu.Lock()
	wanted := m.wanted
	m.mu.Unlock()
	why := wanted.unevaluated()
	by, known := m.evaluations(ctx)
	if why == "" && !known {
		seat := m.now.Load()
		if seat == nil || seat.child == nil || seat.child.State().Phase != child.Ready {
			return
		}
		why = "the metrics process does not say how its rules are evaluated"
	}
	all := m.blind.look(by, why, now)
	if len(all) == 0 {
		m.alarmBlind.up()
		return
	}
	detail, worst := describe(all)
	m.blindWorst.Store(&worst)
	m.alarmBlind.down(detail)
}

// unevaluated says why no rule is ever evaluated, "" when they are.
func (p metricsPlan) unevaluated() string {
	switch {
	case p.never:
		return "metrics.enabled is false"
	case p.settings != nil:
		return p.settings.Unevaluated()
	}
	return ""
}

// alive asks the child whether it does anything, each time by a connection of its
// own: one that was made before it stood still says nothing.
func alive(to remotewrite.Target, base string) func(context.Context) error {
	transport := toTarget(to)
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/-/healthy", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return errors.Join(fmt.Errorf("it answers %d", res.StatusCode), res.Body.Close())
		}
		return res.Body.Close()
	}
}
