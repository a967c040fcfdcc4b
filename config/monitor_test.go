package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

// one monitor of a folder that has nothing else of interest.
func monitorOf(t *testing.T, body string) *oncall.Monitor {
	t.Helper()
	c := load(t, minimal+"locations: { osaka: {}, naha: {} }\nmonitors:\n  it: "+body+"\n")
	if len(c.Monitors()) != 1 {
		t.Fatalf("got %d monitors, want one", len(c.Monitors()))
	}
	return c.Monitors()[0]
}

func TestTheFriendlyKeysOfAMonitorBecomeAModule(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body, target, module string
		secrets                    []string
	}{
		{"a URL", "{ http: https://shop.example.jp/health }", "https://shop.example.jp/health", `{"http":{"preferred_ip_protocol":"ip4"},"prober":"http"}`, nil},
		{"a host alone is http", "{ http: shop.example.jp }", "http://shop.example.jp", `{"http":{"preferred_ip_protocol":"ip4"},"prober":"http"}`, nil},
		{
			"what is sent and what is wanted", `
    http: https://shop.example.jp/api
    method: POST
    headers: { accept: application/json, x-api-key: env:SHOP_KEY }
    body: '{"a":"<b>"}'
    expect: { status: [200, 3xx, 400-404], body: ok, not_body: error, json: '.status == "ok"', header: { Server: "^nginx" } }
    redirects: false
    http_version: 1.1
    ip: 6
    proxy: http://proxy.example.jp:3128
    keep_alive: true`,
			"https://shop.example.jp/api",
			`{"http":{"body":"{\"a\":\"<b>\"}","enable_http2":false,"fail_if_body_matches_regexp":["error"],"fail_if_body_not_matches_regexp":["ok"],` +
				`"fail_if_header_not_matches":[{"header":"Server","regexp":"^nginx"}],"follow_redirects":false,"headers":{"Accept":"application/json","X-Api-Key":"‹secret 0›"},` +
				`"http_version":"1.1","ip_protocol_fallback":false,"json":[".status == \"ok\""],"keep_alive":true,"method":"POST","preferred_ip_protocol":"ip6",` +
				`"proxy_url":"http://proxy.example.jp:3128","valid_status_codes":[200,"3xx","400-404"]},"prober":"http"}`,
			[]string{"env:SHOP_KEY"},
		},
		{
			"a user and a client certificate", "{ http: https://shop.example.jp, auth: { user: toban, password: env:SHOP_PASSWORD }, tls: { ca: /etc/ca.pem, cert: /etc/a.pem, key: file:/etc/a.key, min_version: TLS12 } }",
			"https://shop.example.jp",
			`{"http":{"basic_auth":{"password":"‹secret 3›","username":"toban"},"preferred_ip_protocol":"ip4",` +
				`"tls_config":{"ca_file":"/etc/ca.pem","cert_file":"/etc/a.pem","key_file":"/etc/a.key","min_version":"TLS12"}},"prober":"http"}`,
			[]string{"file:/etc/ca.pem", "file:/etc/a.pem", "file:/etc/a.key", "env:SHOP_PASSWORD"},
		},
		{
			"a token", "{ http: https://shop.example.jp, auth: { bearer: env:TOKEN }, ip: 6 first }", "https://shop.example.jp",
			`{"http":{"authorization":{"credentials":"‹secret 0›","type":"Bearer"},"preferred_ip_protocol":"ip6"},"prober":"http"}`,
			[]string{"env:TOKEN"},
		},
		{"ping", "{ ping: router.example.jp, size: 1400, dont_fragment: true }", "router.example.jp", `{"icmp":{"dont_fragment":true,"payload_size":1400,"preferred_ip_protocol":"ip4"},"prober":"icmp"}`, nil},
		{"ping of a URL", "{ ping: https://shop.example.jp/x }", "https://shop.example.jp/x", `{"icmp":{"preferred_ip_protocol":"ip4"},"prober":"icmp"}`, nil},
		{"tcp", "{ tcp: mail.example.jp:25 }", "mail.example.jp:25", `{"prober":"tcp","tcp":{"preferred_ip_protocol":"ip4"}}`, nil},
		{
			"tcp with a question", "{ tcp: '[2001:db8::1]:6379', send: PING, expect: '^\\+PONG', tls: true }", "[2001:db8::1]:6379",
			`{"prober":"tcp","tcp":{"preferred_ip_protocol":"ip4","query_response":[{"send":"PING"},{"expect":"^\\+PONG"}],"tls":true}}`, nil,
		},
		{
			"a conversation", "{ tcp: mail.example.jp:25, conversation: [ { expect: '^220' }, { send: QUIT } ], tls: false }", "mail.example.jp:25",
			`{"prober":"tcp","tcp":{"preferred_ip_protocol":"ip4","query_response":[{"expect":"^220"},{"send":"QUIT"}]}}`, nil,
		},
		{
			"STARTTLS", "{ tcp: mail.example.jp:587, starttls: smtp, tls: { server_name: mx.example.jp, insecure: true } }", "mail.example.jp:587",
			`{"prober":"tcp","tcp":{"preferred_ip_protocol":"ip4","starttls":"smtp","tls_config":{"insecure_skip_verify":true,"server_name":"mx.example.jp"}}}`, nil,
		},
		{
			"a name at a server", "{ dns: { name: shop.example.jp, type: mx, server: 192.0.2.53, expect: 10 mail.example.jp., rcode: noerror, transport: tcp } }", "192.0.2.53",
			`{"dns":{"expect":["10 mail.example.jp."],"preferred_ip_protocol":"ip4","query_name":"shop.example.jp","query_type":"MX","transport_protocol":"tcp","valid_rcodes":["NOERROR"]},"prober":"dns"}`, nil,
		},
		{"a name", "{ dns: shop.example.jp }", "shop.example.jp", `{"dns":{"system_resolver":true},"prober":"dns"}`, nil},
		{"a certificate", "{ certificate: shop.example.jp }", "shop.example.jp", `{"certificate":{"days":14,"preferred_ip_protocol":"ip4"},"prober":"certificate"}`, nil},
		{"a certificate in long", "{ certificate: { host: shop.example.jp:8443, days: 30 } }", "shop.example.jp:8443", `{"certificate":{"days":30,"preferred_ip_protocol":"ip4"},"prober":"certificate"}`, nil},
		{
			"gRPC", "{ grpc: shop.example.jp:50051, grpc_service: shop.Checkout, tls: true }", "shop.example.jp:50051",
			`{"grpc":{"preferred_ip_protocol":"ip4","service":"shop.Checkout","tls":true},"prober":"grpc"}`, nil,
		},
		{"gRPC in long", "{ grpc: { address: shop.example.jp:50051, service: a } }", "shop.example.jp:50051", `{"grpc":{"preferred_ip_protocol":"ip4","service":"a"},"prober":"grpc"}`, nil},
		{
			"a module written out", "{ module: { prober: http, http: { valid_status_codes: [204], no_follow_redirects: true, bearer_token_file: /etc/token } }, target: https://shop.example.jp }",
			"https://shop.example.jp", `{"http":{"bearer_token_file":"/etc/token","no_follow_redirects":true,"valid_status_codes":[204]},"prober":"http"}`,
			[]string{"file:/etc/token"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := monitorOf(t, tc.body)
			if m.Target != tc.target {
				t.Errorf("got target %s, want %s", m.Target, tc.target)
			}
			if diff := cmp.Diff(tc.module, m.Module); diff != "" || !json.Valid([]byte(m.Module)) {
				t.Errorf("module (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.secrets, m.Secrets); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			again, problems := ReadMonitor("it", []byte(m.Written), directory(t, minimal), nil)
			if diff := cmp.Diff(m, again); diff != "" {
				t.Errorf("what was written, read again (-want +got):\n%s%s", diff, lines(problems))
			}
		})
	}
}

func TestAMonitorsDefaults(t *testing.T) {
	t.Parallel()
	m := monitorOf(t, "{ http: https://shop.example.jp }")
	if m.Every != 15*time.Second || m.Timeout != 10*time.Second || m.Severity != oncall.Critical || m.Name != "it" ||
		m.Down != (oncall.Threshold{Count: 2}) || m.Up != (oncall.Threshold{}) {
		t.Errorf("got %+v", m)
	}
	if m := monitorOf(t, "{ ping: shop.example.jp, every: 1s }"); m.Timeout != 900*time.Millisecond {
		t.Errorf("got a time-out of %s, want it below the interval", m.Timeout)
	}
	if m := monitorOf(t, "{ certificate: shop.example.jp }"); m.Every != 10*time.Minute {
		t.Errorf("got %s, want a certificate to be looked at every ten minutes", m.Every)
	}
	m = monitorOf(t, `{ http: 10.0.0.5, private: true, name: 決済, every: 30s, timeout: 5s, down_after: 45s, up_after: 3 times, service: rest, severity: warning,
    locations: [here, osaka, naha], quorum: 2 of 3, labels: { product: checkout }, paused: true }`)
	m.Module, m.Written = "", ""
	want := &oncall.Monitor{
		ID: "it", Name: "決済", Kind: oncall.MonitorHTTP, Target: "http://10.0.0.5", Every: 30 * time.Second, Timeout: 5 * time.Second,
		Down: oncall.Threshold{For: 45 * time.Second}, Up: oncall.Threshold{Count: 3}, Severity: oncall.Warning, Service: "rest",
		Labels: map[string]string{"product": "checkout"}, Paused: true, Private: true, Locations: []string{"here", "osaka", "naha"}, Quorum: 2,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMonitorsThatAskNobody(t *testing.T) {
	t.Parallel()
	if m := monitorOf(t, "{ promql: 'up == 0', down_after: 10m, every: 30s }"); m.PromQL != "up == 0" || m.Kind != oncall.MonitorPromQL || m.Down.For != 10*time.Minute || m.Timeout != 0 {
		t.Errorf("got %+v", m)
	}
	m := monitorOf(t, `{ metric: { service: shop, name: orders.failed, operator: ">", warning: 1.5, critical: 5, points: 3, missing: 30m } }`)
	warning, critical := 1.5, 5.0
	if diff := cmp.Diff(&oncall.ServiceMetric{Service: "shop", Name: "orders.failed", Operator: ">", Warning: &warning, Critical: &critical, Points: 3, Missing: 30 * time.Minute}, m.Metric); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	m = monitorOf(t, `{ heartbeat: { cron: "0 3 * * *", zone: Asia/Tokyo, grace: 30m } }`)
	if diff := cmp.Diff(&oncall.Heartbeat{Slug: "it", Cron: "0 3 * * *", Zone: "Asia/Tokyo", Grace: 30 * time.Minute}, m.Heartbeat); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m = monitorOf(t, `{ heartbeat: { period: 1h, slug: nightly } }`); *m.Heartbeat != (oncall.Heartbeat{Slug: "nightly", Period: time.Hour, Grace: 5 * time.Minute}) {
		t.Errorf("got %+v", m.Heartbeat)
	}
}

func TestABlackboxFileIsReadWhereverItLies(t *testing.T) {
	t.Parallel()
	blackbox := "modules:\n  http_2xx:\n    prober: http\n    timeout: 5s\n    http: { preferred_ip_protocol: ip4, valid_status_codes: [] }\n"
	monitors := "monitors: { it: { module: http_2xx, target: https://shop.example.jp } }\n"
	want := `{"http":{"preferred_ip_protocol":"ip4","valid_status_codes":[]},"prober":"http","timeout":"5s"}`
	check := func(name string, c *Config, problems []Problem) {
		t.Helper()
		if c == nil || c.Monitors()[0].Module != want || c.Monitors()[0].Kind != oncall.MonitorHTTP {
			t.Errorf("%s: got %v, problems %s", name, c, lines(problems))
		}
	}
	for name, reference := range map[string]string{"in the folder": "", "in the folder and named": "modules: blackbox.yml\n"} {
		c, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(minimal + monitors + reference)}, "blackbox.yml": {Data: []byte(blackbox)}})
		check(name, c, problems)
	}
	c, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(minimal + monitors + "modules: [ modules/blackbox.txt ]\n")}, "modules/blackbox.txt": {Data: []byte(blackbox)}})
	check("below the folder", c, problems)
	dir := t.TempDir()
	for file, body := range map[string]string{"etc/blackbox.yml": blackbox, "toban/x.yaml": minimal + monitors + "modules: ../etc/blackbox.yml\n"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, problems = Load(filepath.Join(dir, "toban"))
	check("elsewhere", c, problems)
	if _, problems = LoadFS(one(minimal + "modules: nowhere.yml\n")); !Failed(problems) || !strings.Contains(lines(problems), `the module file "nowhere.yml"`) {
		t.Errorf("got %s, want that it is not there", lines(problems))
	}
}

