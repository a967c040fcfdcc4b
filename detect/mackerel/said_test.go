package mackerel

import (
	"testing"
	"time"

	"toban/detect/saying"
	"toban/oncall"
	"toban/store"
)

func TestAMetricIsSaidInTheLanguageOfTheInstallationAndItsTitleHasNoValue(t *testing.T) {
	t.Parallel()
	ja := saying.Of(oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"})
	warning, critical := 80.0, 90.0
	plan := func(operator string, points int) oncall.MetricPlan {
		return oncall.MetricPlan{ServiceMetric: oncall.ServiceMetric{Name: "p95", Operator: operator, Warning: &warning, Critical: &critical, Points: points, Missing: 30 * time.Minute}}
	}
	several := plan(">", 1)
	several.Name = "p*"
	for _, tc := range []struct {
		plan           oncall.MetricPlan
		level          oncall.MetricLevel
		title, summary string
	}{
		{plan(">", 1), oncall.MetricCritical, "応答: 値が 90 を超えています", "p95 は 93.1 です（しきい値 > 90）"},
		{plan(">", 3), oncall.MetricWarning, "応答: 値が 80 を超えています", "p95 の直近 3 点の平均は 93.1 です（しきい値 > 80）"},
		{plan("<", 1), oncall.MetricCritical, "応答: 値が 90 を下回っています", "p95 は 93.1 です（しきい値 < 90）"},
		{several, oncall.MetricCritical, "応答: p95 が 90 を超えています", "p95 は 93.1 です（しきい値 > 90）"},
		{plan(">", 1), oncall.MetricMissing, "応答: データが届いていません", "p95 のデータが30分届いていません"},
	} {
		row := &store.MetricState{Name: "p95", State: oncall.MetricState{Level: tc.level, Value: 93.1}}
		s := trigger(ja, row, &entry{monitor: &oncall.Monitor{ID: "response", Name: "応答"}, plan: tc.plan})
		if s.Title != tc.title || s.Annotations["summary"] != tc.summary {
			t.Errorf("got %q, %q, want %q, %q", s.Title, s.Annotations["summary"], tc.title, tc.summary)
		}
	}
}
