package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

func TestMetricsArePassedOnToTheMackerelThatIsWritten(t *testing.T) {
	t.Parallel()
	c := load(t, minimal+`
providers: { mackerel: { key: env:MACKEREL_KEY, base_url: "https://mackerel.example.jp/" } }
integrations: { jobs: { dialect: mackerel } }
`)
	want := &Mackerel{Key: Secret{ref: "env:MACKEREL_KEY"}, BaseURL: "https://mackerel.example.jp"}
	kept, err := ReadProviders(c.Objects())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*Mackerel{"as read": c.Providers.Mackerel, "as kept": kept.Mackerel} {
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for body, want := range map[string]string{
		"providers: { mackerel: { base_url: https://mackerel.example.jp } }":              "key is missing",
		"providers: { mackerel: { key: abcdefghijklmnop } }":                              "key is a secret and is not written here",
		"providers: { mackerel: { key: env:KEY, base_url: http://mackerel.example.jp } }": "in clear",
	} {
		if _, problems := LoadFS(one(minimal + body)); !strings.Contains(lines(problems), want) {
			t.Errorf("%s: got %s, want %q", body, lines(problems), want)
		}
	}
}

func TestAMonitorOfAMetricMayNameAForm(t *testing.T) {
	t.Parallel()
	m := monitorOf(t, "{ metric: { service: ORGANIZATION, name: DOMAIN-ENVIRONMENT.glue.job.*.failed, critical: 0 }, down_after: 3x }")
	if m.Metric.Name != "DOMAIN-ENVIRONMENT.glue.job.*.failed" || m.Metric.Points != 1 || *m.Metric.Critical != 0 || m.Down != (oncall.Threshold{Count: 3}) {
		t.Errorf("got %+v, down %+v", m.Metric, m.Down)
	}
	for _, metric := range []string{"{ service: s.x, name: a, critical: 0 }", "{ service: shop, name: a.b*, critical: 0 }", "{ service: shop, name: a/b, critical: 0 }"} {
		if _, problems := LoadFS(one(minimal + "monitors: { it: { metric: " + metric + " } }\n")); !strings.Contains(lines(problems), "of a metric") {
			t.Errorf("%s: got %s, want it refused", metric, lines(problems))
		}
	}
}
