package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folderOf writes files into a folder of their own.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const people = `users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: [ { targets: [ user: ann ], wait: 10m } ], fallback: { user: ann } } }
`

func TestRulesThatNameNoSeverityOrServiceAreTold(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"toban.yaml": people + `services:
  checkout: { policy: p, match: { service: checkout } }
  rest: { policy: p, catch_all: true }
metrics: { prometheus: prometheus.yml, rules: [ own ] }
`,
		"prometheus.yml": "rule_files: [ 'rules/*.yml' ]\n",
		"rules/a.yml": `groups:
  - name: a
    labels: { severity: pageee }
    rules:
      - alert: A
        expr: up == 0
        labels:
          severity: warn
          service: chekout
      - alert: B
        expr: up == 0
        labels: { severity: "{{ $labels.x }}", toban_service: chckout }
      - alert: C
        expr: up == 0
        labels: { severity: info, toban_service: checkout, service: checkout }
      - record: r
        expr: up
        labels: { severity: nothing }
`,
		"own/b.yaml": "groups:\n  - name: b\n    rules:\n      - { alert: D, expr: up == 0, labels: { severity: Critical } }\n",
	})
	c, problems := Load(dir)
	if c == nil {
		t.Fatalf("problems = %s", lines(problems))
	}
	got := strings.ReplaceAll(lines(c.RuleAdvice()), dir+"/", "")
	want := `own/b.yaml:4:56: warning: severity "Critical" is none that there is, so that the alert counts as critical; did you mean critical?
rules/a.yml:3:25: warning: severity "pageee" is none that there is, so that the alert counts as critical; known are critical, error, warning, info
rules/a.yml:8:21: warning: severity "warn" is none that there is, so that the alert counts as critical; known are critical, error, warning, info
rules/a.yml:9:20: warning: no service matches service: "chekout", so that the alert goes where its other labels lead, or to the service that takes what matches none; did you mean checkout?
rules/a.yml:12:63: warning: there is no service named "chckout", so that the alert goes where its other labels lead, or to the service that takes what matches none; did you mean checkout?
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("advice (-want +got):\n%s", diff)
	}
}

func TestOneRunTellsWhatIsWrongInEveryLayer(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"toban.yaml": people + `  # next
services:
  rest: { policy: nobody, catch_all: true, polcy: x }
integrations:
  cart: { dialect: generic, map: '{key: .id' }
schedules:
  night: { zone: UTC, rotations: 12 }
monitors:
  both: { http: "https://a.example.jp", tcp: "b.example.jp:1", severity: loud }
  d: { dns: { name: example.jp, type: AAA, server: 192.0.2.53 } }
  m: { module: bad, target: "http://example.jp" }
  c: { http: https://example.jp, expect: { status: 999 }, tls: { ca: /nowhere/ca.pem } }
`,
		"blackbox.yml": `modules:
  bad:
    prober: http
    http:
      metod: GET
      method: CONNECT
      json: [ "inputs" ]
      fail_if_body_matches_regexp: [ "(" ]
  spare: { prober: dns, dns: { query_name: example.jp, query_type: AAA } }
`,
	})
	c, problems := Inspect(dir)
	if c == nil {
		t.Fatal("nothing was read")
	}
	got := strings.ReplaceAll(lines(Sorted(append(problems, c.Advice(now)...))), dir+"/", "")
	for _, want := range []string{
		"toban.yaml:5:19: there is no policy named \"nobody\"",
		"toban.yaml:5:44: unknown key \"polcy\"; did you mean policy?",
		"toban.yaml:7:34: map: ",
		"toban.yaml:9:23: unknown key \"rotations\"",
		"toban.yaml:11:41: a monitor watches one thing",
		"toban.yaml:11:74: severity is one of",
		"toban.yaml:12:39: type: there is no type AAA; did you mean AAAA?",
		"toban.yaml:14:52: a status is written as",
		"blackbox.yml:5:7: unknown key \"metod\"; did you mean method?",
		"blackbox.yml:6:15: method: CONNECT",
		"blackbox.yml:7:15: json: inputs",
		"blackbox.yml:8:38: fail_if_body_matches_regexp: this is no regular expression",
		"blackbox.yml:9:68: warning: module \"spare\", which no monitor uses: dns: query_type: there is no type AAA",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	if c, _ := Load(dir); c != nil {
		t.Error("a folder with errors was loaded")
	}
}

func TestAFileThatAMonitorReadsIsMissed(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"toban.yaml": people + `services: { rest: { policy: p, catch_all: true } }
monitors: { c: { http: https://example.jp, tls: { ca: /nowhere/ca.pem } } }
`})
	c, problems := Load(dir)
	if c == nil {
		t.Fatalf("problems = %s", lines(problems))
	}
	if got, want := lines(c.Advice(now)), dir+"/toban.yaml:4:13: warning: monitor c reads /nowhere/ca.pem, which is not on this machine: it can't be asked until it is\n"; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
