package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// KeepMonitorDays is for how many days it is kept how monitors stood.
const KeepMonitorDays = 400

// MonitorDay is how a monitor stood on one day. What is in none of the three
// times was not watched, as while toban was down.
type MonitorDay struct {
	Monitor  oncall.MonitorID
	Day      int64  // see DayOf
	Location string // "" = as a whole
	Up       time.Duration
	Down     time.Duration
	Unknown  time.Duration
	Checks   int64
	Failures int64
	// First is the first moment of it at which the monitor was watched; zero = not
	// known, as of a day that an earlier toban has kept.
	First time.Time
}

// From notes that the monitor was watched from that moment on: the earliest one
// stays.
func (d *MonitorDay) From(at time.Time) {
	if !at.IsZero() && (d.First.IsZero() || at.Before(d.First)) {
		d.First = at
	}
}

// MonitorTimes are how monitors stood, by day and by hour.
type MonitorTimes struct {
	Days  []MonitorDay
	Hours []MonitorHour
}

// None reports that nothing is in it.
func (t MonitorTimes) None() bool { return len(t.Days)+len(t.Hours) == 0 }

// Add puts others behind.
func (t *MonitorTimes) Add(others MonitorTimes) {
	t.Days, t.Hours = append(t.Days, others.Days...), append(t.Hours, others.Hours...)
}

// AddMonitorTimes adds to what is known of days and hours.
func (tx *Tx) AddMonitorTimes(ctx context.Context, t MonitorTimes) error {
	if err := tx.AddMonitorDays(ctx, t.Days); err != nil {
		return err
	}
	return tx.AddMonitorHours(ctx, t.Hours)
}

// DayOf is the day that at lies in by the calendar of zone: days since
// 1970-01-01.
func DayOf(at time.Time, zone *time.Location) int64 {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

const upsertMonitorDay = `
	INSERT INTO monitor_days(monitor_id, day, location, up_ms, down_ms, unknown_ms, checks, failures, first_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	ON CONFLICT (monitor_id, day, location) DO UPDATE SET up_ms = monitor_days.up_ms + excluded.up_ms,
		down_ms = monitor_days.down_ms + excluded.down_ms, unknown_ms = monitor_days.unknown_ms + excluded.unknown_ms,
		checks = monitor_days.checks + excluded.checks, failures = monitor_days.failures + excluded.failures,
		first_at = CASE WHEN excluded.first_at > 0 AND excluded.first_at < monitor_days.first_at THEN excluded.first_at ELSE monitor_days.first_at END`

// AddMonitorDays adds to what is known of days. Times are cut to milliseconds;
// several of one monitor, day and location are added up. The first moment of a day
// moves back only; where nobody has noted it when the day began, nobody does later.
func (tx *Tx) AddMonitorDays(ctx context.Context, days []MonitorDay) error {
	days = slices.Clone(days)
	slices.SortStableFunc(days, compareDays)
	args := make([]any, 0, 9*len(days))
	for i := 0; i < len(days); {
		sum := days[i]
		for i++; i < len(days) && compareDays(days[i], sum) == 0; i++ { // a statement may meet a row once
			d := &days[i]
			sum.From(d.First)
			sum.Up, sum.Down, sum.Unknown, sum.Checks, sum.Failures = sum.Up+d.Up, sum.Down+d.Down, sum.Unknown+d.Unknown, sum.Checks+d.Checks, sum.Failures+d.Failures
		}
		first := int64(0)
		if !sum.First.IsZero() {
			first = sum.First.UnixMilli()
		}
		args = append(args, string(sum.Monitor), sum.Day, sum.Location, sum.Up.Milliseconds(), sum.Down.Milliseconds(), sum.Unknown.Milliseconds(), sum.Checks, sum.Failures, first)
	}
	if _, err := tx.execSet(ctx, upsertMonitorDay, 9, args); err != nil {
		return fmt.Errorf("days of monitors: %w", err)
	}
	return nil
}

func compareDays(a, b MonitorDay) int {
	return cmp.Or(strings.Compare(string(a.Monitor), string(b.Monitor)), cmp.Compare(a.Day, b.Day), strings.Compare(a.Location, b.Location))
}

const selectMonitorDays = `
	SELECT monitor_id, day, location, up_ms, down_ms, unknown_ms, checks, failures, first_at FROM monitor_days
	WHERE monitor_id IN ($1) AND day >= $2 ORDER BY monitor_id, day, location`

// MonitorDays returns the days of some monitors from one day on, by monitor, day
// and location. A monitor is named once.
func (tx *Tx) MonitorDays(ctx context.Context, monitors []oncall.MonitorID, from int64) ([]MonitorDay, error) {
	var list []MonitorDay
	err := tx.queryIn(ctx, selectMonitorDays, ids(monitors), func(rows row) error {
		var d MonitorDay
		var up, down, unknown, first int64
		err := rows.Scan(&d.Monitor, &d.Day, &d.Location, &up, &down, &unknown, &d.Checks, &d.Failures, &first)
		if first > 0 {
			d.First = time.UnixMilli(first)
		}
		d.Up, d.Down, d.Unknown = time.Duration(up)*time.Millisecond, time.Duration(down)*time.Millisecond, time.Duration(unknown)*time.Millisecond
		list = append(list, d)
		return err
	}, from)
	if err != nil {
		return nil, fmt.Errorf("days of monitors: %w", err)
	}
	return list, nil
}

const sweepMonitorDays = `
	DELETE FROM monitor_days WHERE (monitor_id, day, location) IN
		(SELECT monitor_id, day, location FROM monitor_days WHERE day < $1 ORDER BY day LIMIT $2 ` + markSkip + `)`

// SweepMonitorDays removes at most limit rows of days before that one and returns
// how many it removed.
func (tx *Tx) SweepMonitorDays(ctx context.Context, before int64, limit int) (int, error) {
	n, err := tx.do(ctx, sweepMonitorDays, before, limit)
	if err != nil {
		return 0, fmt.Errorf("days of monitors: %w", err)
	}
	return int(n), nil
}
