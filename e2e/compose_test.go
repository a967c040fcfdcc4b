package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/internal/testserver"
)

// composed is a file of the set with Grafana, in which hosts, ports and times
// are this test's.
func composed(t *testing.T, file string, instead ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	said := string(text)
	for i := 0; i < len(instead); i += 2 {
		if !strings.Contains(said, instead[i]) {
			t.Fatalf("%s does not have %q any more", file, instead[i])
		}
		said = strings.ReplaceAll(said, instead[i], instead[i+1])
	}
	return said
}

// exporter runs `toban exporter` with that configuration until the test ends.
func exporter(t *testing.T, config string) (address string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", harness.Port(t))
	cmd := exec.Command(harness.Binary(t), "exporter", "--listen", address, "--config", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	return address
}

// The set of deploy/compose/grafana, with the real Prometheus and Alertmanager:
// a target that never answers becomes an incident and is resolved when it does,
// and the four panels have something to show.
func TestS5_TheSetWithGrafanaFindsATargetThatNeverAnswered(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0") // nobody else gets the target's port
	if err != nil {
		t.Fatal(err)
	}
	target := "http://" + held.Addr().String()
	dead := make(chan struct{})
	go func() { // ends with the listener
		defer close(dead)
		for {
			conn, err := held.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()

	const dir = "compose/grafana/"
	toban := harness.New(t, "sqlite", func(listen string) string {
		return composed(t, dir+"toban/toban.yaml", "http://localhost:8080", "http://"+listen, "172.30.83.10/32", "127.0.0.1/32")
	})
	toban.Start()
	alertmanager := testserver.Alertmanager(t, composed(t, dir+"alertmanager/alertmanager.yml",
		"http://toban:8080", toban.URL, "group_wait: 10s", "group_wait: 0s", "group_interval: 5m", "group_interval: 1s"))
	checks := exporter(t, composed(t, dir+"exporter/exporter.yml", "https://example.com", target, "interval: 15s", "interval: 1s"))
	prometheus := testserver.Prometheus(t, composed(t, dir+"prometheus/prometheus.yml",
		"rule_files: [ rules.yml ]\n", "", "exporter:9183", checks, "alertmanager:9093", strings.TrimPrefix(alertmanager, "http://"), "15s", "1s"),
		composed(t, dir+"prometheus/rules.yml", "[45s]", "[6s]"))

	harness.Wait(t, 30*time.Second, "there is an incident about the target", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "open")
		return len(list) == 1 && list[0].Service == "targets" && strings.Contains(list[0].Title, "UptimeCheckFailing"), err
	})
	fourPanels(t, prometheus, target)

	held.Close()
	<-dead
	again, err := net.Listen("tcp", held.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: again, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	server.Start()
	t.Cleanup(server.Close)
	harness.Wait(t, 30*time.Second, "the incident is over", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "open")
		return len(list) == 0, err
	})
}

// fourPanels asks what the dashboard asks.
func fourPanels(t *testing.T, prometheus, target string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(composed(t, "grafana/uptime.json")), &board); err != nil {
		t.Fatal(err)
	}
	if len(board.Panels) != 4 {
		t.Errorf("got %d panels, want four", len(board.Panels))
	}
	for _, p := range board.Panels {
		query := strings.ReplaceAll(p.Targets[0].Expr, "$target", target)
		res, err := http.PostForm(prometheus+"/api/v1/query", url.Values{"query": {query}})
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		res.Body.Close()
		var out struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err != nil || json.Unmarshal(said, &out) != nil || len(out.Data.Result) != 1 || out.Data.Result[0].Value[1] == "NaN" {
			t.Errorf("%s: got %s, %v, want one number", p.Title, said, err)
		}
	}
}
