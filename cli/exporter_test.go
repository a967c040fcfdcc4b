package cli

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheExporterAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }))
	t.Cleanup(site.Close)
	config := filepath.Join(t.TempDir(), "exporter.yml")
	if err := os.WriteFile(config, []byte("interval: 1s\ntargets: [{ http: '"+site.URL+"' }]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, stderr := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"exporter", "--listen", "127.0.0.1:0", "--config", config}, strings.NewReader(""), io.Discard, stderr, func(string) string { return "" }, nil)
		_ = stderr.Close()
	}()
	lines := bufio.NewScanner(said)
	if !lines.Scan() {
		t.Fatal("got nothing, want the address")
	}
	base := strings.TrimSuffix(regexp.MustCompile(`http://\S+/metrics`).FindString(lines.Text()), "/metrics")
	go func() { _, _ = io.Copy(io.Discard, said) }() // ends with the pipe
	get := func(path string) string {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if got := get("/probe?target=" + site.URL); !strings.Contains(got, "probe_success 1") { // it listens on loopback
		t.Errorf("got\n%s\nwant the target up", got)
	}
	want := `uptime_checks_success_total{protocol="http",target="` + site.URL + `"} 1`
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(get("/metrics"), want); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got\n%s\nwant %s", get("/metrics"), want)
		}
	}
	cancel()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("got exit code %d, want 0", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("the exporter did not stop")
	}
}

func TestPrivateAddressesAreAskedByDefaultOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"127.0.0.1:9183": true, "[::1]:9183": true, "localhost:9183": true, ":9183": false, "0.0.0.0:9183": false, "192.0.2.1:80": false, "nonsense": false} {
		if got := onLoopback(listen); got != want {
			t.Errorf("%s: got %t, want %t", listen, got, want)
		}
	}
}
