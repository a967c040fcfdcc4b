package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toban/e2e/harness"
)

// The team's exporter, graphs and rule in toban alone: monitors in the place of
// the exporter, the embedded store in the place of Prometheus. The four queries
// return data, and the rule finds within 45 s and one interval a target that went
// down, and one that has never succeeded.
func TestS5MonitorsFeedTheTeamsQueriesAndItsRule(t *testing.T) {
	t.Parallel()
	const interval, evaluation = 5 * time.Second, 5 * time.Second
	var down atomic.Bool
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(target.Close)
	rules, err := filepath.Abs("../fixtures/s5/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	queries, err := os.ReadFile("../fixtures/s5/queries.promql")
	if err != nil {
		t.Fatal(err)
	}
	scrape := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(scrape, []byte("global: { evaluation_interval: 5s }\nrule_files: [ "+strconv.Quote(rules)+" ]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	never := "http://127.0.0.1:1" // nothing listens there
	_, address := telephones(t)
	toban := harness.New(t, "sqlite", func(listen string) string {
		// The monitors themselves are patient: what is heard of is the rule's.
		return basics("http://"+listen, address) + pairs(1, "60s", "3s") + "metrics: { prometheus: " + strconv.Quote(scrape) + " }\nmonitors:\n" +
			fmt.Sprintf("  shop: { http: %s, every: %s, down_after: 1h, private: true }\n  gone: { http: %s, every: %s, down_after: 1h, private: true }\n  here: { ping: 127.0.0.1, every: %s, down_after: 1h, private: true }\n",
				target.URL, interval, never, interval, interval)
	})
	environment(toban)
	began := time.Now()
	toban.Start()
	p := prometheusOf(t, toban)
	for query := range strings.Lines(string(queries)) {
		query = strings.ReplaceAll(strings.TrimSpace(query), "https://www.google.com", target.URL)
		harness.Wait(t, time.Minute, query, func(ctx context.Context) (bool, error) {
			status, said, err := p.ask(ctx, query)
			var out struct {
				Data struct{ Result []struct{ Value [2]any } }
			}
			if err != nil || status != http.StatusOK || json.Unmarshal([]byte(said), &out) != nil {
				return false, fmt.Errorf("got %d %.200s, %w", status, said, err)
			}
			return len(out.Data.Result) > 0 && out.Data.Result[0].Value[1] != "NaN", nil
		})
	}
	down.Store(true)
	went := time.Now()
	for target, since := range map[string]time.Time{never: began, target.URL: went} {
		active := p.activeSince("UptimeCheckFailing", target)
		if late := active.Sub(since); late > 45*time.Second+interval+evaluation+2*time.Second { // times are of whole seconds
			t.Errorf("%s: the rule found it after %s, want 45 s and one interval", target, late)
		}
	}
	harness.Wait(t, 30*time.Second, "incidents of both targets", func(ctx context.Context) (bool, error) {
		open, err := toban.Incidents(ctx, "open")
		return len(open) == 2, err
	})
	if status, said, err := p.ask(t.Context(), `count(uptime_checks_total{protocol="ping"})`); err != nil || status != http.StatusOK || !strings.Contains(said, `"1"`) {
		t.Errorf("pings: got %d %s, %v", status, said, err)
	}
}

// activeSince waits until an alert is there for a target, and returns since when
// it was first.
func (p prometheus) activeSince(alert, target string) (since time.Time) {
	p.t.Helper()
	query := fmt.Sprintf("min_over_time(ALERTS_FOR_STATE{alertname=%q,target=%q}[10m])", alert, target)
	harness.Wait(p.t, 2*time.Minute, query, func(ctx context.Context) (bool, error) {
		status, said, err := p.ask(ctx, query)
		var out struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err != nil || status != http.StatusOK || json.Unmarshal([]byte(said), &out) != nil || len(out.Data.Result) != 1 {
			return false, fmt.Errorf("got %d %.200s, %w", status, said, err)
		}
		text, _ := out.Data.Result[0].Value[1].(string)
		seconds, err := strconv.ParseFloat(text, 64)
		since = time.Unix(int64(seconds), 0)
		return err == nil, err
	})
	return since
}
