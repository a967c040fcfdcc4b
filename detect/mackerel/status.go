package mackerel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"toban/detect/saying"
	"toban/oncall"
	"toban/store"
)

// Status is how a metric of a monitor stands, as pages show it.
type Status struct {
	Monitor *oncall.Monitor
	Metric  string
	State   oncall.MetricState
	Why     string // why it is bad, as a sentence; "" when it is not
}

// Status returns how the metrics of the monitors that are configured stand, by
// their names; the one of that name alone unless id is "".
func (m *Metrics) Status(ctx context.Context, id oncall.MonitorID) ([]Status, error) {
	var rows []*store.MetricState
	err := m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.MetricStates(ctx, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	var list []Status
	for _, row := range rows {
		e := m.entry(row.Monitor)
		if e == nil || row.Voice.Gone || id != "" && row.Monitor != id {
			continue
		}
		s := Status{Monitor: e.monitor, Metric: row.Name, State: row.State}
		if row.State.Level.Bad() {
			s.Why = sentence(saying.Words{}, row, e.plan)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Monitor.ID, b.Monitor.ID), cmp.Compare(a.Metric, b.Metric))
	})
	return list, nil
}

// Points returns what is kept of a metric, oldest first: at most
// oncall.KeepPoints.
func (m *Metrics) Points(ctx context.Context, service, name string) (points []oncall.Point, err error) {
	err = m.o.DB.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.Metrics(ctx, service, []string{name})
		if found[name] != nil {
			points = found[name].Points
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("metric %s of %s: %w", name, service, err)
	}
	return points, nil
}
