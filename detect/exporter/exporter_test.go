package exporter

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"toban/detect/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// private lets this machine be asked.
func private() probe.Options { return probe.Options{Guard: probe.Guard{AllowPrivate: true}} }

// site is a web server on loopback.
func site(t testing.TB, serve http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	return s.URL
}

func fine(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }

// modules are those of a text beside the defaults.
func modules(t testing.TB, text string) probe.Modules {
	t.Helper()
	all := Defaults()
	if text == "" {
		return all
	}
	own, problems := probe.Load([]byte(text))
	if len(problems) > 0 {
		t.Fatalf("got %v", problems)
	}
	maps.Copy(all, own)
	return all
}

// asking is an exporter that is asked in process.
func asking(t testing.TB, c *Config, asked probe.Options) http.Handler {
	t.Helper()
	e := New(Options{Config: c, Own: private(), Asked: asked, Version: "tested"})
	t.Cleanup(func() { closed(t, e) })
	return e.Handler()
}

func closed(t testing.TB, e *Exporter) {
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// get is the answer to a path, with headers in pairs.
func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestProbeAnswersWithTheMetricsOfATarget(t *testing.T) {
	t.Parallel()
	h := asking(t, &Config{Modules: modules(t, "")}, private())
	url := site(t, fine)
	for _, path := range []string{"/probe?target=" + url, "/probe?module=http_2xx&target=" + strings.TrimPrefix(url, "http://"), "/probe?target=http%253A%252F%252F" + strings.TrimPrefix(url, "http://")} {
		w := get(h, path)
		if w.Code != 200 || w.Header().Get("Content-Type") != textFormat || !strings.Contains(w.Body.String(), "\nprobe_success 1\n") || !strings.Contains(w.Body.String(), "\nprobe_timeout_seconds 119.5\n") {
			t.Errorf("%s: got %d %s\n%s", path, w.Code, w.Header(), w.Body)
		}
	}
	down := get(h, "/probe?target="+site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	if body := down.Body.String(); down.Code != 200 || !strings.Contains(body, "\nprobe_success 0\n") || !strings.Contains(body, "\nprobe_http_status_code 503\n") {
		t.Errorf("got %d\n%s\nwant the metrics of a target that is down", down.Code, body)
	}
}

func TestProbeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	m, _ := probe.Load([]byte("modules: { h3: { prober: http, http: { enable_http3: true, enable_http2: false } }, own: { prober: http, http: { headers: { Host: a.example.jp } } } }"))
	maps.Copy(m, Defaults())
	h := asking(t, &Config{Modules: m}, private())
	for _, tc := range []struct {
		path   string
		header string
		code   int
		want   string
	}{
		{"/probe", "", 400, "Target parameter is missing"},
		{"/probe?target=x&module=nothing", "", 400, `Unknown module "nothing"`},
		{"/probe?target=x&module=h3", "", 400, "HTTP/3"},
		{"/probe?target=x&module=own&hostname=b.example.jp", "", 400, "host header defined both"},
		{"/probe?target=x&hostname=b%0d%0aX:y", "", 400, "hostname"},
		{"/probe?target=x", "soon", 400, "Failed to parse timeout"},
		{"/probe?target=x", "-1", 400, "Failed to parse timeout"},
		{"/probe?target=x", "NaN", 400, "Failed to parse timeout"},
		{"/nothing", "", 404, ""},
	} {
		w := get(h, tc.path, "X-Prometheus-Scrape-Timeout-Seconds", tc.header)
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s: got %d %s, want %d with %q", tc.path, w.Code, w.Body, tc.code, tc.want)
		}
	}
	if w := get(h, "/probe?target="+site(t, fine), "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("got %d for a page of another site, want 403", w.Code)
	}
}

func TestProbeEndsBeforePrometheusGivesUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header string
		module time.Duration
		want   time.Duration
	}{
		{"", 0, 119500 * time.Millisecond},
		{"10", 0, 9500 * time.Millisecond},
		{"10", 5 * time.Second, 5 * time.Second},
		{"5", 10 * time.Second, 4500 * time.Millisecond},
		{"0.3", 5 * time.Second, 5 * time.Second},
		{"0.3", 0, 300 * time.Millisecond},
		{"1e300", 0, 119500 * time.Millisecond},
		{"0", 7 * time.Second, 7 * time.Second},
	} {
		if got, err := timeout(tc.header, tc.module); err != nil || got != tc.want {
			t.Errorf("%q and %s: got %s, %v, want %s", tc.header, tc.module, got, err, tc.want)
		}
	}
	h := asking(t, &Config{Modules: modules(t, "")}, private())
	slow := site(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	start := time.Now()
	w := get(h, "/probe?target="+slow, "X-Prometheus-Scrape-Timeout-Seconds", "0.7")
	if took := time.Since(start); took > 600*time.Millisecond || !strings.Contains(w.Body.String(), "probe_success 0") {
		t.Errorf("took %s:\n%s\nwant down after 200 ms", took, w.Body)
	}
}

func TestDebugTellsPeopleWhatWasTriedAndCameBack(t *testing.T) {
	t.Parallel()
	h := asking(t, &Config{Modules: modules(t, "modules: { m: { prober: http, timeout: 3s, http: { basic_auth: { username: sato, password: geheim }, fail_if_body_matches_regexp: [broken] } } }")}, private())
	url := site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "it is broken <script>") })
	w := get(h, "/probe?debug=true&module=m&target="+strings.Replace(url, "http://", "http://u:geheim@", 1))
	body := w.Body.String()
	for _, want := range []string{
		"Logs for the probe:\nts=", `level=info module="m"`, "Beginning probe by http, for 3s at most", "connected to 127.0.0.1", "Probe failed after", "(body): the body matches broken",
		"\n\n\nWhat came back:\nHTTP/1.1 200 OK\n", "it is broken <script>", "\n\n\nMetrics that would have been returned:\n# HELP", "probe_failed_due_to_regex 1",
		"\n\n\nModule configuration:\nprober: http\n", "username: sato",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got\n%s\nwant %q in it", body, want)
		}
	}
	if strings.Contains(body, "geheim") || w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("got %v\n%s\nwant plain text without the password", w.Header(), body)
	}
}

func TestAHostnameIsAskedForAndWantedInTheCertificate(t *testing.T) {
	t.Parallel()
	h := asking(t, &Config{Modules: modules(t, "")}, private())
	url := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example.jp" {
			w.WriteHeader(404)
		}
	})
	if w := get(h, "/probe?hostname=shop.example.jp&target="+url); !strings.Contains(w.Body.String(), "probe_success 1") {
		t.Errorf("got\n%s\nwant up", w.Body)
	}
	if w := get(h, "/probe?target="+url); !strings.Contains(w.Body.String(), "probe_success 0") {
		t.Errorf("got\n%s\nwant down without the hostname", w.Body)
	}
}

func TestProbeAsksPrivateAddressesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	url := site(t, fine)
	closed := asking(t, &Config{Modules: modules(t, "")}, probe.Options{})
	w := get(closed, "/probe?debug=true&target="+url)
	if !strings.Contains(w.Body.String(), "probe_success 0") || !strings.Contains(w.Body.String(), "(forbidden)") {
		t.Errorf("got\n%s\nwant it forbidden", w.Body)
	}
	open := asking(t, &Config{Modules: modules(t, "")}, private())
	if w := get(open, "/probe?debug=true&target=http://169.254.169.254/latest/meta-data/"); !strings.Contains(w.Body.String(), "(forbidden)") {
		t.Errorf("got\n%s\nwant the metadata service forbidden in any case", w.Body)
	}
	named := asking(t, &Config{Modules: modules(t, "")}, probe.Options{Guard: probe.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}})
	if w := get(named, "/probe?target="+url); !strings.Contains(w.Body.String(), "probe_success 1") {
		t.Errorf("got\n%s\nwant the named network asked", w.Body)
	}
}

