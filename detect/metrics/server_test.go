package metrics

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"toban/internal/testserver"
)

func TestItAnswersUnderPrometheus(t *testing.T) {
	t.Parallel()
	c := start(t, filepath.Join(t.TempDir(), "new", "folder"))
	for path, want := range map[string]string{
		"/prometheus/-/ready": "ready", "/-/ready": "ready", "/prometheus/-/healthy": "alive", "/-/healthy": "alive",
		"/prometheus/metrics":                       "prometheus_tsdb_head_series ",
		"/prometheus/api/v1/query?query=1":          `"1"`,
		"/prometheus/api/v1/rules":                  `"groups":[]`,
		"/prometheus/api/v1/targets":                `"activeTargets":[]`,
		"/prometheus/api/v1/alerts":                 `"alerts":[]`,
		"/prometheus/api/v1/alertmanagers":          `"activeAlertmanagers":[]`,
		"/prometheus/api/v1/status/config":          "evaluation_interval: 15s",
		"/prometheus/api/v1/status/runtimeinfo":     `"storageRetention":"15d or 10GiB"`,
		"/prometheus/api/v1/status/buildinfo":       prometheusVersion,
		"/prometheus/api/v1/status/tsdb":            "headStats",
		"/prometheus/api/v1/status/flags":           "success",
		"/prometheus/api/v1/status/walreplay":       "success",
		"/prometheus/api/v1/metadata":               "success",
		"/prometheus/api/v1/label/__name__/values":  "success",
		"/prometheus/api/v1/series?match[]=up":      "success",
		"/prometheus/api/v1/scrape_pools":           "success",
		"/prometheus/api/v1/openapi.yaml":           "openapi",
		"/prometheus/api/v1/format_query?query=a/b": "a / b",
	} {
		if got := c.get(path); !strings.Contains(got, want) {
			t.Errorf("GET %s: got %.200s, want %q in it", path, got, want)
		}
	}
	if status, _, err := c.do(http.MethodPost, "/prometheus/api/v1/admin/tsdb/delete_series?match[]=up", nil); err != nil || status/100 == 2 {
		t.Errorf("deleting series: got %d (%v), want a refusal", status, err)
	}
	if code := c.end(); code != 0 {
		t.Errorf("exit code after stdin has closed: got %d, want 0\n%s", code, c.said())
	}
}

func TestQuestionsHaveBounds(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	long := "up+" + strings.Repeat("1+", maxQueryText/2) + "1"
	for _, tc := range []struct {
		path, body string
		want       int
	}{
		{"/prometheus/api/v1/query", "query=" + strings.ReplaceAll(long, "+", "%2B"), http.StatusBadRequest},
		{"/prometheus/api/v1/query", "query=" + strings.Repeat("x", maxForm), http.StatusRequestEntityTooLarge},
		{"/prometheus/api/v1/write", strings.Repeat("x", maxWrite+1), http.StatusRequestEntityTooLarge},
		{"/prometheus/api/v1/write", "no snappy", http.StatusBadRequest},
	} {
		status, text, err := c.do(http.MethodPost, tc.path, strings.NewReader(tc.body), "Content-Type", "application/x-www-form-urlencoded")
		if tc.path == "/prometheus/api/v1/write" {
			status, text, err = c.do(http.MethodPost, tc.path, strings.NewReader(tc.body), "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")
		}
		if err != nil || status != tc.want {
			t.Errorf("%s with %d bytes: got %d (%v) %.100s, want %d", tc.path, len(tc.body), status, err, text, tc.want)
		}
	}
}

const scrapeSelf = `
scrape_configs:
  - job_name: shop
    scrape_interval: 1s
    static_configs: [ { targets: [ '%s' ] } ]
`

