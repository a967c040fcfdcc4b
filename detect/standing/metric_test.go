package standing

import (
	"context"
	"testing"
	"time"

	"toban/detect/mackerel"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestAMonitorOfMetricsStandsAsTheWorstOfThem(t *testing.T) {
	t.Parallel()
	m := probeOf("jobs", oncall.MonitorMetric)
	of := func(name string, level oncall.MetricLevel, ago time.Duration) mackerel.Status {
		return mackerel.Status{
			Monitor: m, Metric: name, Why: name + " is " + string(level),
			State: oncall.MetricState{Level: level, Since: now().Add(-ago), Heard: now().Add(-ago), Plan: oncall.MetricPlan{Severity: oncall.Critical}},
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tc := range []struct {
			name    string
			metrics []mackerel.Status
			want    State
			why     string
		}{
			{"none yet", nil, Unknown, ""},
			{"nothing heard", []mackerel.Status{of("a", oncall.MetricUnknown, 0)}, Unknown, ""},
			{"one heard", []mackerel.Status{of("a", oncall.MetricUnknown, 0), of("b", oncall.MetricOK, time.Hour)}, Up, ""},
			{"one bad", []mackerel.Status{of("a", oncall.MetricOK, time.Minute), of("b", oncall.MetricWarning, time.Hour), of("c", oncall.MetricOK, 0)}, Down, "b is warning"},
			{"the worst", []mackerel.Status{of("a", oncall.MetricWarning, time.Minute), of("b", oncall.MetricCritical, time.Hour), of("c", oncall.MetricWarning, 0)}, Down, "b is critical"},
			{"missing", []mackerel.Status{of("a", oncall.MetricWarning, time.Minute), of("b", oncall.MetricMissing, time.Hour)}, Down, "b is missing"},
		} {
			r := New(Options{DB: db, Probes: given{{Monitor: m}}, Metrics: func(context.Context, oncall.MonitorID) ([]mackerel.Status, error) { return tc.metrics, nil }})
			all, err := r.All(t.Context())
			if err != nil || len(all) != 1 || all[0].State != tc.want || all[0].Message != tc.why {
				t.Errorf("%s: got %+v %v, want %s %q", tc.name, all, err, tc.want, tc.why)
				continue
			}
			if one, err := r.One(t.Context(), "jobs"); err != nil || one.State != tc.want || !one.Since.Equal(all[0].Since) {
				t.Errorf("%s: got %s %v alone", tc.name, one.State, err)
			}
		}
	})
}