func TestALocationsReferenceIsAskedMoreOften(t *testing.T) {
	t.Parallel()
	c := load(t, minimal+"locations: { here: { reference: [ { ping: 198.51.100.1 }, { http: 'https://status.example.jp', every: 1s } ] } }\n")
	l := c.Locations()[0]
	if l.Name != "here" || len(l.References) != 2 || l.References[0].ID != "location/here/1" || l.References[0].Every != 5*time.Second ||
		l.References[0].Timeout != 3*time.Second || l.References[1].Every != time.Second || l.References[1].Timeout != 900*time.Millisecond {
		t.Errorf("got %+v %+v %+v", l, l.References[0], l.References[1])
	}
}

func TestWhatSomebodyTypesIsReadAsInTheFolder(t *testing.T) {
	t.Parallel()
	d := directory(t, minimal)
	m, problems := ReadMonitor("shop", []byte(`{"http":"https://shop.example.jp","service":"rest","locations":["osaka"]}`), d, []string{"osaka"})
	if m == nil || len(problems) > 0 || m.Service != "rest" {
		t.Fatalf("got %+v %s", m, lines(problems))
	}
	for name, tc := range map[string]struct{ name, body, want string }{
		"nothing":         {"shop", "", "says nothing to watch"},
		"no YAML":         {"shop", "{", "1:1:"},
		"another service": {"shop", "http: https://shop.example.jp\nservice: x", `no service named "x"`},
		"a location":      {"shop", "http: https://shop.example.jp\nlocations: naha", `no location named "naha"`},
		"a module's name": {"shop", "module: http_2xx\ntarget: x", `no module named "http_2xx"`},
		"a bad name":      {"a b", "http: https://shop.example.jp", "can't be a name"},
	} {
		if m, problems := ReadMonitor(tc.name, []byte(tc.body), d, nil); m != nil || !strings.Contains(lines(problems), tc.want) {
			t.Errorf("%s: got %+v %s, want %s", name, m, lines(problems), tc.want)
		}
	}
}

