package detect

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/config"
	"toban/detect/probe"
	"toban/detect/saying"
	"toban/oncall"
)

// written reads a monitor as the folder has it.
func written(t *testing.T, body string) *oncall.Monitor {
	t.Helper()
	m, problems := config.ReadMonitor("it", []byte(body), &oncall.Directory{Settings: oncall.Settings{Zone: "UTC"}}, nil)
	if m == nil {
		t.Fatalf("%s: %v", body, problems)
	}
	return m
}

func secrets(ref string) (string, error) {
	if ref == "env:MISSING" {
		return "", errors.New("the environment variable MISSING is not set")
	}
	return "hunter2", nil
}

func TestEveryFriendlyKeyIsUnderstoodByTheProbes(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"http: https://shop.example.jp",
		`{ http: shop.example.jp, method: POST, headers: { Accept: a, X-Token: env:T }, body: env:B, redirects: false, http_version: 1.1, ip: 6, proxy: "socks5://p.example.jp:1080", keep_alive: true,
  expect: { status: [200, 3xx, 400-404], body: a, not_body: [b], json: '.a == "b"', header: { Server: x } } }`,
		"{ http: https://shop.example.jp, http_version: 2, ip: 4 first, auth: { user: a, password: env:P }, tls: { server_name: a, insecure: true, min_version: TLS13 } }",
		"{ http: https://shop.example.jp, auth: { bearer: env:T }, ip: 4 }",
		"{ ping: router.example.jp, size: 1000, dont_fragment: true, ip: 6 }",
		"{ tcp: mail.example.jp:25, send: a, expect: b, tls: true }",
		"{ tcp: mail.example.jp:25, starttls: smtp, tls: { insecure: true } }",
		"{ tcp: mail.example.jp:25, conversation: [ { expect: '^220' }, { send: STARTTLS }, { expect: '^220', starttls: true }, { send: env:T } ] }",
		"dns: shop.example.jp",
		"dns: { name: shop.example.jp, type: MX, expect: [ 10 mail.example.jp. ] }",
		"dns: { name: shop.example.jp, type: A, server: 192.0.2.53, rcode: [NOERROR, NXDOMAIN], transport: tcp, expect: 192.0.2.1 }",
		"{ certificate: shop.example.jp:8443, days: 30, tls: { server_name: a } }",
		"certificate: https://shop.example.jp",
		"{ grpc: shop.example.jp:50051, grpc_service: a, tls: { insecure: true }, keep_alive: true }",
		"{ module: { prober: http, timeout: 5s, http: { valid_status_codes: [204], method: GET, no_follow_redirects: false, fail_if_ssl: false, headers: { Host: a } } }, target: https://shop.example.jp }",
	} {
		m := written(t, body)
		if _, err := checkerOf(m, secrets, probe.Options{}); err != nil {
			t.Errorf("%s: %v\n%s", body, err, m.Module)
		}
		if err := Watchable(m, secrets); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestASecretIsSentAndShownNowhere(t *testing.T) {
	t.Parallel()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	m := written(t, "{ http: '"+server.URL+"', private: true, headers: { X-Token: env:T }, auth: { user: toban, password: file:/run/secret } }")
	if strings.Contains(m.Module, "hunter2") {
		t.Error("the secret is in the module")
	}
	c, err := checkerOf(m, secrets, probe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := timeout(t, 5*time.Second)
	defer cancel()
	r := c.Check(ctx, m.Target)
	if r.Up || got.Get("X-Token") != "hunter2" || !strings.HasPrefix(got.Get("Authorization"), "Basic ") {
		t.Errorf("got %v, result %+v", got, r)
	}
	if said := string(encode(t, r.Evidence)) + r.Message; strings.Contains(said, "hunter2") {
		t.Errorf("the secret is in the evidence: %s", said)
	}
}

func TestAModuleThatSomebodyMadeUpReadsNoFilesAndNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		module  string
		secrets []string
		says    string
	}{
		"a file":               {`{"prober":"http","http":{"body_file":"` + file + `"}}`, nil, "not among what the monitor may read"},
		"a list of files":      {`{"prober":"http","http":{"http_headers":{"A":{"files":["` + file + `"]}}}}`, nil, "not among what the monitor may read"},
		"a secret of nobody's": {`{"prober":"http","http":{"body":"‹secret 1›"}}`, []string{"env:A"}, "does not name"},
		"a missing one":        {`{"prober":"http","http":{"body":"‹secret 0›"}}`, []string{"env:MISSING"}, "MISSING is not set"},
		"no JSON":              {"prober: http", nil, "can't be read"},
		"more than one":        {"{} {}", nil, "can't be read"},
		"no such key":          {`{"prober":"http","htpp":{}}`, nil, "htpp"},
		"no such prober":       {`{"prober":"websocket"}`, nil, "websocket"},
		"a secret that is bad": {`{"prober":"http","http":{"method":"‹secret 0›"}}`, []string{"env:A"}, "‹secret›"},
	} {
		m := &oncall.Monitor{ID: "it", Kind: oncall.MonitorHTTP, Module: tc.module, Secrets: tc.secrets}
		_, err := checkerOf(m, secrets, probe.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", name, err, tc.says)
		}
	}
	half := written(t, "{ http: https://shop.example.jp, expect: { json: '.a == 1' } }")
	half.Module = strings.Replace(half.Module, ".a == 1", ".a ==", 1) // as one that was stored before it was refused
	if err := Watchable(half, secrets); err == nil || !strings.Contains(err.Error(), "jq") {
		t.Errorf("got %v, want that it is no jq", err)
	}
	if err := Watchable(written(t, "heartbeat: { period: 1h }"), nil); err != nil {
		t.Errorf("a heartbeat: %v", err)
	}
	m := &oncall.Monitor{ID: "it", Kind: oncall.MonitorHTTP, Module: `{"prober":"http","http":{"body_file":"` + file + `"}}`, Secrets: []string{"file:" + file}}
	if _, err := checkerOf(m, secrets, probe.Options{}); err != nil {
		t.Errorf("a file that is named: %v", err)
	}
}

