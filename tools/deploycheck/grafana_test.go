package deploycheck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dashboard is what matters of one.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Panels []struct {
		ID          int
		Title, Type string
		Datasource  map[string]string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct {
			RefID      string
			Expr       string
			Datasource map[string]string
		}
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/grafana/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want dashboards", files, err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	return all
}

// plain is a query without the dashboard's variables.
var plain = strings.NewReplacer("$target", "https://www.google.com", "$job", "toban-metrics", "$core", "toban")

func TestEveryQueryOfADashboardIsOne(t *testing.T) {
	t.Parallel()
	uids := map[string]bool{}
	for file, d := range dashboards(t) {
		if d.UID == "" || d.Title == "" || uids[d.UID] || d.SchemaVersion == 0 {
			t.Errorf("%s: the uid %q and the title %q are missing or taken", file, d.UID, d.Title)
		}
		uids[d.UID] = true
		variables := map[string]bool{}
		for _, v := range d.Templating.List {
			variables["$"+v.Name] = true
		}
		ids, covered := map[int]bool{}, map[[2]int]string{}
		rules := "groups:\n- name: dashboard\n  rules:\n"
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: the panel %q has the id %d of another", file, p.Title, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := covered[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %q lies on %q or outside", file, p.Title, other)
					}
					covered[[2]int{x, y}] = p.Title
				}
			}
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %q asks nothing", file, p.Title)
			}
			for _, q := range p.Targets {
				if q.Datasource["uid"] != "${datasource}" || !variables["$datasource"] {
					t.Errorf("%s: %q asks %v, want the one that is chosen", file, p.Title, q.Datasource)
				}
				for _, word := range strings.FieldsFunc(q.Expr, func(r rune) bool { return strings.ContainsRune(`"{}()[],= ~`, r) }) {
					if strings.HasPrefix(word, "$") && !variables[word] {
						t.Errorf("%s: %q has the variable %s, which is none", file, p.Title, word)
					}
				}
				rules += fmt.Sprintf("  - { record: 'q%d:%s', expr: %q }\n", p.ID, q.RefID, plain.Replace(q.Expr))
			}
		}
		path := filepath.Join(t.TempDir(), "rules.yml")
		if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, tool(t, "promtool"), "check", "rules", path)
	}
}

// The four panels that the team of S5 had, word for word.
func TestS5_TheFourPanelsAskTheFourQueries(t *testing.T) {
	t.Parallel()
	want := []string{
		`rate(uptime_check_duration_seconds_sum{protocol="http", target="https://www.google.com"}[5m]) / rate(uptime_check_duration_seconds_count{protocol="http", target="https://www.google.com"}[5m])`,
		`rate(uptime_checks_success_total{protocol="http", target="https://www.google.com"}[5m]) / rate(uptime_checks_total{protocol="http", target="https://www.google.com"}[5m])`,
		`increase(uptime_checks_total{protocol="http", target="https://www.google.com"}[5m]) - increase(uptime_checks_success_total{protocol="http", target="https://www.google.com"}[5m])`,
		`histogram_quantile(0.90, rate(uptime_check_duration_seconds_bucket{protocol="http"}[5m]))`,
	}
	var got []string
	for _, p := range dashboards(t)["uptime"].Panels {
		for _, q := range p.Targets {
			got = append(got, plain.Replace(q.Expr))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestS5_TheRuleIsTheTeams(t *testing.T) {
	t.Parallel()
	const want = `expr: increase(uptime_checks_total[45s]) > 0 unless increase(uptime_checks_success_total[45s]) > 0`
	if got := read(t, "deploy/compose/grafana/prometheus/rules.yml"); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %s", got, want)
	}
}
