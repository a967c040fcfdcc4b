package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestModuleFilesAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	// Every key of blackbox-exporter's configuration from 0.23 on, as its users
	// write them, with anchors.
	modules, problems, err := LoadFile("testdata/everything.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("got %s, want no problem", p)
	}
	if len(modules) != 16 {
		t.Fatalf("got %d modules, want 16", len(modules))
	}
	for name, m := range modules {
		if m.Name != name {
			t.Errorf("got name %s, want %s", m.Name, name)
		}
		if _, bad := m.Checker(nearby()).(guarded).checker.(misfit); bad {
			t.Errorf("%s: got no checker", name)
		}
	}
	full := modules["http_full"]
	if h := full.HTTP; full.Timeout != 5*time.Second || h.BodySizeLimit != 10<<20 || !h.FollowRedirects || h.EnableHTTP2 || h.IPProtocol != "ip4" || h.ready.method != "POST" {
		t.Errorf("got %+v", h)
	}
	if h := modules["http_old"].HTTP; h.FollowRedirects || h.ready.header.Get("Authorization") != "Bearer from-file" {
		t.Errorf("got %+v, want no_follow_redirects and the token of the file", h)
	}
	if h := modules["http_2xx"].HTTP; !h.FollowRedirects || !h.EnableHTTP2 || !h.IPProtocolFallback {
		t.Errorf("got %+v, want blackbox-exporter's defaults", h)
	}
	if d := modules["dns_full"].DNS; d.Recursion || len(d.ValidateAnswer.FailIfNotMatchesRegexp) != 1 || d.ValidRcodes[1] != "NXDOMAIN" {
		t.Errorf("got %+v", d)
	}
	if q := modules["starttls"].TCP.QueryResponse; len(q) != 6 || q[0].Expect.String() != "^220 ([^ ]+) ESMTP (.+)$" || !q[4].StartTLS {
		t.Errorf("got %+v", q)
	}
	if g := modules["grpc_tls"].GRPC; !g.TLS || g.Service != "shop" || g.TLSConfig == nil || !g.TLSConfig.InsecureSkipVerify || g.Metadata["x-tenant"][0] != "a" {
		t.Errorf("got %+v", g)
	}
}

func TestWhatIsWrongInAModuleNamesItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("geheim"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ text, want string }{
		{"modules:\n  a: { prober: htpp }", `2:16: "htpp" is no prober; did you mean http?`},
		{"modules:\n  a:\n    timeout: 5s", "2:3: prober is missing: it is one of http"},
		{"modules:\n  a:\n    prober: http\n    http:\n      fail_if_body_matches_regex: [a]", `5:7: unknown key "fail_if_body_matches_regex"; did you mean fail_if_body_matches_regexp?`},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config:\n        ca_fiel: x", `6:9: unknown key "ca_fiel"; did you mean ca_file?`},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config:\n        ca_file: nowhere.pem", "6:9: ca_file: there is no such file"},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config:\n        ca_file: " + empty, "6:9: ca_file: there is no certificate in it"},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config: { cert_file: " + empty + ", key_file: " + empty + " }", "cert_file: the certificate and its key can't be used together"},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config: { cert_file: " + empty + " }", "cert_file: its key is missing"},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config: { min_version: TLS14 }", "min_version: it is TLS10"},
		{"modules:\n  a:\n    prober: http\n    http:\n      tls_config: { min_version: TLS13, max_version: TLS12 }", "max_version: it is below min_version"},
		{"modules:\n  a:\n    prober: http\n    http:\n      bearer_token_file: " + dir, "5:7: bearer_token_file: this is no file"},
		{"modules:\n  a:\n    prober: http\n    http:\n      basic_auth: { username: u }\n      bearer_token: geheim", "at most one of basic_auth, authorization, oauth2 and bearer_token"},
		{"modules:\n  a:\n    prober: http\n    http:\n      authorization: { type: basic, credentials: geheim }", "there is basic_auth"},
		{"modules:\n  a:\n    prober: http\n    http: { bearer_token: \"geh\\neim\" }", "can't be sent"},
		{"modules:\n  a:\n    prober: http\n    http: { valid_status_codes: [1000] }", `a status is written as 204, 2xx or 200-299, not "1000"`},
		{"modules:\n  a:\n    prober: http\n    http: { json: '.a[' }", "this is no jq"},
		{"modules:\n  a:\n    prober: http\n    http: { body_size_limit: large }", `"large" is no size`},
		{"modules:\n  a:\n    prober: http\n    http: { proxy_url: gopher://x }", "proxy_url: it is a URL that begins with http"},
		{"modules:\n  a:\n    prober: http\n    http: { no_proxy: x }", "no_proxy: it needs proxy_url"},
		{"modules:\n  a:\n    prober: http\n    http: { method: 'GET /' }", "is no method"},
		{"modules:\n  a:\n    prober: http\n    http: { headers: { 'X Y': a } }", "can't be a header"},
		{"modules:\n  a:\n    prober: http\n    http: { http_headers: { Authorization: { secrets: [geheim] } } }", "Authorization is set by the settings that are made for it"},
		{"modules:\n  a:\n    prober: http\n    http: { http_version: 3 }", "http_version: it is 1.1 or 2"},
		{"modules:\n  a:\n    prober: http\n    http: { preferred_ip_protocol: ip5 }", "preferred_ip_protocol"},
		{"modules:\n  a:\n    prober: http\n    http: { oauth2: { token_url: x } }", "client_id is missing"},
		{"modules:\n  a:\n    prober: http\n    http: { fail_if_header_matches: [{ header: X }] }", "needs header and regexp"},
		{"modules:\n  a:\n    prober: dns\n    dns: { query_name: example.jp, query_type: AAAAA }", "4:36: dns: query_type: there is no type AAAAA"},
		{"modules:\n  a: { prober: dns }", "2:3: dns: query_name has to be set"},
		{"modules:\n  a:\n    prober: icmp\n    icmp: { ttl: 300 }", "4:13: icmp: ttl"},
		{"modules:\n  a:\n    prober: certificate\n    certificate: { days: -1 }", "days: 0 to 3650"},
		{"modules: [a]", "modules has to be keys with values, not a list"},
		{"module: {}", `unknown key "module"; did you mean modules?`},
	} {
		_, problems := Load([]byte(tc.text))
		var all []string
		for _, p := range problems {
			all = append(all, p.String())
		}
		got := strings.Join(all, "\n")
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
		if strings.Contains(got, "geheim") || strings.Contains(got, "geh\n") {
			t.Errorf("got a secret in %s", got)
		}
	}
}

func TestAGoodModuleIsLoadedBesideABadOne(t *testing.T) {
	t.Parallel()
	modules, problems := Load([]byte("modules:\n  good: { prober: icmp }\n  bad: { prober: nothing }\n"))
	if len(modules) != 1 || modules["good"] == nil || len(problems) != 1 {
		t.Errorf("got %v and %v, want the good module and one problem", modules, problems)
	}
}

func TestWhatTobanCannotDoIsSaidAndNeverUp(t *testing.T) {
	t.Parallel()
	s := site(t, says(200, "{}"))
	for _, tc := range []struct{ module, words string }{
		{"prober: unix", "no prober unix"},
		{"prober: websocket\nwebsocket: { http_config: {} }", "no prober websocket"},
		{"prober: http\nhttp: { enable_http3: true, enable_http2: false }", "HTTP/3"},
		{"prober: http\nhttp: { fail_if_body_json_not_matches_cel: 'body.ok == true' }", "write one in jq"},
		{"prober: http\nhttp: { oauth2: { client_id: a, token_url: 'http://t.example.jp', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', claims: { a: b } } }", "client_credentials"},
	} {
		m, problems := Source{}.LoadModule("m", []byte(tc.module))
		if m == nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, tc.words) {
			t.Errorf("%s: got %v, want a warning with %q", tc.module, problems, tc.words)
			continue
		}
		wantDown(t, ask(t, m.Checker(nearby()), s.URL), ReasonTarget, m.Unsupported)
	}
}