func TestRulesAreAFileOfPrometheus(t *testing.T) {
	t.Parallel()
	disk := written(t, `{ promql: 'node_filesystem_avail_bytes < 5', down_after: 10m, up_after: 3x, every: 30s, severity: warning, labels: { team: "a {{ b }}" } }`)
	disk.ID, disk.Name, disk.Service = "disk", "ディスク", "checkout"
	errors := written(t, "metric: { service: shop, name: errors, warning: 1, critical: 5, missing: 30m }")
	errors.ID, errors.Name = "errors", "errors"
	paused := written(t, "{ promql: up, paused: true }")
	want := `groups:
  - name: "toban/monitor/disk"
    interval: 30s
    rules:
      - alert: "ディスク"
        expr: "node_filesystem_avail_bytes < 5"
        for: 10m
        keep_firing_for: 1m
        labels:
          monitor: "disk"
          kind: "promql"
          severity: "warning"
          toban_service: "checkout"
          team: "a { { b }}"
        annotations:
          reason: "true"
          summary: "ディスク: 条件が成り立っています（値: {{ $value }}）"
          title: "ディスク: 条件が成り立っています"
          value: "{{ $value }}"
`
	if got := string(RuleOf(disk, saying.Words{Language: "ja"})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, other := range []*oncall.Monitor{monitor("shop"), errors, paused} {
		if got := RuleOf(other, saying.Words{}); len(got) != 0 {
			t.Errorf("got %s, want nothing", got)
		}
	}
	if id, is := RuleGroup("toban/monitor/disk"); id != "disk" || !is {
		t.Errorf("got %q %t, want the monitor of a group", id, is)
	}
	if _, is := RuleGroup("node"); is {
		t.Error("a user's own group is taken for a monitor")
	}
}
