package standing

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// Days of a strip.
const Days = 90

// Day is how a monitor stood on one day.
type Day struct {
	Date              time.Time // midnight in UTC, as a calendar has it
	Up, Down, Unknown time.Duration
	Checks, Failures  int64
}

// Watched is how much of the day something was known.
func (d Day) Watched() time.Duration { return d.Up + d.Down }

// Share is how much of what was known of the day it was up, from 0 to 1; ok is
// false when nothing was.
func (d Day) Share() (share float64, ok bool) { return shareOf(d.Up, d.Down) }

func shareOf(up, down time.Duration) (float64, bool) {
	if up+down <= 0 {
		return 0, false
	}
	return float64(up) / float64(up+down), true
}

// History is how a monitor stood lately. The zero value is that of one of which
// nothing is known.
type History struct {
	// Days are the last ones, the oldest first; the last one is today. A day of which
	// nothing is known is there and empty.
	Days []Day
	// Up and Down are of the last 24 whole hours and of the one that runs.
	Up, Down time.Duration
}

// None reports that nothing is known.
func (h History) None() bool { return len(h.Days) == 0 }

// Over is how much of the last n days it was up, from 0 to 1; ok is false when
// nothing is known of them. What was neither up nor down is left out.
func (h History) Over(n int) (share float64, ok bool) {
	var up, down time.Duration
	for _, d := range h.Days[max(0, len(h.Days)-n):] {
		up, down = up+d.Up, down+d.Down
	}
	return shareOf(up, down)
}

// LastDay is how much of the last 24 hours it was up, from 0 to 1; ok is false
// when nothing is known of them.
func (h History) LastDay() (share float64, ok bool) { return shareOf(h.Up, h.Down) }

// lastHours is how many whole hours make a last day.
const lastHours = 24

// Histories are the last days of monitors, up to now by the calendar of zone. One
// of which nothing is kept has none.
func (r *Reader) Histories(ctx context.Context, ids []oncall.MonitorID, now time.Time, zone *time.Location) (map[oncall.MonitorID]History, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	today, hour := store.DayOf(now, zone), store.HourOf(now)
	first := today - Days + 1
	var days []store.MonitorDay
	var hours []store.MonitorHour
	err := r.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if days, err = tx.MonitorDays(ctx, ids, first); err != nil {
			return err
		}
		hours, err = tx.MonitorHours(ctx, ids, hour-lastHours, hour)
		return err
	})
	if err != nil {
		return nil, err
	}
	by := make(map[oncall.MonitorID]History, len(ids))
	for _, row := range days {
		if row.Location != "" || row.Day > today {
			continue
		}
		h, known := by[row.Monitor]
		if !known {
			h.Days = make([]Day, Days)
			for i := range h.Days {
				h.Days[i].Date = dateOf(first + int64(i))
			}
			by[row.Monitor] = h
		}
		d := &h.Days[row.Day-first]
		d.Up, d.Down, d.Unknown, d.Checks, d.Failures = row.Up, row.Down, row.Unknown, row.Checks, row.Failures
	}
	for _, row := range hours {
		if h, known := by[row.Monitor]; known {
			h.Up, h.Down = row.Up, row.Down
			by[row.Monitor] = h
		}
	}
	return by, nil
}

func dateOf(day int64) time.Time { return time.Unix(day*24*60*60, 0).UTC() }

// DayRows are the last n days of one monitor as they are kept, those of its
// locations too, the oldest first.
func (r *Reader) DayRows(ctx context.Context, id oncall.MonitorID, n int, now time.Time, zone *time.Location) (rows []store.MonitorDay, err error) {
	err = r.o.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.MonitorDays(ctx, []oncall.MonitorID{id}, store.DayOf(now, zone)-int64(n)+1)
		return err
	})
	return rows, err
}

// Failures are the last failures of a monitor, the newest first.
func (r *Reader) Failures(ctx context.Context, id oncall.MonitorID) (list []store.MonitorFailure, err error) {
	err = r.o.DB.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.MonitorFailures(ctx, id)
		return err
	})
	return list, err
}