// The configuration is read again on SIGHUP and by POST; what is wrong in it
// changes nothing, and the answer names file and line.
func TestReloadTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	exporter := testserver.Blackbox(t, "modules: {}\n")
	target := strings.TrimPrefix(exporter, "http://")
	dir := files(t, map[string]string{"prometheus.yml": "# nothing yet\n"})
	config := filepath.Join(dir, "prometheus.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, filepath.Join(dir, "data"), "--config", config, "--rules", filepath.Join(dir, "rules"))

	write(fmt.Sprintf(scrapeSelf, target))
	signalled(t, c, syscall.SIGHUP)
	eventually(t, 20*time.Second, func() bool { return c.query(`up{job="shop"}`) == "1" }, c.said)

	write("scrape_configs: [ { job_name: a, ec2_sd_configs: [] } ]\n")
	status, text, err := c.do(http.MethodPost, "/prometheus/-/reload", nil)
	if err != nil || status != http.StatusInternalServerError || !strings.Contains(text, config+":1:34: ") {
		t.Errorf("reload: got %d %q (%v), want 500 with the place", status, text, err)
	}
	if got := c.metric("toban_metrics_reload_successful"); got != 0 {
		t.Errorf("reload_successful: got %v, want 0", got)
	}
	if got := c.get("/prometheus/api/v1/scrape_pools"); !strings.Contains(got, "shop") {
		t.Errorf("scrape pools: got %s, want those of before", got)
	}

	write("global: { evaluation_interval: 1s }\n")
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	rules := "groups: [ { name: g, interval: 7s, rules: [ { record: one, expr: '1' } ] } ]\n"
	if err := os.WriteFile(filepath.Join(dir, "rules", "generated.yml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, text, err := c.do(http.MethodPost, "/-/reload", nil); err != nil || status != http.StatusOK {
		t.Fatalf("reload: got %d %q (%v), want 200", status, text, err)
	}
	if got := c.get("/prometheus/api/v1/scrape_pools"); strings.Contains(got, "shop") {
		t.Errorf("scrape pools: got %s, want none", got)
	}
	if got := c.get("/prometheus/api/v1/rules"); !strings.Contains(got, `"interval":7,`) {
		t.Errorf("rules: got %s, want the generated group with its own interval", got)
	}
	eventually(t, 20*time.Second, func() bool { return c.query("one") == "1" }, c.said)
}

func TestABrokenRuleFileDoesNotKeepTheOthersFromWorking(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"good.yml": "groups: [ { name: g, interval: 1s, rules: [ { record: one, expr: '1' } ] } ]\n",
		"bad.yml":  "groups:\n  - name: b\n    rules:\n      - alert: Down\n        expr: up ==\n",
	})
	c := start(t, filepath.Join(dir, "data"), "--rules", filepath.Join(dir, "good.yml"), "--rules", filepath.Join(dir, "bad.yml"))
	eventually(t, 10*time.Second, func() bool { return c.query("one") == "1" }, c.said)
	if got := c.metric("toban_metrics_rule_problems"); got != 1 {
		t.Errorf("rule_problems: got %v, want 1", got)
	}
	if !strings.Contains(c.said(), "bad.yml:5:15: ") {
		t.Errorf("log: got %s, want the place of the problem", c.said())
	}
}

func TestAStartThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"prometheus.yml": "scrape_configs: [ { job_name: a, ec2_sd_configs: [] } ]\n", "file": ""})
	taken := filepath.Join(dir, "taken")
	start(t, taken)
	for _, tc := range []struct {
		name string
		data string
		args []string
		code int
		want string
	}{
		{"another process has the folder", taken, nil, 1, "in use by another toban metrics or Prometheus"},
		{"the folder is a file", filepath.Join(dir, "file"), nil, 1, "is no folder"},
		{"a configuration that is wrong", filepath.Join(dir, "a"), []string{"--config", filepath.Join(dir, "prometheus.yml")}, 1, "prometheus.yml:1:34: toban finds targets with"},
		{"a configuration that is not there", filepath.Join(dir, "b"), []string{"--config", filepath.Join(dir, "gone.yml")}, 1, "gone.yml: no such file"},
		{"a socket that is a file", filepath.Join(dir, "c"), []string{"--listen", "unix:" + filepath.Join(dir, "file")}, 1, "is no socket"},
		{"a port that can't be", filepath.Join(dir, "d"), []string{"--listen", "127.0.0.1:99999"}, 1, "--listen"},
		{"too little memory", filepath.Join(dir, "e"), []string{"--memory", "1MiB"}, 2, "--memory: at least 64MiB"},
		{"no time to keep samples", filepath.Join(dir, "f"), []string{"--retention", "1m"}, 2, "--retention"},
		{"an address that is none", filepath.Join(dir, "g"), []string{"--alerts", "127.0.0.1:80"}, 1, "--alerts"},
		{"a flag that is not known", filepath.Join(dir, "h"), []string{"--quick"}, 2, "-quick"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := begin(t, tc.data, tc.args...)
			if code := c.ended(20 * time.Second); code != tc.code || !strings.Contains(c.said(), tc.want) {
				t.Errorf("got code %d and %q, want %d and %q in it", code, c.said(), tc.code, tc.want)
			}
		})
	}
}
