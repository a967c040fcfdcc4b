package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/internal/remotewrite"
	"toban/internal/testserver"
	simtwilio "toban/sim/twilio"
)

// prometheus is the embedded one as its users meet it.
type prometheus struct {
	t      *testing.T
	toban  *harness.Toban
	secret string
}

var madeToken = regexp.MustCompile(`tbn_[a-z0-9]+`)

func prometheusOf(t *testing.T, toban *harness.Toban) prometheus {
	t.Helper()
	said, err := toban.CLI("token", "new", "e2e", "--role", "manager")
	secret := madeToken.FindString(said)
	if err != nil || secret == "" {
		t.Fatalf("no token: %v %s", err, said)
	}
	return prometheus{t, toban, secret}
}

// ask returns the status and the answer of a query.
func (p prometheus) ask(ctx context.Context, query string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.toban.URL+"/prometheus/api/v1/query", strings.NewReader(url.Values{"query": {query}}.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+p.secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(said), err
}

// waitFor waits until a query has that value.
func (p prometheus) waitFor(query, value string) {
	p.t.Helper()
	harness.Wait(p.t, 30*time.Second, query+" is "+value, func(ctx context.Context) (bool, error) {
		status, said, err := p.ask(ctx, query)
		var out struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err != nil || status != http.StatusOK || json.Unmarshal([]byte(said), &out) != nil {
			return false, fmt.Errorf("got %d %.200s, %w", status, said, err)
		}
		return len(out.Data.Result) == 1 && out.Data.Result[0].Value[1] == value, nil
	})
}

// A query that takes more memory than there is ends the metrics process; the
// pager calls on as if nothing had happened, and what was stored is there again.
func TestAGreedyQueryEndsTheMetricsAndACallGoesOutMeanwhile(t *testing.T) {
	t.Parallel()
	provider, address := telephones(t)
	provider.Phone(number(0)).Always(simtwilio.Ring())
	provider.Phone(number(1)).Always(simtwilio.Answer(0).Then("1", 0))
	toban := harness.New(t, "sqlite", func(listen string) string {
		return basics("http://"+listen, address) + pairs(1, "60s", "3s") + "metrics: { memory: 192MiB }\n"
	})
	environment(toban)
	toban.Start()
	p := prometheusOf(t, toban)
	p.waitFor("vector(1)", "1")

	const series = 10_000
	sender := remotewrite.New(remotewrite.Options{
		Target: remotewrite.Target{URL: toban.URL + "/prometheus/api/v1/write", Token: p.secret}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() { sent <- sender.Run(ctx) }() // ends with cancel
	var samples []remotewrite.Sample
	for i := range series {
		s, err := remotewrite.NewSeries("x", map[string]string{"n": fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, remotewrite.Sample{Series: s, At: remotewrite.At(time.Now()), Value: 1})
	}
	sender.Append(samples)
	p.waitFor("sum(x)", fmt.Sprint(series))
	cancel()
	if err := <-sent; err != nil {
		t.Error(err)
	}

	trigger(t, toban, service(0))
	if _, err := provider.Phone(number(0)).Ring(t.Context()); err != nil {
		t.Fatal(err)
	}
	rings := time.Now()
	// Each series is given a label of 60 KB: 600 MB that count as no samples.
	status, said, err := p.ask(t.Context(), `label_replace(x, "greedy", "`+strings.Repeat("y", 60_000)+`", "", "")`)
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(said, "metrics.down") {
		t.Errorf("got %d %.300s, %v for a greedy query, want 503 metrics.down", status, said, err)
	}
	harness.Wait(t, 5*time.Second, "the query has ended the metrics process", func(context.Context) (bool, error) {
		return strings.Contains(toban.Log(), "the child process ended"), nil
	})
	harness.Wait(t, 10*time.Second, "the second person has it", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "acknowledged")
		return len(list) == 1 && list[0].AcknowledgedBy == "second0", err
	})
	if calls := provider.Phone(number(1)).Calls(); len(calls) != 1 {
		t.Errorf("the second person was called %d times, want once", len(calls))
	} else if late := calls[0].Arrived.Sub(rings); late > 5*time.Second {
		t.Errorf("the second call came %s after the first rang, want about 3 s", late)
	}
	harness.Wait(t, 10*time.Second, "there is an incident about toban's metrics", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "all")
		for _, i := range list {
			if strings.Contains(i.Title, "metrics process does not work") {
				return i.Severity == "warning", err
			}
		}
		return false, err
	})
	p.waitFor("sum(x)", fmt.Sprint(series)) // the log of samples was replayed
	harness.Wait(t, 30*time.Second, "the incident about the metrics is over", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "open")
		return len(list) == 1, err // the one of the service
	})
}

// A Prometheus that runs already tells toban of its alerts without an
// Alertmanager, and hands its samples over.
func TestAPrometheusElsewhereSendsItsAlertsAndSamples(t *testing.T) {
	t.Parallel()
	provider, address := telephones(t)
	provider.Phone(number(0)).Always(simtwilio.Answer(0).Then("1", 0))
	const alerts, samples = "key-of-a-prometheus-elsewhere", "key-for-its-samples-alone"
	toban := harness.New(t, "sqlite", func(listen string) string {
		return basics("http://"+listen, address) + pairs(1, "60s", "3s") +
			"  elsewhere: { dialect: prometheus, service: " + service(0) + ", key: env:E2E_ALERTS_KEY }\n" +
			"  samples: { dialect: remote_write, key: env:E2E_SAMPLES_KEY }\nmetrics: {}\n"
	})
	environment(toban)
	toban.Env = append(toban.Env, "E2E_ALERTS_KEY="+alerts, "E2E_SAMPLES_KEY="+samples)
	toban.Start()
	p := prometheusOf(t, toban)
	p.waitFor("vector(1)", "1")
	host := strings.TrimPrefix(toban.URL, "http://")
	testserver.Prometheus(t, fmt.Sprintf(`
global: { scrape_interval: 1s, evaluation_interval: 1s, external_labels: { monitor: elsewhere } }
scrape_configs: [ { job_name: nobody, static_configs: [ { targets: [ "127.0.0.1:1" ] } ] } ]
alerting: { alertmanagers: [ { path_prefix: /integrations/prometheus/%s, static_configs: [ { targets: [ %q ] } ] } ] }
remote_write: [ { url: "%s/prometheus/api/v1/write", authorization: { credentials: %s } } ]
`, alerts, host, toban.URL, samples), `
groups:
  - name: all
    rules:
      - { alert: Down, expr: up == 0, labels: { severity: critical }, annotations: { summary: "{{ $labels.job }} is down" } }
`)
	harness.Wait(t, 30*time.Second, "somebody has the incident of its alert", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "acknowledged")
		return len(list) == 1 && list[0].Title == "nobody is down" && list[0].Service == service(0), err
	})
	p.waitFor(`count(up{job="nobody",monitor="elsewhere"})`, "1")
}
