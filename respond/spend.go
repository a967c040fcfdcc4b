package respond

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// spendHolds is how long what was spent is believed before it is summed anew:
// the sum reads the deliveries of a day.
const spendHolds = time.Second

// spend remembers whether the caps on the cost of calls and SMS stand (R12,
// R26). Caps count by the clock's hour and the calendar's day of the
// installation, so that it can be said when calls go out again.
type spend struct {
	mu     sync.Mutex
	readAt time.Time
	until  time.Time
	warned time.Time // the hour or day that was warned of
}

// cappedUntil returns when paid attempts may go out again; zero = now.
func (s *spend) cappedUntil(ctx context.Context, tx *store.Tx, dir *oncall.Directory, log *slog.Logger) (time.Time, error) {
	caps := dir.Settings.Spend
	if caps.PerHour <= 0 && caps.PerDay <= 0 {
		return time.Time{}, nil
	}
	s.mu.Lock()
	age := tx.Now.Sub(s.readAt)
	until := s.until
	s.mu.Unlock()
	if age >= 0 && age < spendHolds {
		return running(until, tx.Now), nil
	}
	zone, err := oncall.LoadZone(dir.Settings.Zone)
	if err != nil {
		return time.Time{}, err
	}
	until = time.Time{}
	for _, c := range caps.Caps(tx.Now, zone) {
		micros, err := tx.Spent(ctx, c.From)
		if err != nil {
			return time.Time{}, err
		}
		if micros >= c.Micros && c.To.After(until) {
			until = c.To
		}
		if caps.WarnAt > 0 && float64(micros) >= caps.WarnAt*float64(c.Micros) {
			s.warn(ctx, log, c.From, micros, c.Micros)
		}
	}
	s.mu.Lock()
	s.readAt, s.until = tx.Now, until
	s.mu.Unlock()
	return running(until, tx.Now), nil
}

// warn says once for each hour and day that the cap is near.
func (s *spend) warn(ctx context.Context, log *slog.Logger, from time.Time, micros, most int64) {
	s.mu.Lock()
	said := !s.warned.Before(from)
	s.warned = from
	s.mu.Unlock()
	if !said {
		log.WarnContext(ctx, "the spend cap is near", "since", from, "spent_micros", micros, "cap_micros", most)
	}
}

func running(until, now time.Time) time.Time {
	if until.After(now) {
		return until
	}
	return time.Time{}
}
