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

// KeepMonitorHours is for how many hours it is kept how monitors stood in each.
const KeepMonitorHours = 72

// MonitorHour is how a monitor stood as a whole in one hour. What is in none of
// the three times was not watched.
type MonitorHour struct {
	Monitor oncall.MonitorID
	Hour    int64 // see HourOf
	Up      time.Duration
	Down    time.Duration
	Unknown time.Duration
}

// HourOf is the hour that at lies in: hours since 1970-01-01T00:00Z.
func HourOf(at time.Time) int64 { return at.Unix() / (60 * 60) }

const upsertMonitorHour = `
	INSERT INTO monitor_hours(monitor_id, hour, up_ms, down_ms, unknown_ms) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (monitor_id, hour) DO UPDATE SET up_ms = monitor_hours.up_ms + excluded.up_ms,
		down_ms = monitor_hours.down_ms + excluded.down_ms, unknown_ms = monitor_hours.unknown_ms + excluded.unknown_ms`

// AddMonitorHours adds to what is known of hours. Times are cut to milliseconds;
// several of one monitor and hour are added up.
func (tx *Tx) AddMonitorHours(ctx context.Context, hours []MonitorHour) error {
	hours = slices.Clone(hours)
	slices.SortStableFunc(hours, compareHours)
	args := make([]any, 0, 5*len(hours))
	for i := 0; i < len(hours); {
		sum := hours[i]
		for i++; i < len(hours) && compareHours(hours[i], sum) == 0; i++ { // a statement may meet a row once
			sum.Up, sum.Down, sum.Unknown = sum.Up+hours[i].Up, sum.Down+hours[i].Down, sum.Unknown+hours[i].Unknown
		}
		args = append(args, string(sum.Monitor), sum.Hour, sum.Up.Milliseconds(), sum.Down.Milliseconds(), sum.Unknown.Milliseconds())
	}
	if _, err := tx.execSet(ctx, upsertMonitorHour, 5, args); err != nil {
		return fmt.Errorf("hours of monitors: %w", err)
	}
	return nil
}

func compareHours(a, b MonitorHour) int {
	return cmp.Or(strings.Compare(string(a.Monitor), string(b.Monitor)), cmp.Compare(a.Hour, b.Hour))
}

const selectMonitorHours = `
	SELECT monitor_id, 0, CAST(SUM(up_ms) AS BIGINT), CAST(SUM(down_ms) AS BIGINT), CAST(SUM(unknown_ms) AS BIGINT) FROM monitor_hours
	WHERE monitor_id IN ($1) AND hour >= $2 AND hour <= $3 GROUP BY monitor_id ORDER BY monitor_id`

// MonitorHours returns the sum of the hours from one to another, both with them,
// of each of some monitors of which anything is known; Hour is the first one. A
// monitor is named once.
func (tx *Tx) MonitorHours(ctx context.Context, monitors []oncall.MonitorID, from, to int64) ([]MonitorHour, error) {
	var list []MonitorHour
	err := tx.queryIn(ctx, selectMonitorHours, ids(monitors), func(rows row) error {
		h, err := scanHour(rows)
		h.Hour = from
		list = append(list, h)
		return err
	}, from, to)
	if err != nil {
		return nil, fmt.Errorf("hours of monitors: %w", err)
	}
	return list, nil
}

func scanHour(rows row) (h MonitorHour, err error) {
	var up, down, unknown int64
	err = rows.Scan(&h.Monitor, &h.Hour, &up, &down, &unknown)
	h.Up, h.Down, h.Unknown = time.Duration(up)*time.Millisecond, time.Duration(down)*time.Millisecond, time.Duration(unknown)*time.Millisecond
	return h, err
}

const selectFirstMonitorHours = `
	SELECT monitor_id, hour, up_ms, down_ms, unknown_ms FROM monitor_hours
	WHERE (monitor_id, hour) IN (SELECT monitor_id, MIN(hour) FROM monitor_hours WHERE monitor_id IN ($1) GROUP BY monitor_id) ORDER BY monitor_id`

// FirstMonitorHours returns the first hour that is kept of each of some monitors.
func (tx *Tx) FirstMonitorHours(ctx context.Context, monitors []oncall.MonitorID) ([]MonitorHour, error) {
	var list []MonitorHour
	err := tx.queryIn(ctx, selectFirstMonitorHours, ids(monitors), func(rows row) error {
		h, err := scanHour(rows)
		list = append(list, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hours of monitors: %w", err)
	}
	return list, nil
}

const sweepMonitorHours = `
	DELETE FROM monitor_hours WHERE (monitor_id, hour) IN
		(SELECT monitor_id, hour FROM monitor_hours WHERE hour < $1 ORDER BY hour LIMIT $2 ` + markSkip + `)`

// SweepMonitorHours removes at most limit rows of hours before that one and
// returns how many it removed.
func (tx *Tx) SweepMonitorHours(ctx context.Context, before int64, limit int) (int, error) {
	n, err := tx.do(ctx, sweepMonitorHours, before, limit)
	if err != nil {
		return 0, fmt.Errorf("hours of monitors: %w", err)
	}
	return int(n), nil
}