func TestS5CountersBeginAtZeroAndFailedChecksAreInTheHistogram(t *testing.T) {
	t.Parallel()
	u := NewUptime()
	u.Add("http", "https://www.google.com")
	u.Add("ping", "https://www.google.com")
	u.Observe("http", "https://www.google.com", &probe.Result{Up: true, Duration: 30 * time.Millisecond})
	u.Observe("http", "https://www.google.com", &probe.Result{Duration: 20 * time.Second})
	u.Observe("http", "https://www.google.com", &probe.Result{Up: true, Duration: 5 * time.Millisecond})
	w := get(u, "/metrics")
	if got := w.Header().Get("Content-Type"); got != textFormat {
		t.Errorf("got %s", got)
	}
	golden(t, "metrics.txt", w.Body.String())
	w = get(u, "/metrics", "Accept", "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	if got := w.Header().Get("Content-Type"); got != openFormat {
		t.Errorf("got %s", got)
	}
	golden(t, "openmetrics.txt", w.Body.String())
	columns, values := Columns(), u.Values(nil, "http", "https://www.google.com")
	if len(values) != 16 || len(columns) != 16 || columns[15].Name != "uptime_checks_total" || columns[11].Bound != "+Inf" ||
		values[15] != 3 || values[14] != 2 || values[11] != 3 || values[10] != 2 {
		t.Errorf("got %v of %v", values, columns)
	}
	u.Forget("http", "https://www.google.com")
	if got := u.Values(nil, "http", "https://www.google.com"); got != nil {
		t.Errorf("got %v for a target that was forgotten", got)
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestTargetsAreCheckedByThemselves(t *testing.T) {
	t.Parallel()
	up := site(t, fine)
	down := site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c, problems := Load("", "", []string{}, nil)
	if c == nil {
		t.Fatal(problems)
	}
	for _, url := range []string{up, down, strings.TrimPrefix(up, "http://")} {
		c.Targets = append(c.Targets, Target{Protocol: "http", Address: url, Label: url, Module: "http_2xx", Every: time.Second, Timeout: 900 * time.Millisecond})
	}
	e := New(Options{Config: c, Own: private(), Asked: private()})
	defer closed(t, e)
	run := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { defer close(run); e.Run(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		total := countOf(e.Uptime(), down, totalName)
		if ok := countOf(e.Uptime(), up, successName); ok >= 2 && total >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v and %v, want both checked twice", e.Uptime().Values(nil, "http", up), e.Uptime().Values(nil, "http", down))
		}
		<-time.After(20 * time.Millisecond)
	}
	if got := countOf(e.Uptime(), down, successName); got != 0 {
		t.Errorf("got %v successes of a target that is down", got)
	}
	e.Set(&Config{Modules: c.Modules, Targets: c.Targets[:1]})
	if e.Uptime().Values(nil, "http", down) != nil || countOf(e.Uptime(), up, totalName) < 2 {
		t.Error("want the target that went forgotten, and the other's counts kept")
	}
	cancel()
	<-run
}

// countOf is a count of a target; -1 for one that is not known.
func countOf(u *Uptime, target, name string) float64 {
	for i, v := range u.Values(nil, "http", target) {
		if Columns()[i].Name == name {
			return v
		}
	}
	return -1
}

func TestTheConfigurationIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("blackbox.yml", "modules: { http_own: { prober: http, http: { method: HEAD } } }")
	name := write("exporter.yml", `
interval: 30s
modules: blackbox.yml
allow: [10.0.0.0/8]
targets:
  - https://www.example.jp
  - { http: [a.example.jp, "http://u:geheim@b.example.jp"], module: http_own, interval: 60s, timeout: 20s }
  - ping: 192.0.2.1
  - { tcp: "mail.example.jp:25", certificate: shop.example.jp }
`)
	c, problems := Load(name, "", []string{"c.example.jp"}, nil)
	if c == nil || len(problems) > 0 {
		t.Fatalf("got %v", problems)
	}
	var got []string
	for _, each := range c.Targets {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", each.Protocol, each.Label, each.Module, each.Every, each.Timeout))
	}
	want := `http https://www.example.jp http_2xx 30s 10s
ping https://www.example.jp icmp 30s 10s
http a.example.jp http_own 1m0s 20s
http http://b.example.jp http_own 1m0s 20s
ping 192.0.2.1 icmp 30s 10s
tcp mail.example.jp:25 tcp_connect 30s 10s
certificate shop.example.jp certificate 30s 10s
http c.example.jp http_2xx 30s 10s
ping c.example.jp icmp 30s 10s`
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
	for text, want := range map[string]string{
		"targets: [{ htpp: a }]":                            `unknown key "htpp"; did you mean http?`,
		"targets: [{ interval: 15s }]":                      "a target is written as its address",
		"targets: [a, a]":                                   "http a is there twice",
		"targets: [{ http: a, module: icmp }]":              "the module icmp is for icmp, not for http",
		"targets: [{ http: a, module: http_2x }]":           `there is no module "http_2x"; did you mean http_2xx?`,
		"interval: 1ms":                                     "interval is from 1s",
		"interval: 10s\ntimeout: 10s":                       "2:1: timeout has to be below interval",
		"targets: { http: a }":                              "targets is a list",
		"modules: { m: { prober: nothing } }":               "is no prober",
		"allow: [everything]":                               "allow",
		"targets: ['']":                                     "a target needs an address",
		"modules: nowhere.yml":                              "the module file can't be read",
		"targets: [{ http: a, interval: 1s, timeout: 2s }]": "timeout has to be below interval",
	} {
		c, problems := Load(write("wrong.yml", text), "", nil, nil)
		if all := strings.Join(problems, "\n"); c != nil || !strings.Contains(all, want) {
			t.Errorf("%s: got %v, %s, want %q", text, c, all, want)
		}
	}
	if c, problems := Load(filepath.Join(dir, "none.yml"), "", nil, nil); c != nil || len(problems) != 1 {
		t.Errorf("got %v, %v, want one problem for a file that is not there", c, problems)
	}
}

func TestThePageNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	h := asking(t, &Config{Modules: modules(t, "modules: { '<b>': { prober: icmp } }")}, private())
	w := get(h, "/")
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `href="metrics"`) || !strings.Contains(body, "&lt;b&gt; (icmp)") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("got %d %v\n%s", w.Code, w.Header(), body)
	}
	for _, path := range []string{"/healthz", "/-/healthy"} {
		if w := get(h, path); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/metrics", nil)
	post := httptest.NewRecorder()
	if h.ServeHTTP(post, r); post.Code != 405 {
		t.Errorf("got %d for POST, want 405", post.Code)
	}
}

func TestOpenMetricsIsSentToThoseWhoPreferIt(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/plain": false, "application/openmetrics-text": true, "application/openmetrics-text;q=0.5,text/plain": false,
		"application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.5": true, "application/openmetrics-text;q=0": false, ";;q=x,,": false,
	} {
		if got := prefersOpenMetrics(accept); got != want {
			t.Errorf("%q: got %t, want %t", accept, got, want)
		}
	}
}

func BenchmarkUptime(b *testing.B) {
	u := NewUptime()
	for i := range 1000 {
		u.Add("http", fmt.Sprintf("https://t%d.example.jp", i))
	}
	r := &probe.Result{Up: true, Duration: 30 * time.Millisecond}
	b.Run("observe and samples", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			u.Observe("http", "https://t7.example.jp", r)
			if len(u.Values(nil, "http", "https://t7.example.jp")) == 0 {
				b.Fatal("no samples")
			}
		}
	})
	b.Run("1000 targets written", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if len(u.text(false)) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}
