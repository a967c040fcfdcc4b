package metrics

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"toban/internal/testserver"
)

// freeAddress is one on loopback that nobody had a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startTCP is start on a port; the base URL is the second result.
func startTCP(t *testing.T, dir string, args ...string) (*child, string) {
	t.Helper()
	address := freeAddress(t)
	c := begin(t, dir, append(args, "--listen", address)...)
	c.client = &http.Client{Timeout: 30 * time.Second, Transport: redirected{address}}
	select {
	case <-c.ready:
	case <-c.done:
		t.Fatalf("toban metrics ended: %v\n%s", c.err, c.said())
	case <-time.After(30 * time.Second):
		t.Fatalf("toban metrics is not ready after 30 s\n%s", c.said())
	}
	return c, "http://" + address
}

// redirected sends every request to one address.
type redirected struct{ address string }

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	req.URL.Host = r.address
	return http.DefaultTransport.RoundTrip(req)
}

// Debian's Prometheus writes what it scrapes to us, and its rules' results.
func TestAPrometheusOfTheUsersOwnWritesToIt(t *testing.T) {
	t.Parallel()
	c, base := startTCP(t, t.TempDir())
	peer := testserver.Prometheus(t, fmt.Sprintf(`
global: { scrape_interval: 1s, evaluation_interval: 1s, external_labels: { site: debian } }
scrape_configs:
  - job_name: exporter
    static_configs: [ { targets: [ '%s' ] } ]
remote_write: [ { url: '%s/prometheus/api/v1/write' } ]
`, strings.TrimPrefix(testserver.Blackbox(t, "modules: {}\n"), "http://"), base),
		"groups: [ { name: g, rules: [ { record: jobs, expr: 'count(up)' } ] } ]\n")
	for _, expr := range []string{`up{site="debian",job="exporter"}`, `jobs{site="debian"}`} {
		eventually(t, 30*time.Second, func() bool { return c.query(expr) == "1" }, func() string { return expr + " is not there; " + c.said() })
	}
	text, err := http.Get(peer + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Body.Close()
	var metrics bytes.Buffer
	if _, err := metrics.ReadFrom(text.Body); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(metrics.String()) {
		if strings.HasPrefix(line, "prometheus_remote_storage_samples_failed_total{") && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			t.Errorf("the peer could not write all: %s", line)
		}
	}
}

// promtool is Debian's, unpacked beside the servers (tools/servers.sh) or on PATH.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	for _, dir := range []string{os.Getenv("TOBAN_SERVERS"), "/var/cache/toban-servers", filepath.Join(cacheHome(), "toban-servers")} {
		if p := filepath.Join(dir, "root", "usr", "bin", "promtool"); dir != "" && err != nil {
			if _, missing := os.Stat(p); missing == nil {
				path, err = p, nil
			}
		}
	}
	if err != nil {
		t.Fatalf("promtool is not on this machine: run tools/servers.sh, which fetches it (Debian package prometheus), or put it on PATH")
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func cacheHome() string {
	dir, _ := os.UserCacheDir() // "" is a folder that is not there
	return dir
}

func TestPromtoolAsksIt(t *testing.T) {
	t.Parallel()
	c, base := startTCP(t, t.TempDir())
	base += "/prometheus"
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}, value: 1}, sample{name: "shop_up", labels: []string{"instance", "b"}})
	now := time.Now()
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{[]string{"query", "instant", base, "sum(shop_up)"}, []string{"{} => 1 @"}},
		{[]string{"query", "range", "--start", fmt.Sprint(now.Unix() - 60), "--end", fmt.Sprint(now.Unix() + 1), "--step", "1s", base, "shop_up"}, []string{`instance="a"`, `instance="b"`}},
		{[]string{"query", "series", "--match", "shop_up", base}, []string{`__name__="shop_up"`, `instance="b"`}},
		{[]string{"query", "labels", base, "instance"}, []string{"a\nb"}},
		{[]string{"check", "rules", "testdata/rules.yml"}, []string{"8 rules found"}},
	} {
		got := promtool(t, tc.args...)
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("promtool %q: got %s, want %q in it", tc.args, got, want)
			}
		}
	}
}

