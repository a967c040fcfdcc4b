package metrics

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files writes files into a folder of the test's own and returns it.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAUsersOwnFilesLoadUnchanged(t *testing.T) {
	t.Parallel()
	if found := Check("testdata/scrape.yml", []string{"testdata/rules.yml"}); len(found) > 0 {
		t.Errorf("problems in S1's files: %v", found)
	}
	if found := Check("testdata/full.yml", nil); len(found) > 0 {
		t.Errorf("problems in a file with everything: %v", found)
	}
}

func TestProblemsNameFileLineAndColumn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		main string
		more map[string]string
		want []string // each a line that is printed, DIR cut off
	}{
		{
			"a discovery that is not built in says what is, and what to do",
			"scrape_configs:\n  - job_name: shop\n    ec2_sd_configs:\n      - region: ap-northeast-1\n",
			nil,
			[]string{"prometheus.yml:3:5: toban finds targets with static_configs, file_sd_configs, http_sd_configs and dns_sd_configs; " +
				"ec2_sd_configs is not built in. Have its targets written to a file that file_sd_configs reads, or served at an address that http_sd_configs asks; " +
				"or keep this job in your own Prometheus and let that remote_write to toban"},
		},
		{
			"a setting that does not exist",
			"global:\n  scrape_intervall: 15s\n", nil,
			[]string{"prometheus.yml:2:3: unknown setting scrape_intervall"},
		},
		{
			"no YAML",
			"global:\n  a: [\n", nil,
			[]string{"prometheus.yml:2:3: did not find expected node content"},
		},
		{
			"two jobs of one name",
			"scrape_configs:\n  - job_name: shop\n  - job_name: shop\n", nil,
			[]string{`prometheus.yml:3:15: found multiple scrape configs with job name "shop"`},
		},
		{
			"a URL as a target of an ordinary job",
			"scrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: ['http://shop.example.jp:9100']\n", nil,
			[]string{"prometheus.yml:4:19: \"http://shop.example.jp:9100\" is not a valid hostname: a target is host:port; the scheme belongs to `scheme:`, the path to `metrics_path:`"},
		},
		{
			"rules that can't be read",
			"rule_files: [rules/*.yml, gone.yml]\n",
			map[string]string{
				"rules/a.yml": "groups:\n  - name: a\n    rules:\n      - alert: Down\n        expr: up ==\n      - alert: Label\n        expr: up == 0\n        labels: {'': x}\n",
				"rules/b.yml": "groups:\n  - name: b\n    rules:\n      - alert: Down\n        exprr: up == 0\n",
			},
			[]string{
				"prometheus.yml:1:27: there is no rule file DIR/gone.yml",
				`rules/a.yml:5:15: group "a", rule 1, "Down": could not parse expression: 1:6: parse error: unexpected end of input`,
				`rules/a.yml:6:9: group "a", rule 2, "Label": invalid label name:`,
				"rules/b.yml:5:9: unknown setting exprr",
			},
		},
		{
			"a file of scrape_config_files is blamed itself",
			"scrape_configs:\n  - job_name: shop\nscrape_config_files: ['more/*.yml']\n",
			map[string]string{"more/x.yml": "scrape_configs:\n  - job_name: other\n    consul_sd_configs: []\n"},
			[]string{"more/x.yml:3:5: toban finds targets with static_configs, file_sd_configs, http_sd_configs and dns_sd_configs; " +
				"consul_sd_configs is not built in. Have its targets written to a file that file_sd_configs reads, or served at an address that http_sd_configs asks; " +
				"or keep this job in your own Prometheus and let that remote_write to toban"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			texts := map[string]string{"prometheus.yml": tc.main}
			maps.Copy(texts, tc.more)
			dir := files(t, texts)
			var got []string
			for _, p := range Check(filepath.Join(dir, "prometheus.yml"), nil) {
				got = append(got, strings.ReplaceAll(strings.TrimPrefix(p.String(), dir+"/"), dir, "DIR"))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// What a /probe job lacks is answered with the lines to paste, and with them in
// place there is nothing left to say.
func TestAProbeJobWithoutRelabellingIsAnsweredWithTheLinesToPaste(t *testing.T) {
	t.Parallel()
	const steps = `      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: 127.0.0.1:9183
`
	for _, tc := range []struct {
		name, job    string
		line, column int
		after        int // the line after which the answer is pasted
		lines        string
	}{
		{
			"no relabelling at all",
			"scrape_configs:\n  - job_name: urls\n    metrics_path: /probe\n    params: {module: [http_2xx]}\n    static_configs:\n      - targets:\n          - https://hoge.example/fuga\n",
			7, 13, 3, "    relabel_configs:\n" + steps,
		},
		{
			"relabelling of something else",
			"scrape_configs:\n  - job_name: urls\n    metrics_path: /probe\n    static_configs:\n      - targets: [https://hoge.example/fuga]\n    relabel_configs:\n      - target_label: team\n        replacement: a\n",
			5, 19, 6, steps,
		},
		{
			"targets in a file",
			"scrape_configs:\n  - job_name: urls\n    metrics_path: /probe\n    file_sd_configs:\n      - files: [urls.json]\n",
			5, 17, 3, "    relabel_configs:\n" + steps,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := files(t, map[string]string{"prometheus.yml": tc.job, "urls.json": `[{"targets":["https://hoge.example/fuga"]}]`})
			path := filepath.Join(dir, "prometheus.yml")
			found := Check(path, nil)
			if len(found) != 1 {
				t.Fatalf("problems: got %v, want one", found)
			}
			p := found[0]
			if p.Line != tc.line || p.Column != tc.column || !strings.Contains(p.Message, `"https://hoge.example/fuga"`) {
				t.Errorf("got %s, want it at %d:%d and naming the target", p, tc.line, tc.column)
			}
			if diff := cmp.Diff(tc.lines, strings.Join(p.Lines, "\n")+"\n"); diff != "" {
				t.Errorf("lines to paste (-want +got):\n%s", diff)
			}
			lines := strings.SplitAfter(tc.job, "\n")
			mended := strings.Join(lines[:tc.after], "") + strings.Join(p.Lines, "\n") + "\n" + strings.Join(lines[tc.after:], "")
			if err := os.WriteFile(path, []byte(mended), 0o600); err != nil {
				t.Fatal(err)
			}
			if found := Check(path, nil); len(found) > 0 {
				t.Errorf("with the lines pasted: %v", found)
			}
		})
	}
}

func TestAProbeJobOfOneFixedTargetIsRight(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"prometheus.yml": "scrape_configs:\n  - job_name: one\n    metrics_path: /probe\n" +
		"    params: {target: ['https://hoge.example/']}\n    static_configs:\n      - targets: ['127.0.0.1:9183']\n"})
	if found := Check(filepath.Join(dir, "prometheus.yml"), nil); len(found) > 0 {
		t.Errorf("got %v, want nothing", found)
	}
}

func TestSizesAreReadAsPrometheusReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"512MiB": 512 << 20, "10GB": 10 << 30, "1.5gb": 3 << 29, "0": 0, "100": 100, "64 KB": 64 << 10} {
		if got, err := parseSize("--size", text, 0); err != nil || got != want {
			t.Errorf("%s: got %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "many", "NaN", "inf", "1e30GB", "5XB"} {
		if got, err := parseSize("--size", text, 0); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
	if _, err := parseSize("--memory", "1MiB", minMemory); err == nil {
		t.Error("1 MiB of memory was accepted")
	}
}

// Whatever is cut off or swapped in a file, the answer is a list with places,
// never a panic. (Go's fuzzer does four of these a minute in a program as large
// as Prometheus.)
func TestABrokenFileIsAnsweredWithPlaces(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/scrape.yml", "testdata/full.yml", "testdata/rules.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x.yml")
		for at := 0; at < len(text); at += 11 {
			for _, broken := range []string{
				string(text[:at]),
				string(text[at:]),
				string(text[:at]) + "\x00" + string(text[at:]),
				string(text[:at]) + "[" + string(text[at+1:]),
				string(text[:at]) + ": &a *a\n" + string(text[at:]),
				string(text[:at]) + string(text[min(at+40, len(text)):]),
			} {
				if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
					t.Fatal(err)
				}
				for _, p := range Check(path, []string{path}) {
					if p.File != path || p.Message == "" || p.Line < 0 {
						t.Fatalf("got %+v for\n%s", p, broken)
					}
				}
			}
		}
	}
}
