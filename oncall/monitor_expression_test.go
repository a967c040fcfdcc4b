package oncall

import (
	"testing"
	"time"
)

func TestEachMonitorShowsThePromQLThatMeansTheSame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		m    Monitor
		want string
	}{
		{"the first failure", Monitor{ID: "shop", Kind: MonitorHTTP}, `probe_success{monitor="shop"} == 0`},
		{"a time", Monitor{ID: "shop", Kind: MonitorHTTP, Down: Threshold{For: 90 * time.Second}}, `max_over_time(probe_success{monitor="shop"}[1m30s]) == 0`},
		{"a count", Monitor{ID: "shop", Kind: MonitorPing, Every: 15 * time.Second, Down: Threshold{Count: 3}}, `max_over_time(probe_success{monitor="shop"}[45s]) == 0`},
		{"two of three", Monitor{ID: "s", Kind: MonitorTCP, Locations: []string{"a", "b", "c"}, Quorum: 2}, `count by (monitor) (probe_success{monitor="s"} == 0) >= 2`},
		{
			"more than half",
			Monitor{ID: "s", Kind: MonitorTCP, Locations: []string{"a", "b", "c"}},
			`count by (monitor) (probe_success{monitor="s"} == 0) > count by (monitor) (probe_success{monitor="s"}) / 2`,
		},
		{"a heartbeat", Monitor{ID: "b\"k", Kind: MonitorHeartbeat}, `time() > toban_heartbeat_deadline_timestamp_seconds{monitor="b\"k"}`},
		{"PromQL", Monitor{Kind: MonitorPromQL, PromQL: "up == 0"}, "up == 0"},
		{
			"a service metric",
			Monitor{Kind: MonitorMetric, Metric: &ServiceMetric{Service: "shop", Name: "errors", Operator: ">", Critical: new(0.0), Points: 1}},
			`last_over_time(toban_service_metric{service="shop", name="errors"}[24h]) > 0`,
		},
		{
			"its average, and missing",
			Monitor{Kind: MonitorMetric, Metric: &ServiceMetric{Service: "shop", Name: "orders", Operator: "<", Warning: new(0.5), Points: 3, Missing: 30 * time.Minute}},
			`(avg_over_time(toban_service_metric{service="shop", name="orders"}[3m]) or last_over_time(toban_service_metric{service="shop", name="orders"}[30m])) < 0.5` +
				` or absent_over_time(toban_service_metric{service="shop", name="orders"}[30m])`,
		},
		{
			"each metric of a form",
			Monitor{Kind: MonitorMetric, Metric: &ServiceMetric{Service: "shop", Name: "job.*.failed", Operator: ">", Critical: new(0.0), Points: 1}},
			`last_over_time(toban_service_metric{service="shop", name=~"job[.][^.]+[.]failed"}[24h]) > 0`,
		},
	} {
		if got := tc.m.Expression(); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestAMonitorThatCanNotBeWatchedIsRefused(t *testing.T) {
	t.Parallel()
	good := Monitor{ID: "shop", Kind: MonitorHTTP, Target: "https://shop.example.jp", Module: "{}", Every: 15 * time.Second, Timeout: 10 * time.Second, Severity: Critical}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m *Monitor){
		"no interval":         func(m *Monitor) { m.Every = 0 },
		"a long time-out":     func(m *Monitor) { m.Timeout = m.Every },
		"no target":           func(m *Monitor) { m.Target = "" },
		"no module":           func(m *Monitor) { m.Module = "" },
		"no name":             func(m *Monitor) { m.ID = "" },
		"no such kind":        func(m *Monitor) { m.Kind = "x" },
		"no severity":         func(m *Monitor) { m.Severity = "bad" },
		"quorum":              func(m *Monitor) { m.Quorum = 2 },
		"a location twice":    func(m *Monitor) { m.Locations = []string{"a", "a"} },
		"count":               func(m *Monitor) { m.Down.Count = -1 },
		"heartbeat":           func(m *Monitor) { m.Kind = MonitorHeartbeat },
		"both":                func(m *Monitor) { m.Kind, m.Heartbeat = MonitorHeartbeat, &Heartbeat{Period: 1, Cron: "* * * * *"} },
		"nothing to ask":      func(m *Monitor) { m.Kind, m.PromQL = MonitorPromQL, " " },
		"a metric of nothing": func(m *Monitor) { m.Kind = MonitorMetric },
		"a part of a part": func(m *Monitor) {
			m.Kind, m.Metric = MonitorMetric, &ServiceMetric{Service: "s", Name: "job.a*", Operator: ">", Points: 1, Critical: new(0.0)}
		},
		"no limit": func(m *Monitor) {
			m.Kind, m.Metric = MonitorMetric, &ServiceMetric{Service: "s", Name: "n", Operator: ">", Points: 1}
		},
	} {
		m := good
		if change(&m); m.Validate() == nil {
			t.Errorf("%s: nothing was refused", name)
		}
	}
}

func TestAPlaceholderIsReadBackAndNothingElseIsOne(t *testing.T) {
	t.Parallel()
	if n, ok := ParsePlaceholder(Placeholder(7)); !ok || n != 7 {
		t.Errorf("got %d %t, want 7", n, ok)
	}
	for _, text := range []string{"", "secret 1", Placeholder(1) + " ", "‹secret -1›", "‹secret ›", "x" + Placeholder(1)} {
		if _, ok := ParsePlaceholder(text); ok {
			t.Errorf("%q is taken for a placeholder", text)
		}
	}
}