// An Alertmanager understands what is posted, as a stand-in for toban and as one
// that the user's own file names.
func TestAnAlertmanagerUnderstandsWhatIsPosted(t *testing.T) {
	t.Parallel()
	const am = "route: { receiver: none }\nreceivers: [ { name: none } ]\n"
	inPlace, named := testserver.Alertmanager(t, am), testserver.Alertmanager(t, am)
	dir := files(t, map[string]string{
		"rules.yml": downRule("0s"),
		"prometheus.yml": fmt.Sprintf("global: { external_labels: { site: tokyo } }\nrule_files: [ '*rules.yml' ]\n"+
			"alerting: { alertmanagers: [ { static_configs: [ { targets: [ '%s' ] } ] } ] }\n", strings.TrimPrefix(named, "http://")),
	})
	c := start(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "prometheus.yml"),
		"--alerts", inPlace+"/api/v2/alerts", "--external-url", "https://toban.example.jp/sub")
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}})
	for _, peer := range []string{inPlace, named} {
		var got bytes.Buffer
		eventually(t, 20*time.Second, func() bool {
			resp, err := http.Get(peer + "/api/v2/alerts")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			got.Reset()
			_, err = got.ReadFrom(resp.Body)
			return err == nil && strings.Contains(got.String(), `"alertname":"Down"`)
		}, c.said)
		for _, want := range []string{`"site":"tokyo"`, `"severity":"critical"`, `"summary":"the shop at a is down"`, `https://toban.example.jp/sub/explore?expr=shop_up`} {
			if !strings.Contains(got.String(), want) {
				t.Errorf("the alertmanager has %s, want %s in it", got.String(), want)
			}
		}
	}
	if got := c.get("/prometheus/api/v1/alertmanagers"); !strings.Contains(got, named) {
		t.Errorf("alertmanagers: got %s, want %s in it", got, named)
	}
}

// Remote write 2.0 is taken as 1.0 is, and so is what comes late by minutes.
func TestRemoteWrite2AndLateSamples(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	now := time.Now()
	req := &writev2.Request{
		Symbols:    []string{"", "__name__", "second"},
		Timeseries: []writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Value: 2, Timestamp: now.UnixMilli()}}}},
	}
	raw, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	status, text, err := c.do(http.MethodPost, "/prometheus/api/v1/write", bytes.NewReader(snappy.Encode(nil, raw)),
		"Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding", "snappy", "X-Prometheus-Remote-Write-Version", "2.0.0")
	if err != nil || status/100 != 2 {
		t.Fatalf("remote write 2.0: %d %s (%v)", status, text, err)
	}
	if got := c.query("second"); got != "2" {
		t.Errorf("second: got %q, want 2", got)
	}
	c.push(sample{name: "late", value: 1, at: now})
	c.push(sample{name: "late", value: 1, at: now.Add(-8 * time.Minute)})
	if got := c.query("count_over_time(late[20m])"); got != "2" {
		t.Errorf("late: got %q samples, want 2", got)
	}
	if status, text, err := c.write(sample{name: "late", value: 1, at: now.Add(-30 * time.Minute)}); err != nil || status != http.StatusBadRequest {
		t.Errorf("half an hour late: got %d %s (%v), want 400", status, text, err)
	}
}

// A remote storage of the user's own gets what we are given.
func TestItWritesToARemoteStorage(t *testing.T) {
	t.Parallel()
	far, base := startTCP(t, t.TempDir())
	dir := files(t, map[string]string{"prometheus.yml": fmt.Sprintf("global: { external_labels: { site: tokyo } }\nremote_write: [ { url: '%s/prometheus/api/v1/write' } ]\n", base)})
	near := start(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "prometheus.yml"))
	eventually(t, 20*time.Second, func() bool {
		near.push(sample{name: "near", value: 3})
		return far.query(`near{site="tokyo"}`) == "3"
	}, near.said)
	if code := near.end(); code != 0 {
		t.Errorf("exit code: got %d, want 0\n%s", code, near.said())
	}
}

// Targets are found in files and over HTTP, and relabelled.
func TestTargetsAreFoundAndRelabelled(t *testing.T) {
	t.Parallel()
	exporter := strings.TrimPrefix(testserver.Blackbox(t, "modules: {}\n"), "http://")
	dir := files(t, map[string]string{
		"targets/a.json": fmt.Sprintf(`[ { "targets": [ %q ], "labels": { "team": "shop" } } ]`, exporter),
		"prometheus.yml": fmt.Sprintf(`
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: file
    file_sd_configs: [ { files: [ 'targets/*.json' ] } ]
    relabel_configs:
      - source_labels: [ team ]
        target_label: service
        replacement: ${1}-service
  - job_name: dns
    dns_sd_configs: [ { names: [ localhost ], type: A, port: %s } ]
`, exporter[strings.LastIndex(exporter, ":")+1:]),
	})
	c := start(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "prometheus.yml"))
	eventually(t, 20*time.Second, func() bool { return c.query(`up{job="file",team="shop",service="shop-service"}`) == "1" }, c.said)
	if got := c.get("/prometheus/api/v1/targets"); !strings.Contains(got, `"scrapePool":"file"`) {
		t.Errorf("targets: got %s", got)
	}
}
