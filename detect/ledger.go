package detect

import (
	"context"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

// Ledger counts how long a monitor was what, by day and by hour. Time is counted
// up to Mark; what is still undecided is counted when it is decided.
type Ledger struct {
	Mark  time.Time
	days  map[int64]*store.MonitorDay
	hours map[int64]*store.MonitorHour
}

func (l *Ledger) day(at time.Time, zone *time.Location) *store.MonitorDay {
	n := store.DayOf(at, zone)
	if l.days == nil {
		l.days = map[int64]*store.MonitorDay{}
	}
	if l.days[n] == nil {
		l.days[n] = &store.MonitorDay{Day: n}
	}
	return l.days[n]
}

func (l *Ledger) hour(at time.Time) *store.MonitorHour {
	n := store.HourOf(at)
	if l.hours == nil {
		l.hours = map[int64]*store.MonitorHour{}
	}
	if l.hours[n] == nil {
		l.hours[n] = &store.MonitorHour{Hour: n}
	}
	return l.hours[n]
}

// Watched notes that the monitor was watched at that moment: before anything was
// counted, perhaps.
func (l *Ledger) Watched(at time.Time, zone *time.Location) { l.day(at, zone).From(at) }

// check counts a result.
func (l *Ledger) check(at time.Time, up bool, zone *time.Location) {
	d := l.day(at, zone)
	d.Checks++
	if !up {
		d.Failures++
	}
}

// Until counts the time since Mark for a status, by the calendar of zone.
func (l *Ledger) Until(to time.Time, status oncall.MonitorStatus, zone *time.Location) {
	for l.Mark.Before(to) {
		end := to
		y, m, d := l.Mark.In(zone).Date()
		for _, edge := range []time.Time{time.Date(y, m, d+1, 0, 0, 0, 0, zone), time.Unix((store.HourOf(l.Mark)+1)*60*60, 0)} {
			if edge.Before(end) && edge.After(l.Mark) {
				end = edge
			}
		}
		day, hour, took := l.day(l.Mark, zone), l.hour(l.Mark), end.Sub(l.Mark)
		day.From(l.Mark)
		switch status {
		case oncall.MonitorUp:
			day.Up, hour.Up = day.Up+took, hour.Up+took
		case oncall.MonitorDown:
			day.Down, hour.Down = day.Down+took, hour.Down+took
		default:
			day.Unknown, hour.Unknown = day.Unknown+took, hour.Unknown+took
		}
		l.Mark = end
	}
}

// Take takes what was counted, for a monitor at a location, "" = as a whole. Only
// of the whole hours are kept.
func (l *Ledger) Take(monitor oncall.MonitorID, location string) (all store.MonitorTimes) {
	for _, d := range l.days {
		d.Monitor, d.Location = monitor, location
		all.Days = append(all.Days, *d)
	}
	for _, h := range l.hours {
		if location == "" {
			h.Monitor = monitor
			all.Hours = append(all.Hours, *h)
		}
	}
	l.days, l.hours = nil, nil
	return all
}

// settle counts what is decided by now. w.mu is held.
func (w *watched) settle(now time.Time) {
	zone := w.of.calendar()
	for location, l := range w.ledgers {
		if location == "" {
			l.Until(w.state.Settled(now), w.state.Now(), zone)
		} else if p, known := w.state.Places[location]; known {
			l.Until(p.Settled(now), p.Now(), zone)
		}
	}
}

// first notes since when the monitor is watched where that is of today, and reports
// whether nobody may have saved it yet. Nobody else knows w.
func (w *watched) first(now time.Time) bool {
	zone, since := w.of.calendar(), w.state.Since
	if store.DayOf(since, zone) == store.DayOf(now, zone) {
		w.ledgers[""].Watched(since, zone)
	}
	return now.Sub(since) <= daysEvery
}

// times takes what was counted. w.mu is held.
func (w *watched) times() (all store.MonitorTimes) {
	for location, l := range w.ledgers {
		all.Add(l.Take(w.m.ID, location))
	}
	return all
}

// calendar is the installation's zone.
func (m *Monitors) calendar() *time.Location { return m.zone.Load() }

// Counted are the monitors that ask nobody, heartbeats and rules, and are not
// paused, of which this node counts how long they are up: each is of one node. zone
// is that of the calendar to count by.
func (m *Monitors) Counted() (list []Status, zone *time.Location) {
	m.follow.Lock()
	nodes := m.nodes
	m.follow.Unlock()
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, each := range m.all {
		if !each.Kind.Probes() && !each.Paused && owner(each.ID, nodes) == m.o.DB.Node() {
			list = append(list, Status{Monitor: each})
		}
	}
	return list, m.calendar()
}

// saveTimes writes down how the monitors stood since the last time.
func (m *Monitors) saveTimes(ctx context.Context) {
	now := time.Now()
	all := m.courier.kept()
	for _, w := range m.list() {
		w.mu.Lock()
		if !w.halted {
			w.settle(now)
		}
		all.Add(w.times())
		w.mu.Unlock()
	}
	if all.None() {
		return
	}
	for !all.None() {
		days, hours := min(len(all.Days), savedAtOnce), min(len(all.Hours), savedAtOnce)
		some := store.MonitorTimes{Days: all.Days[:days], Hours: all.Hours[:hours]}
		if err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.AddMonitorTimes(ctx, some) }); err != nil {
			m.courier.keep(all)
			m.log.WarnContext(ctx, "the days of the monitors are saved later", "err", err)
			return
		}
		all.Days, all.Hours = all.Days[days:], all.Hours[hours:]
	}
}

// savedAtOnce is how many days, hours or failures are in one transaction: alerts
// are written by the same writer, and wait for it.
const savedAtOnce = 200

// maxUnsaved bounds the failures that wait to be saved: of a storm the first ones
// tell enough.
const maxUnsaved = 5000

// failed takes a failure to be saved.
func (m *Monitors) failed(f store.MonitorFailure) {
	m.failures.Lock()
	defer m.failures.Unlock()
	if len(m.failures.unsaved) < maxUnsaved {
		m.failures.unsaved = append(m.failures.unsaved, f)
	}
}

// saveFailures writes failures down, with what came back.
func (m *Monitors) saveFailures(ctx context.Context) {
	m.failures.Lock()
	all := m.failures.unsaved
	m.failures.unsaved = nil
	m.failures.Unlock()
	if len(all) == 0 {
		return
	}
	for some := range slices.Chunk(all, savedAtOnce) {
		err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.AddMonitorFailures(ctx, some) })
		if err != nil && ctx.Err() == nil { // the page of a failure lacks one; the alert does not
			m.log.WarnContext(ctx, "failures of monitors were not kept", "failures", len(some), "err", err)
		}
	}
}

const sweepBatch = 500

// sweep removes days and hours that are over, and agents that are gone.
func (m *Monitors) sweep(ctx context.Context) {
	if err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SweepAgents(ctx) }); err != nil {
		m.log.WarnContext(ctx, "agents that are gone are forgotten later", "err", err)
	}
	now := time.Now()
	day, hour := store.DayOf(now, m.calendar())-store.KeepMonitorDays, store.HourOf(now)-store.KeepMonitorHours
	for more := true; more && ctx.Err() == nil; {
		err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
			days, err := tx.SweepMonitorDays(ctx, day, sweepBatch)
			if err != nil {
				return err
			}
			hours, err := tx.SweepMonitorHours(ctx, hour, sweepBatch)
			more = days == sweepBatch || hours == sweepBatch
			return err
		})
		if err != nil {
			m.log.WarnContext(ctx, "old days of monitors are swept later", "err", err)
			return
		}
	}
}
