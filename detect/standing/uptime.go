package standing

import (
	"context"
	"slices"
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
	// First is the first moment of it at which it was watched; zero = not known.
	First time.Time
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
	// Since is when it began to be watched; zero = before the first of the days, or
	// nothing is known.
	Since time.Time
}

// Figure is how much of a span a monitor was up, from 0 to 1.
type Figure struct {
	Share float64
	Known bool
	// Since is set where the monitor has been watched for a part of the span alone.
	Since time.Time
}

// Figures are those of the last 24 hours, 30 days and all days. One that would say
// no more than a shorter one, because there is nothing before, is not known.
func (h History) Figures(now time.Time) (day, month, quarter Figure) {
	const thirty = 30
	of := func(share float64, known bool) Figure { return Figure{Share: share, Known: known} }
	day = of(h.LastDay())
	if !h.Since.IsZero() && now.Sub(h.Since) < 24*time.Hour {
		day.Since = h.Since
		return day, Figure{}, Figure{}
	}
	month = of(h.Over(thirty))
	if h.first() > Days-thirty {
		month.Since = h.Since
		return day, month, Figure{}
	}
	if quarter = of(h.Over(Days)); h.first() > 0 {
		quarter.Since = h.Since
	}
	return day, month, quarter
}

// first is the place of the first day of which anything is known.
func (h History) first() int {
	return slices.IndexFunc(h.Days, func(d Day) bool { return d.Watched()+d.Unknown > 0 || !d.First.IsZero() })
}

// Joined is a history with what is known of how its monitor stands now: a state
// that has lasted for longer than what is counted was watched for that long. Of its
// first minute nothing may be counted yet, and is here: the figure of a monitor that
// has just gone down is not 100 %.
func (h History) Joined(s *Standing, now time.Time) History {
	if s.Since.IsZero() || s.State == Paused {
		return h
	}
	if h.None() || s.Since.Before(h.Since) {
		h.Since = s.Since
	}
	lasts := min(now.Sub(s.Since), uncounted)
	if h.None() || lasts <= 0 {
		return h
	}
	today := h.Days[len(h.Days)-1]
	switch s.State {
	case Up:
		h.Up, today.Up = max(h.Up, lasts), max(today.Up, lasts)
	case Down:
		h.Down, today.Down = max(h.Down, lasts), max(today.Down, lasts)
	default:
		return h
	}
	h.Days = append(slices.Clone(h.Days[:len(h.Days)-1]), today)
	return h
}

// uncounted is of how much of the time until now nothing may be saved yet.
const uncounted = time.Minute

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
	var hours, firstHours []store.MonitorHour
	err := r.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if days, err = tx.MonitorDays(ctx, ids, first); err != nil {
			return err
		}
		if hours, err = tx.MonitorHours(ctx, ids, hour-lastHours, hour); err != nil {
			return err
		}
		if old := unsaid(days); len(old) > 0 {
			firstHours, err = tx.FirstMonitorHours(ctx, old)
		}
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
		d.Up, d.Down, d.Unknown, d.Checks, d.Failures, d.First = row.Up, row.Down, row.Unknown, row.Checks, row.Failures, row.First
	}
	for _, row := range hours {
		if h, known := by[row.Monitor]; known {
			h.Up, h.Down = row.Up, row.Down
			by[row.Monitor] = h
		}
	}
	begun := make(map[oncall.MonitorID]store.MonitorHour, len(firstHours))
	for _, row := range firstHours {
		begun[row.Monitor] = row
	}
	for id, h := range by {
		h.Since = h.began(begun[id], now, zone)
		by[id] = h
	}
	return by, nil
}

// unsaid are the monitors whose first day says no first moment: an earlier toban has
// kept it. The days are in their order.
func unsaid(days []store.MonitorDay) (ids []oncall.MonitorID) {
	seen := map[oncall.MonitorID]bool{}
	for _, row := range days {
		if row.Location != "" || seen[row.Monitor] {
			continue
		}
		if seen[row.Monitor] = true; row.First.IsZero() {
			ids = append(ids, row.Monitor)
		}
	}
	return ids
}

// began is when a monitor began to be watched: the first moment of its first day.
// Of a day that an earlier toban has kept that is not known: it is as long before
// the end of that day as it was watched on it; by its first hour, where that is of
// that day, it is known better. Then it is too late by as long as toban was down in
// between.
func (h History) began(hour store.MonitorHour, now time.Time, zone *time.Location) time.Time {
	i := h.first()
	if i <= 0 { // there may have been something before
		return time.Time{}
	}
	d := h.Days[i]
	if !d.First.IsZero() {
		return d.First
	}
	end, watched := time.Date(d.Date.Year(), d.Date.Month(), d.Date.Day()+1, 0, 0, 0, 0, zone), d.Watched()+d.Unknown
	if start := time.Unix(hour.Hour*60*60, 0); hour.Hour > 0 && start.Before(end) {
		end, watched = start.Add(time.Hour), hour.Up+hour.Down+hour.Unknown
	}
	if now.Before(end) {
		end = now
	}
	return end.Add(-watched)
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
