package app_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"toban/internal/testserver"
)

// lines are those of an exposition that begin so.
func lines(text, prefix string) (all []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

func TestR41_AnIncidentIsSeenFromTheSignalToTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "metrics: {}\n")
	a, _ := h.start()
	v := h.visit(a, "viewer")
	if got := post(t, v.url+"/integrations/alertmanager/a-key-of-sixteen-or-more", firing); got != http.StatusAccepted {
		t.Fatalf("got %d, want 202", got)
	}
	if got := post(t, v.url+"/integrations/alertmanager/not-the-key-of-anybody", firing); got != http.StatusForbidden {
		t.Fatalf("got %d, want 403", got)
	}
	if status, doc := h.do(http.MethodPost, "/api/v1/incidents", `{"service":"shop","title":"rung by the simulator","stage":"staging"}`); status != http.StatusCreated {
		t.Fatalf("got %d %v, want 201", status, doc)
	}
	var text string
	eventually(t, func() error {
		status, header, body := v.do(http.MethodGet, "/metrics", "")
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
			return fmt.Errorf("got %d %v", status, header)
		}
		text = string(body)
		for _, want := range []string{
			`toban_signals_accepted_total{dialect="alertmanager"} 1`,
			`toban_intake_refused_total{code="intake.unknown_key",dialect="alertmanager"} 1`,
			`toban_incidents_open{state="triggered"} 2`,
			`toban_incidents_without_next_action 0`,
			`toban_timers_overdue{kind="response"} 0`,
			`toban_outbox{state="due"} `, `toban_outbox{state="claimed"} `, `toban_accept_queue 0`, `toban_due_waiting{kind="outbox"} `,
			`toban_page_delay_seconds_count{method="call"} `, `toban_store_commit_seconds_count `, `toban_store_batch_size_count `,
			`toban_due_lateness_seconds_count `, `toban_provider_failures_total{class="ambiguous",provider="`, `toban_provider_requests_total{provider="`,
			`toban_monitors{state="down"} 0`, `toban_heartbeats{state="down"} 0`, `toban_service_metrics{level="critical"} 0`,
			`toban_mackerel_points_total{result="forwarded"} 0`, `toban_remote_write_samples_total{result="dropped"} 0`, `toban_responses_restarted_total 0`, `toban_unread_figures_total 0`,
			`toban_build_info{version="test"} 1`, "process_resident_memory_bytes ", "go_goroutines ",
		} {
			if len(lines(text, want)) == 0 {
				return fmt.Errorf("got no %s in\n%s", want, strings.Join(lines(text, "toban_"), "\n"))
			}
		}
		return nil
	})
	if said := testserver.Tool(t, text, "promtool", "check", "metrics"); strings.TrimSpace(said) != "" {
		t.Errorf("got from promtool\n%s\nwant nothing to be said", said)
	}
	if n := len(lines(text, "toban_")); n > 400 {
		t.Errorf("got %d series, want few", n)
	}
	for _, name := range []string{"toban_page_delay_seconds", "toban_due_lateness_seconds", "toban_mackerel_key_refused"} {
		if len(lines(text, "# HELP "+name+" ")) != 1 {
			t.Errorf("got no help for %s", name)
		}
	}
	asked(t, text)
	for _, secret := range []string{"a-key-of-sixteen", "+81900", "not-the-key"} {
		if strings.Contains(text, secret) {
			t.Errorf("got %q in the answer, want nothing of it", secret)
		}
	}
}

// asked holds the dashboard, the rules and their page to what there is.
func asked(t *testing.T, text string) {
	t.Helper()
	named := regexp.MustCompile(`\btoban_[a-z_]+`)
	for _, file := range []string{"../deploy/grafana/toban.json", "../deploy/prometheus/toban-rules.yml", "../docs/own-metrics.md"} {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllString(string(body), -1) {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, part)
			}
			if !strings.HasPrefix(name, "toban_metrics_") && len(lines(text, "# TYPE "+name+" ")) != 1 {
				t.Errorf("%s has %s, which toban does not say", file, name)
			}
		}
	}
	page, err := os.ReadFile("../docs/own-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(text, "# TYPE toban_") {
		if name := strings.Fields(line)[2]; !strings.Contains(string(page), "`"+name) && !strings.Contains(string(page), ", `"+name) {
			t.Errorf("docs/own-metrics.md does not have %s", name)
		}
	}
}

func TestR41_OnlyWhoMayReadMayScrape(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config, h.o.PublicListen = h.load(folder), "127.0.0.1:0"
	a, _ := h.start()
	v := h.visit(a, "viewer")
	ask := func(change func(*http.Request)) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"nobody, from this machine", func(*http.Request) {}, http.StatusUnauthorized},
		{"a wrong token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer tbn_wrong") }, http.StatusUnauthorized},
		{"a sender's key", func(r *http.Request) { r.Header.Set("Authorization", "Bearer a-key-of-sixteen-or-more") }, http.StatusUnauthorized},
		{"a viewer's token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+v.secret) }, http.StatusOK},
		{"as a password", func(r *http.Request) { r.SetBasicAuth("prometheus", v.secret) }, http.StatusOK},
		{"to write", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+v.secret); r.Method = http.MethodPost }, http.StatusNotFound},
	} {
		if got := ask(tc.change); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

// A Prometheus of the user's own scrapes as docs/own-metrics.md says.
func TestR41_APrometheusScrapesWithAToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	a, _ := h.start()
	v := h.visit(a, "viewer")
	peer := testserver.Prometheus(t, fmt.Sprintf(`
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: toban
    authorization: { credentials: %s }
    static_configs: [ { targets: [ '%s' ] } ]
`, v.secret, a.Addr()))
	eventually(t, func() error {
		said := testserver.Tool(t, "", "promtool", "query", "instant", peer, "toban_build_info and on(instance) up == 1")
		if !strings.Contains(said, `version="test"`) || !strings.Contains(said, "=> 1 @") {
			return fmt.Errorf("got %q, want toban among what it knows", said)
		}
		return nil
	})
}
