package oncall

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheLabelsOfAnAlertAreThoseOfItsMonitorsKind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		m      Monitor
		metric string
		want   map[string]string
	}{
		"a probe": {
			Monitor{ID: "shop", Name: "Shop", Kind: MonitorHTTP, Target: "https://shop.example.jp", Severity: Critical, Labels: map[string]string{"team": "a", "kind": "own"}},
			"",
			map[string]string{"alertname": "Shop", "monitor": "shop", "kind": "http", "severity": "critical", "team": "a", "location": "here", "target": "https://shop.example.jp"},
		},
		"a heartbeat is nowhere": {
			Monitor{ID: "nightly", Kind: MonitorHeartbeat, Severity: Warning},
			"",
			map[string]string{"alertname": "nightly", "monitor": "nightly", "kind": "heartbeat", "severity": "warning"},
		},
		"a service metric": {
			Monitor{ID: "orders", Kind: MonitorMetric, Severity: "error", Metric: &ServiceMetric{Service: "shop", Name: "orders.failed"}},
			"",
			map[string]string{"alertname": "orders", "monitor": "orders", "kind": "metric", "severity": "error", "service": "shop", "name": "orders.failed"},
		},
		"any of several metrics": {
			Monitor{ID: "orders", Kind: MonitorMetric, Severity: "error", Metric: &ServiceMetric{Service: "shop", Name: "orders.*"}},
			"",
			map[string]string{"alertname": "orders", "monitor": "orders", "kind": "metric", "severity": "error", "service": "shop"},
		},
		"one of several metrics, with a label instead": {
			Monitor{ID: "orders", Kind: MonitorMetric, Severity: "error", Labels: map[string]string{"service": "own"}, Metric: &ServiceMetric{Service: "shop", Name: "orders.*"}},
			"orders.failed",
			map[string]string{"alertname": "orders", "monitor": "orders", "kind": "metric", "severity": "error", "service": "own", "name": "orders.failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.m.AlertLabels(tc.metric)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
