package exporter

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/detect/probe"
	"toban/internal/testserver"
)

// A Prometheus of Debian scrapes us: the team's four queries return data, and
// its rule fires for a target that has never succeeded, and for no other.
func TestS5ThePrometheusOfTheTeamReadsWhatItNeeds(t *testing.T) {
	t.Parallel()
	const good, bad = "https://www.google.com", "never.example.jp"
	u := NewUptime()
	u.Add("http", good)
	u.Add("ping", bad)
	var once sync.Once
	asked := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.ServeHTTP(w, r)
		once.Do(func() { close(asked) })
		// A check of each between two scrapes.
		u.Observe("http", good, &probe.Result{Up: true, Duration: 30 * time.Millisecond})
		u.Observe("ping", bad, &probe.Result{Duration: 2 * time.Second})
	}))
	t.Cleanup(s.Close)
	base := testserver.Prometheus(t, `
global: { scrape_interval: 1s, evaluation_interval: 1s }
scrape_configs:
  - job_name: uptime
    static_configs: [ { targets: ["`+strings.TrimPrefix(s.URL, "http://")+`"] } ]
`, text(t, "rules.yml"))
	<-asked
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for query := range strings.Lines(text(t, "queries.promql")) {
		if query = strings.TrimSpace(query); query == "" {
			continue
		}
		waitFor(ctx, t, query, func() (string, bool) {
			all := series(t, client, base, query)
			return strings.Join(all, "\n"), len(all) > 0
		})
	}
	waitFor(ctx, t, "the alert", func() (string, bool) {
		all := series(t, client, base, `ALERTS{alertname="UptimeCheckFailing",alertstate="firing"}`)
		got := strings.Join(all, "\n")
		return got, len(all) == 1 && strings.Contains(got, bad)
	})
}

// text is a file of what the team runs today.
func text(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../../fixtures/s5/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// waitFor asks again until it is so.
func waitFor(ctx context.Context, t *testing.T, what string, is func() (got string, ok bool)) {
	t.Helper()
	for {
		got, ok := is()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: got %q until the end", what, got)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// series are the labels of what a query returns.
func series(t *testing.T, client *http.Client, base, query string) (all []string) {
	t.Helper()
	resp, err := client.Get(base + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s, %v", query, resp.Status, err)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			all = append(all, r.Metric["protocol"]+" "+r.Metric["target"])
		}
	}
	return all
}
