package e2e

import (
	"net/http"
	"strings"
	"testing"

	"toban/e2e/harness"
)

// With `metrics: {}` and nothing else the dashboard has what it asks for: toban's
// Prometheus scrapes its core and itself, and a start is no warning.
func TestR41_TobanAloneKnowsHowItIs(t *testing.T) {
	t.Parallel()
	toban := harness.New(t, "sqlite", func(listen string) string {
		return basics("http://"+listen, "http://127.0.0.1:1") + pairs(1, "25s", "1m") + "metrics: {}\n"
	})
	environment(toban)
	toban.Start()
	if status, _, err := post(toban, map[string]string{"service": service(0), "key": "k", "title": "down", "severity": "critical"}); err != nil || status != http.StatusAccepted {
		t.Fatalf("a signal: got %d, %v, want 202", status, err)
	}
	p := prometheusOf(t, toban)
	for query, value := range map[string]string{
		`toban_incidents_open{job="toban",state="triggered"}`:                              "1",
		`sum(toban_signals_accepted_total{dialect="generic"})`:                             "1",
		`toban_metrics_rule_problems{job="toban-metrics"}`:                                 "0",
		`histogram_quantile(0.99, sum by (le) (toban_page_delay_seconds_bucket)) < bool 5`: "1",
	} {
		p.waitFor(query, value)
	}
	if strings.Contains(toban.Log(), "samples are not taken") {
		t.Errorf("got a warning about samples while the metrics process started, want none:\n%s", toban.Log())
	}
}
