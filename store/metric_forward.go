package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// MetricLane is what waits of a service to be passed on.
type MetricLane struct {
	Service  string
	Last     int64     // the number of what was put in last
	Waiting  int       // points
	NextAt   time.Time // when some may be sent
	Attempts int       // that failed, since the last one that did not
	// Sender is the node that is sending, until then.
	Sender     string
	SendsUntil time.Time
}

// MetricForward is points that were posted together and wait to be passed on.
type MetricForward struct {
	N       int64 // in the order in which they came
	TakenAt time.Time
	Points  []NamedPoint
}

// NamedPoint is a point of a metric of a service.
type NamedPoint struct {
	Name string `json:"name"`
	oncall.Point
}

// TimerForward is the kind of timer of what is passed on. Ref: service.
const TimerForward = "forward"

const (
	insertLane = `
		INSERT INTO metric_lanes(service, last, waiting, next_at, attempts) VALUES ($1, 0, 0, $2, 0) ON CONFLICT (service) DO NOTHING`
	lockLane = `
		SELECT last, waiting, next_at, attempts, sender, sends_until FROM metric_lanes WHERE service = $1 ` + markLock
	updateLane = `
		UPDATE metric_lanes SET last = $2, waiting = $3, next_at = $4, attempts = $5, sender = $6, sends_until = $7 WHERE service = $1`
	sumLanes       = `SELECT COALESCE(SUM(waiting), 0) FROM metric_lanes WHERE service > ''`
	insertForward  = `INSERT INTO metric_forwards(service, n, points, taken_at) VALUES ($1, $2, $3, $4)`
	selectForwards = `SELECT n, taken_at, points FROM metric_forwards WHERE service = $1 ORDER BY n LIMIT $2`
	deleteForwards = `DELETE FROM metric_forwards WHERE service = $1 AND n <= $2`
)

// LockMetricLane returns the lane of a service, made when there is none, held until
// the end of the transaction.
func (tx *Tx) LockMetricLane(ctx context.Context, service string) (*MetricLane, error) {
	l := &MetricLane{Service: service}
	dest := []any{&l.Last, &l.Waiting, (*millis)(&l.NextAt), &l.Attempts, into(&l.Sender), (*millis)(&l.SendsUntil)}
	found, err := tx.one(ctx, lockLane, []any{service}, dest...)
	if err == nil && !found {
		if _, err = tx.do(ctx, insertLane, service, tx.Now.UnixMilli()); err == nil {
			_, err = tx.one(ctx, lockLane, []any{service}, dest...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lane of %s: %w", service, err)
	}
	return l, nil
}

// SaveMetricLane writes a lane that is held.
func (tx *Tx) SaveMetricLane(ctx context.Context, l *MetricLane) error {
	if _, err := tx.do(ctx, updateLane, l.Service, l.Last, l.Waiting, l.NextAt.UnixMilli(), l.Attempts, str(l.Sender), ms(l.SendsUntil)); err != nil {
		return fmt.Errorf("lane of %s: %w", l.Service, err)
	}
	return nil
}

// MetricsWaiting returns how many points wait to be passed on, of all services.
func (tx *Tx) MetricsWaiting(ctx context.Context) (n int, err error) {
	if _, err = tx.one(ctx, sumLanes, nil, &n); err != nil {
		return 0, fmt.Errorf("lanes: %w", err)
	}
	return n, nil
}

// AddMetricForward puts points at the end of a lane that is held; who holds it
// saves it.
func (tx *Tx) AddMetricForward(ctx context.Context, l *MetricLane, points []NamedPoint) error {
	body, err := encode(points)
	if err == nil {
		_, err = tx.do(ctx, insertForward, l.Service, l.Last+1, body, tx.Now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("points of %s: %w", l.Service, err)
	}
	l.Last++
	l.Waiting += len(points)
	return nil
}

// MetricForwards returns the first of what waits in a lane.
func (tx *Tx) MetricForwards(ctx context.Context, service string, limit int) ([]MetricForward, error) {
	var list []MetricForward
	err := tx.all(ctx, selectForwards, func(rows row) error {
		var f MetricForward
		err := rows.Scan(&f.N, (*millis)(&f.TakenAt), document{&f.Points})
		list = append(list, f)
		return err
	}, service, limit)
	if err != nil {
		return nil, fmt.Errorf("points of %s: %w", service, err)
	}
	return list, nil
}

// DeleteMetricForwards removes the first of what waits in a lane that is held, up
// to the n-th: it was passed on, or never will be.
func (tx *Tx) DeleteMetricForwards(ctx context.Context, service string, n int64) error {
	if _, err := tx.do(ctx, deleteForwards, service, n); err != nil {
		return fmt.Errorf("points of %s: %w", service, err)
	}
	return nil
}