func TestThePageOfMonitorsShowsWhatCanBeRead(t *testing.T) {
	t.Parallel()
	around := "services: { checkout: { policy: p } }\nmodules: { http_post_2xx: { prober: http, http: { method: POST } } }\n"
	blocks := strings.Split(file(t, "../docs/monitors.md"), "```yaml\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("got %d examples, want two", len(blocks))
	}
	var all strings.Builder
	for _, block := range blocks {
		example, _, _ := strings.Cut(block, "```")
		all.WriteString(example)
	}
	c, problems := LoadFS(fstest.MapFS{"a.yaml": {Data: []byte(minimal)}, "b.yaml": {Data: []byte(around)}, "c.yaml": {Data: []byte(all.String())}})
	if c == nil || len(c.Monitors()) != 12 || len(c.Locations()) != 2 {
		t.Errorf("got %s", lines(problems))
	}
}

func FuzzReadMonitor(f *testing.F) {
	for _, seed := range []string{
		"{ http: https://shop.example.jp }", "{ module: { prober: http, http: { headers: { a: env:B } } }, target: x }", "heartbeat: { cron: '* * * * *' }",
		"{ dns: { name: x, server: '[::1]:53' } }", "tcp: a:1\nconversation: [ { send: x } ]",
	} {
		f.Add([]byte(seed))
	}
	d := &oncall.Directory{Settings: oncall.Settings{Zone: "UTC"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, problems := ReadMonitor("it", body, d, nil)
		if (m == nil) != Failed(problems) {
			t.Fatalf("monitor %+v, problems %v", m, problems)
		}
		if m != nil {
			if err := m.Validate(); err != nil {
				t.Fatalf("%v: %+v", err, m)
			}
		}
	})
}
