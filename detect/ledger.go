package detect

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// ledger counts how long a monitor was what, by day. Time is counted up to mark;
// what is still undecided is counted when it is decided.
type ledger struct {
	mark time.Time
	days map[int64]*store.MonitorDay
}

func (l *ledger) day(at time.Time, zone *time.Location) *store.MonitorDay {
	n := store.DayOf(at, zone)
	if l.days == nil {
		l.days = map[int64]*store.MonitorDay{}
	}
	if l.days[n] == nil {
		l.days[n] = &store.MonitorDay{Day: n}
	}
	return l.days[n]
}

// check counts a result.
func (l *ledger) check(at time.Time, up bool, zone *time.Location) {
	d := l.day(at, zone)
	d.Checks++
	if !up {
		d.Failures++
	}
}

// until counts the time since mark for a status.
func (l *ledger) until(to time.Time, status oncall.MonitorStatus, zone *time.Location) {
	for l.mark.Before(to) {
		end := to
		y, m, d := l.mark.In(zone).Date()
		if midnight := time.Date(y, m, d+1, 0, 0, 0, 0, zone); midnight.Before(end) && midnight.After(l.mark) {
			end = midnight
		}
		day, took := l.day(l.mark, zone), end.Sub(l.mark)
		switch status {
		case oncall.MonitorUp:
			day.Up += took
		case oncall.MonitorDown:
			day.Down += took
		default:
			day.Unknown += took
		}
		l.mark = end
	}
}

// settle counts what is decided by now. w.mu is held.
func (w *watched) settle(now time.Time) {
	zone := w.of.calendar()
	for location, l := range w.ledgers {
		if location == "" {
			l.until(w.state.Settled(now), w.state.Now(), zone)
		} else if p, known := w.state.Places[location]; known {
			l.until(p.Settled(now), p.Now(), zone)
		}
	}
}

// days takes what was counted. w.mu is held.
func (w *watched) days() (all []store.MonitorDay) {
	for location, l := range w.ledgers {
		for _, d := range l.days {
			d.Monitor, d.Location = w.m.ID, location
			all = append(all, *d)
		}
		l.days = nil
	}
	return all
}

// calendar is the installation's zone.
func (m *Monitors) calendar() *time.Location { return m.zone.Load() }

// saveDays writes down how the monitors stood since the last time.
func (m *Monitors) saveDays(ctx context.Context) {
	now := time.Now()
	all := m.courier.kept()
	for _, w := range m.list() {
		w.mu.Lock()
		if !w.halted {
			w.settle(now)
		}
		all = append(all, w.days()...)
		w.mu.Unlock()
	}
	if len(all) == 0 {
		return
	}
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.AddMonitorDays(ctx, all) })
	if err != nil {
		m.courier.keep(all)
		m.log.WarnContext(ctx, "the days of the monitors are saved later", "err", err)
	}
}

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
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.AddMonitorFailures(ctx, all) })
	if err != nil && ctx.Err() == nil { // the page of a failure lacks one; the alert does not
		m.log.WarnContext(ctx, "failures of monitors were not kept", "failures", len(all), "err", err)
	}
}

const sweepBatch = 500

// sweep removes days that are over.
func (m *Monitors) sweep(ctx context.Context) {
	before := store.DayOf(time.Now(), m.calendar()) - store.KeepMonitorDays
	for more := true; more && ctx.Err() == nil; {
		err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
			n, err := tx.SweepMonitorDays(ctx, before, sweepBatch)
			more = n == sweepBatch
			return err
		})
		if err != nil {
			m.log.WarnContext(ctx, "old days of monitors are swept later", "err", err)
			return
		}
	}
}