func TestFilesAreReadOnlyWhereTheyMayBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := []byte("prober: http\nhttp: { bearer_token_file: token }")
	if m, problems := (Source{Folder: dir}).LoadModule("m", text); m == nil || m.HTTP.ready.header.Get("Authorization") != "Bearer t0ken" {
		t.Errorf("got %v, want the file beside the module file", problems)
	}
	if m, _ := (Source{Folder: dir, NoFiles: true}).LoadModule("m", text); m != nil {
		t.Error("got a module, want files refused")
	}
}

func TestAModuleIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	m := loaded(t, `prober: http
timeout: 5s
http:
  basic_auth: { username: sato, password: geheim-1 }
  headers: { X-Api-Key: geheim-2, Accept: "text/html" }
  http_headers:
    X-Any: { values: [seen], secrets: [geheim-3] }
  proxy_url: "http://sato:geheim-4@proxy.example.jp:3128/"
  proxy_connect_header: { X-Way: [geheim-5] }
  body: '{"token": "geheim-6"}'
`)
	got := m.String()
	if strings.Contains(got, "geheim") || strings.Contains(fmt.Sprintf("%+v %#v", m.HTTP.BasicAuth, m.HTTP.BasicAuth), "geheim") {
		t.Errorf("got a secret in\n%s", got)
	}
	for _, want := range []string{"prober: http\n", "timeout: 5s\n", "  basic_auth:\n    username: sato\n    password: \"‹secret›\"\n", `Accept: "text/html"`, "- seen", `proxy_url: "http://proxy.example.jp:3128/"`} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q in it", got, want)
		}
	}
}

func TestSizesAreReadAsBlackboxExporterReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{"10MB": 10 << 20, "512KiB": 512 << 10, "1.5G": 3 << 29, "1024": 1024, "7B": 7} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestMetricsAreWrittenAsPrometheusReadsThem(t *testing.T) {
	t.Parallel()
	r := &Result{Up: true, Duration: 250 * time.Millisecond, Samples: []Sample{
		{Name: "probe_b", Help: "Second.\nOf two lines \\", Value: -1, Labels: []Label{{"a", "x\"\n\\y"}, {"b", "当番"}}},
		{Name: "probe_a", Help: "First.", Value: 1e21},
		{Name: "probe_b", Help: "Second.", Value: 1, Labels: []Label{{"a", "a"}}},
	}}
	var b strings.Builder
	if err := WriteMetrics(&b, r, Sample{Name: "probe_timeout_seconds", Help: "T", Value: 5}); err != nil {
		t.Fatal(err)
	}
	want := `# HELP probe_a First.
# TYPE probe_a gauge
probe_a 1e+21
# HELP probe_b Second.
# TYPE probe_b gauge
probe_b{a="a"} 1
probe_b{a="x\"\n\\y",b="当番"} -1
# HELP probe_duration_seconds Returns how long the probe took to complete in seconds
# TYPE probe_duration_seconds gauge
probe_duration_seconds 0.25
# HELP probe_success Displays whether or not the probe was a success
# TYPE probe_success gauge
probe_success 1
# HELP probe_timeout_seconds T
# TYPE probe_timeout_seconds gauge
probe_timeout_seconds 5
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var names []string
	for s := range r.Metrics() {
		names = append(names, s.Name)
	}
	if want := []string{"probe_success", "probe_duration_seconds", "probe_b", "probe_a", "probe_b"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"testdata/everything.yml", "testdata/s1.yml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		modules, _ := Source{NoFiles: true}.Load(text)
		for _, m := range modules {
			_ = m.String()
			m.Checker(Options{})
		}
	})
}
