package web

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/web/live"
	"toban/web/view"
)

// tick is when a page of monitors is drawn again although nothing has turned: the
// last checks are new.
func tick(_ context.Context, behind time.Time) time.Time { return behind.Add(monitorTick) }

// concernsMonitors reports whether a change may be seen on a page of monitors.
func concernsMonitors(c store.Change) bool {
	return c.Topic == store.TopicMonitors || c.Topic == store.TopicDirectory || c.Topic == store.TopicIncidents
}

// monitorView is the stream of the list or of one monitor.
func (a *Web) monitorView(v *live.View, s *request, q url.Values) error {
	if a.Monitors == nil {
		return errNoPage
	}
	if q.Get("view") == "monitor" {
		a.oneMonitorView(v, s, oncall.MonitorID(limited(q.Get("ref"))), limited(q.Get("latency")))
		return nil
	}
	f := readMonitorFilter(q).MonitorFilter
	shown := &shownMonitors{}
	v.Key, v.Topics, v.Next = s.viewKey("monitors", f.Path()), concernsMonitors, tick
	v.Render = func(ctx context.Context, changes []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		p := s.shell("", "")
		page, err := a.readMonitors(ctx, s, p, f)
		if err != nil {
			return nil, err
		}
		parts := s.countParts()
		if page.All == 0 { // its page is another
			return patches(ctx, parts...)
		}
		turned := slices.ContainsFunc(changes, func(c store.Change) bool { return c.Topic != store.TopicDirectory })
		if shown.others(page, s.now) || turned {
			return patches(ctx, append(parts, view.MonitorSegments(p, page), view.MonitorList(p, page))...)
		}
		for _, g := range page.Groups {
			for _, row := range g.Rows {
				parts = append(parts, view.MonitorNow(p, row))
			}
		}
		return patches(ctx, parts...)
	}
	return nil
}

// shownMonitors is which rows a stream has drawn last: while they are the same,
// only what moves in them is sent. It is forgotten after a while, for who came
// later with other rows.
type shownMonitors struct {
	mu   sync.Mutex
	rows string
	at   time.Time
}

// wholeEvery is how often the whole list is sent at least: its bars grow, too.
const wholeEvery = time.Minute

// others notes what a page has, and reports whether all of it is to be sent.
func (m *shownMonitors) others(page view.Monitors, now time.Time) bool {
	var b strings.Builder
	for _, tab := range page.Segments {
		b.WriteString(tab.Label + "\x00" + string(rune(tab.Count)))
	}
	for _, g := range page.Groups {
		for _, row := range g.Rows {
			b.WriteString(string(row.ID) + "\x00" + string(row.State) + "\x00" + row.Name + "\x00" + row.Asked + "\x00" + row.Problem + "\n")
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := b.String()
	if rows == m.rows && now.Sub(m.at) < wholeEvery {
		return false
	}
	m.rows, m.at = rows, now
	return true
}

// oneMonitorView is the stream of one monitor.
// span is what of its response time the reader looks at.
func (a *Web) oneMonitorView(v *live.View, s *request, id oncall.MonitorID, span string) {
	v.Key, v.Next = s.viewKey("monitor", string(id), span), tick
	v.Topics = func(c store.Change) bool {
		return concernsMonitors(c) && (c.Topic != store.TopicMonitors || c.Ref == "" || c.Ref == string(id))
	}
	shown := &shownMonitor{}
	drawn := &drawnLatency{at: s.now}
	v.Render = func(ctx context.Context, _ []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		p := s.shell("", "")
		page, err := a.readMonitor(ctx, s, p, id)
		if isMissing(err) { // it was deleted: the page stays as it was
			return patches(ctx, s.countParts()...)
		}
		if err != nil {
			return nil, err
		}
		parts := append(s.countParts(), view.MonitorHead(p, page))
		if page.Probes {
			parts = append(parts, view.MonitorPlaces(p, page))
		}
		if page.Row.Kind == oncall.MonitorMetric {
			parts = append(parts, view.MonitorMetrics(p, page))
		}
		if shown.others(page, s.now) { // what is long and seldom new
			if page.Probes {
				parts = append(parts, view.MonitorFailures(p, page))
			}
			if page.Beat != nil {
				parts = append(parts, view.MonitorBeats(p, page))
			}
		}
		if drawn.due(s.now) {
			took, err := a.latency(ctx, p, page.Of, page.Row.Watched, span)
			if err == nil && took != nil { // else the one before stays
				drawn.note(s.now, took.Measured(), took.Lasts(s.now))
				parts = append(parts, view.LatencyChart(p, *took))
			}
		}
		return patches(ctx, parts...)
	}
}

// drawnLatency is when a stream has drawn a response time last, and for how long
// that is good; while there is nothing to see, it is looked for at each tick.
type drawnLatency struct {
	mu       sync.Mutex
	at       time.Time
	measured bool
	lasts    time.Duration
}

func (d *drawnLatency) due(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := monitorTick
	if d.measured {
		wait = max(wait, d.lasts)
	}
	return now.Sub(d.at) >= wait
}

func (d *drawnLatency) note(now time.Time, measured bool, lasts time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at, d.measured, d.lasts = now, measured, lasts
}

// shownMonitor is what of a monitor's past a stream has drawn last.
type shownMonitor struct {
	mu   sync.Mutex
	last string
	at   time.Time
}

// others notes what a page has, and reports whether it is to be sent.
func (m *shownMonitor) others(page view.Monitor, now time.Time) bool {
	last := string(page.Row.State)
	if len(page.Failures) > 0 {
		last += page.Failures[0].ID
	}
	if b := page.Beat; b != nil {
		last += string(b.Status)
		if len(b.Pings) > 0 {
			last += strconv.FormatInt(b.Pings[0].N, 10)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if last == m.last && now.Sub(m.at) < wholeEvery {
		return false
	}
	m.last, m.at = last, now
	return true
}

func isMissing(err error) bool { return err != nil && public(err).Kind == oncall.NotFound }
