package metrics

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// core answers /metrics on a socket as the core does.
func core(t *testing.T) (address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tc") // t.TempDir has too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen("unix:" + filepath.Join(dir, "core.sock"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE toban_incidents_open gauge\ntoban_incidents_open{state=\"triggered\"} 7\n")
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-served; os.RemoveAll(dir) })
	return "unix:" + l.Addr().String()
}

func TestR41_TobanWatchesItselfWithoutBeingTold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file string }{
		{"nothing is configured", ""},
		{"with the user's own jobs", "global: { scrape_interval: 1m }\nscrape_configs: [ { job_name: mine, static_configs: [ { targets: [ '127.0.0.1:1' ] } ] } ]\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--core", core(t)}
			if tc.file != "" {
				path := filepath.Join(t.TempDir(), "prometheus.yml")
				if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--config", path)
			}
			c := start(t, t.TempDir(), args...)
			for expr, want := range map[string]string{
				`toban_incidents_open{job="toban",instance="toban",state="triggered"}`: "7",
				`up{job="toban-metrics"}`:                          "1",
				`toban_metrics_rule_problems{job="toban-metrics"}`: "0",
			} {
				eventually(t, 40*time.Second, func() bool { return c.query(expr) == want }, func() string { return expr + " is not there; " + c.said() })
			}
			if got := c.query(`count({__name__=~".+", __unix_socket__!=""})`); got != "" {
				t.Errorf("got %s series with the path of a socket, want none", got)
			}
		})
	}
}

func TestAJobOfTheUsersOwnStandsForTobans(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, []byte("scrape_configs: [ { job_name: toban, static_configs: [ { targets: [ '127.0.0.1:1' ] } ] } ]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, t.TempDir(), "--core", core(t), "--config", path)
	eventually(t, 40*time.Second, func() bool { return c.query(`up{job="toban-metrics"}`) == "1" }, c.said)
	if got := c.get("/prometheus/api/v1/targets"); strings.Count(got, `"job":"toban",`)+strings.Count(got, `"job":"toban"}`) > 2 || strings.Contains(got, "core.sock") {
		t.Errorf("got the targets %s, want the user's job alone", got)
	}
}

func TestTheSocketOfTheCoreIsAnAbsolutePath(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:80", "unix:core.sock", "unix:/" + strings.Repeat("x", 200)} {
		if _, err := parseOptions([]string{"--data", "d", "--core", address}, io.Discard, func(string) string { return "" }); err == nil {
			t.Errorf("got %s taken, want it refused", address)
		}
	}
}
