package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/app"
	sim "toban/sim/mackerel"
)

const metricsFolder = folder + `
metrics: { enabled: false }
monitors:
  rawdata: { metric: { service: ORGANIZATION, name: DOMAIN-ENVIRONMENT.glue.job.*.failed, critical: 0 }, service: shop }
`

// postMetric posts one value as the function of a workflow does.
func postMetric(t *testing.T, url, key string, value int) int {
	t.Helper()
	body := fmt.Sprintf("[{\"name\":\"DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed\",\"time\":%d,\"value\":%d}]\n", time.Now().Unix(), value)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v0/services/ORGANIZATION/tsdb", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("User-Agent", "mackerel-client-go")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestAJobThatFailsInAWorkflowPagesAndIsPassedOnToMackerel(t *testing.T) {
	t.Parallel()
	real := sim.New(sim.Options{Keys: []string{"key-of-the-real-one"}})
	server := httptest.NewServer(real)
	defer server.Close()
	h := newHouse(t)
	h.env["METRICS_KEY"], h.env["MACKEREL_KEY"] = "a-key-for-metrics-alone", "key-of-the-real-one"
	yaml := strings.Replace(metricsFolder, "integrations: {", "integrations: { jobs: { dialect: mackerel, key: env:METRICS_KEY },", 1)
	yaml = strings.Replace(yaml, "providers: {", "providers: { mackerel: { key: env:MACKEREL_KEY, base_url: "+server.URL+" },", 1)
	h.o.Config = h.load(yaml)
	a, _ := h.start()
	url := "http://" + a.Addr()
	for key, want := range map[string]int{"": http.StatusUnauthorized, "guess": http.StatusUnauthorized, "a-key-of-sixteen-or-more": http.StatusForbidden} {
		if got := postMetric(t, url, key, 1); got != want {
			t.Errorf("with the key %q: got %d, want %d", key, got, want)
		}
	}
	if got := postMetric(t, url, "a-key-for-metrics-alone", 1); got != http.StatusOK {
		t.Fatalf("got %d, want it taken", got)
	}
	h.waitFor("rawdata: DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed is above 0")
	eventually(t, func() error {
		if got := real.Points("ORGANIZATION", "DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed"); len(got) != 1 || got[0].Value != 1 {
			return fmt.Errorf("passed on: %v", got)
		}
		return nil
	})
	if got := postMetric(t, url, "a-key-for-metrics-alone", 0); got != http.StatusOK {
		t.Fatalf("got %d, want it taken", got)
	}
	eventually(t, func() error {
		if _, doc := h.do(http.MethodGet, "/api/v1/incidents?state=resolved", ""); !strings.Contains(fmt.Sprint(doc), "rawdata: DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed is above 0") {
			return fmt.Errorf("got %v, want it resolved", doc)
		}
		return nil
	})
}

func TestAMackerelWhoseKeyIsMissingIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(strings.Replace(folder, "providers: {", "providers: { mackerel: { key: env:MACKEREL_KEY },", 1))
	if _, err := app.New(t.Context(), h.o); err == nil || !strings.Contains(err.Error(), "providers.mackerel.key") {
		t.Errorf("got %v, want the missing key named", err)
	}
}
