package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small is a folder that works, without the section that a test adds.
const small = `
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: [ { targets: [ user: ann ], wait: 10m } ], fallback: { user: ann } } }
services: { shop: { policy: p, catch_all: true } }
`

func TestMetricsAreReadWithTheirLimits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"toban.yaml":          small + "metrics: { prometheus: prom/prometheus.yml, rules: [ more/b.yml, other ], retention: 30d, size: 2.5GB, memory: 1GiB }\n",
		"prom/prometheus.yml": "global: {}\nrule_files: [ 'rules/*.yml' ]\nscrape_configs: [ { job_name: a, file_sd_configs: [ { files: [ targets.yml ] } ] } ]\n",
		"prom/rules/a.yml":    "groups: [ { name: a } ]\n",
		"prom/targets.yml":    "- { targets: [ a ] }\n",
		"more/b.yml":          "groups: [ { name: b } ]\n",
		"other/deep/c.yml":    "groups: [ { name: c } ]\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, problems := Load(dir)
	if c == nil || len(problems) > 0 {
		t.Fatalf("got problems, want none:\n%s", lines(problems))
	}
	got := c.Providers.Metrics
	if got.Files == "" {
		t.Error("the files that it names have no fingerprint")
	}
	want := &Metrics{
		Prometheus: filepath.Join(dir, "prom/prometheus.yml"), Rules: []string{filepath.Join(dir, "more/b.yml"), filepath.Join(dir, "other")},
		Retention: 30 * 24 * time.Hour, Size: 2560 << 20, Memory: 1 << 30, Files: got.Files,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	kept, err := ReadProviders(c.Objects())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, kept.Metrics, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Errorf("as kept (-want +got):\n%s", diff)
	}

	if err := os.WriteFile(filepath.Join(dir, "prom/rules/a.yml"), []byte("groups: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after, _ := Load(dir); after == nil || after.Providers.Metrics.Files == got.Files {
		t.Error("a change of a rule file is no change of the configuration")
	}
}

func TestAPrometheusOfOnesOwnIsNamedByItsAddress(t *testing.T) {
	t.Parallel()
	c, problems := LoadFS(one(small + "metrics: { url: https://prom.example.jp/p/, user: toban, password: env:PROM_PASSWORD }\n"))
	if c == nil || len(problems) > 0 {
		t.Fatalf("got problems:\n%s", lines(problems))
	}
	m := c.Providers.Metrics
	if m.URL != "https://prom.example.jp/p" || m.User != "toban" || m.Password.Ref() != "env:PROM_PASSWORD" {
		t.Errorf("got %+v", m)
	}
	kept, err := ReadProviders(c.Objects())
	if err != nil || kept.Metrics.Password.Ref() != "env:PROM_PASSWORD" {
		t.Errorf("got %+v, %v as kept, want the reference of the password", kept.Metrics, err)
	}
}

func TestNothingIsWrittenAboutMetricsAndNothingIsKept(t *testing.T) {
	t.Parallel()
	c, _ := LoadFS(one(small))
	if c.Providers.Metrics != nil {
		t.Errorf("got %+v, want none", c.Providers.Metrics)
	}
	c, _ = LoadFS(one(small + "metrics: { enabled: false }\n"))
	if m := c.Providers.Metrics; m == nil || !m.Off || m.Memory != 512<<20 || m.Retention != 15*24*time.Hour || m.Size != 10<<30 {
		t.Errorf("got %+v, want it off, with the usual limits", m)
	}
}

func TestWhatIsWrongAboutMetricsIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ section, want string }{
		{"metrics: { memory: 10MiB }", "x.yaml:5:20: memory is from 192MiB to 1024TiB"},
		{"metrics: { size: much }", "x.yaml:5:18: size is an amount of bytes as in 512MiB"},
		{"metrics: { retention: 1m }", "retention is from 2h"},
		{"metrics: { prometheus: prometheus.yml }", `x.yaml:5:24: there is no file "prometheus.yml"`},
		{"metrics: { rules: 'a/*.yml' }", "a pattern belongs into rule_files"},
		{"metrics: { url: http://prom:9090, prometheus: x.yml, memory: 1GiB }", "with url its own configuration decides"},
		{"metrics: { token: env:T }", "token goes with url"},
		{"metrics: { url: https://prom, user: a }", "user and password go together"},
		{"metrics: { url: https://prom, user: a, password: env:P, token: env:T }", "either user and password, or token"},
		{"metrics: { url: http://prom.example.jp, token: env:T }", "warning: what authenticates goes over the network in clear"},
		{"metrics: { url: https://prom, token: hunter2 }", "token is a secret and is not written here"},
		{"metrics: { retentoin: 1d }", `unknown key "retentoin"; did you mean retention?`},
	} {
		t.Run(tc.section, func(t *testing.T) {
			t.Parallel()
			_, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(small + tc.section + "\n")}})
			if got := lines(problems); !strings.Contains(got, tc.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %s, want %q in it", got, tc.want)
			}
		})
	}
}
