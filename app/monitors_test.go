package app

import (
	"testing"

	"toban/oncall"
)

func TestOnlyProbesAndRulesNeedAPrometheus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind   oncall.MonitorKind
		paused bool
		want   bool
	}{
		{oncall.MonitorHTTP, false, true},
		{oncall.MonitorCertificate, false, true},
		{oncall.MonitorPromQL, false, true},
		{oncall.MonitorPromQL, true, false},
		{oncall.MonitorHTTP, true, false},
		{oncall.MonitorHeartbeat, false, false},
		{oncall.MonitorMetric, false, false},
	} {
		if got := needsMetrics([]*oncall.Monitor{{ID: "m", Kind: tc.kind, Paused: tc.paused}}); got != tc.want {
			t.Errorf("%s, paused %v: got %v, want %v", tc.kind, tc.paused, got, tc.want)
		}
	}
}
