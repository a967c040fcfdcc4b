package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"toban/oncall"
)

// ServiceMetric is what is kept of a metric: its last points.
type ServiceMetric struct {
	Service string
	Name    string
	Points  []oncall.Point // oldest first
}

// ID is the name of its row.
func (m *ServiceMetric) ID() string { return MetricID(m.Service, m.Name) }

// Newest is the time of the last point, zero without one.
func (m *ServiceMetric) Newest() time.Time {
	if len(m.Points) == 0 {
		return time.Time{}
	}
	return m.Points[len(m.Points)-1].At
}

// MetricID is the name of the row of a metric. No service has a slash in its name.
func MetricID(service, name string) string { return service + "/" + name }

const (
	metricColumns = `service, name, points`
	insertMetrics = `INSERT INTO service_metrics(id, service, name, points, newest_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`
	selectMetrics = `SELECT ` + metricColumns + ` FROM service_metrics WHERE id IN ($1)`
	lockMetrics   = selectMetrics + ` ORDER BY id ` + markLock
	metricsAfter  = `SELECT ` + metricColumns + ` FROM service_metrics WHERE id > $1 ORDER BY id LIMIT $2`
	countMetrics  = `SELECT COUNT(*) FROM service_metrics WHERE newest_at > $1`
	sweepMetrics  = `
		DELETE FROM service_metrics WHERE id IN (SELECT id FROM service_metrics WHERE newest_at < $1 ORDER BY newest_at LIMIT $2 ` + markSkip + `)`
	upsertMetrics = `
		INSERT INTO service_metrics(id, service, name, points, newest_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET points = excluded.points, newest_at = excluded.newest_at`
)

func scanMetric(rows row) (*ServiceMetric, error) {
	var m ServiceMetric
	return &m, rows.Scan(&m.Service, &m.Name, document{&m.Points})
}

// LockMetrics returns those metrics of a service, by their names, held until the
// end of the transaction; what does not exist is missing. It waits for who holds
// one.
func (tx *Tx) LockMetrics(ctx context.Context, service string, names []string) (map[string]*ServiceMetric, error) {
	return tx.metrics(ctx, lockMetrics, service, names)
}

// Metrics is LockMetrics that holds nothing.
func (tx *Tx) Metrics(ctx context.Context, service string, names []string) (map[string]*ServiceMetric, error) {
	return tx.metrics(ctx, selectMetrics, service, names)
}

func (tx *Tx) metrics(ctx context.Context, statement, service string, names []string) (map[string]*ServiceMetric, error) {
	rows := make([]string, len(names))
	for i, name := range names {
		rows[i] = MetricID(service, name)
	}
	// In one order for everybody, also where they are more than fit into one statement.
	rows = slices.Compact(slices.Sorted(slices.Values(rows)))
	found := make(map[string]*ServiceMetric, len(rows))
	err := tx.queryIn(ctx, statement, ids(rows), func(rows row) error {
		m, err := scanMetric(rows)
		found[m.Name] = m
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", service, err)
	}
	return found, nil
}

// AllMetrics returns every metric of which points are kept.
func (tx *Tx) AllMetrics(ctx context.Context) ([]*ServiceMetric, error) {
	const page = 500
	var list []*ServiceMetric
	for last := ""; ; last = list[len(list)-1].ID() {
		before := len(list)
		err := tx.all(ctx, metricsAfter, func(rows row) error {
			m, err := scanMetric(rows)
			list = append(list, m)
			return err
		}, last, page)
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		if len(list)-before < page {
			return list, nil
		}
	}
}

// CountMetrics returns how many metrics have a point since then.
func (tx *Tx) CountMetrics(ctx context.Context, since time.Time) (n int, err error) {
	if _, err = tx.one(ctx, countMetrics, []any{since.UnixMilli()}, &n); err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	return n, nil
}

// MakeMetrics makes rows for metrics without points; those that exist are left as
// they are. Who wants to write one locks it afterwards.
func (tx *Tx) MakeMetrics(ctx context.Context, service string, names []string) error {
	list := make([]*ServiceMetric, len(names))
	for i, name := range names {
		list[i] = &ServiceMetric{Service: service, Name: name}
	}
	return tx.writeMetrics(ctx, insertMetrics, list)
}

// SaveMetrics writes metrics, each once, by who holds them.
func (tx *Tx) SaveMetrics(ctx context.Context, list ...*ServiceMetric) error {
	return tx.writeMetrics(ctx, upsertMetrics, list)
}

func (tx *Tx) writeMetrics(ctx context.Context, statement string, list []*ServiceMetric) error {
	const width = 5
	list = slices.SortedFunc(slices.Values(list), func(a, b *ServiceMetric) int { return cmp.Compare(a.ID(), b.ID()) })
	args := make([]any, 0, width*len(list))
	for _, m := range list {
		points, err := encode(m.Points)
		if err != nil {
			return fmt.Errorf("metric %s: %w", m.ID(), err)
		}
		newest := tx.Now
		if len(m.Points) > 0 {
			newest = m.Newest()
		}
		args = append(args, m.ID(), m.Service, m.Name, points, newest.UnixMilli())
	}
	if _, err := tx.execSet(ctx, statement, width, args); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// SweepMetrics forgets at most limit metrics that have no point since before.
func (tx *Tx) SweepMetrics(ctx context.Context, before time.Time, limit int) (int64, error) {
	n, err := tx.do(ctx, sweepMetrics, before.UnixMilli(), limit)
	if err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	return n, nil
}
