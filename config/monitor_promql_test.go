package config

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestAMistakeInAnExpressionIsShownWhereItStandsInTheFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		yaml         string
		line, column int // of what is wrong in the expression
		wantLine     int
		wantColumn   int
		says         string
	}{
		"plain":            {"a:\n  promql: up == == 1\n", 1, 7, 3, 19, "unexpected"},
		"in single quotes": {"a: { promql: 'up{job=\"x\"} == == 1' }\n", 1, 4, 2, 20, "unexpected"},
		"in double quotes": {"a: { promql: \"up == == 1\" }\n", 1, 7, 2, 23, "unexpected"},
		"of many lines":    {"a:\n  promql: |\n    up ==\n      == 1\n  every: 1m\n", 2, 3, 5, 9, "unexpected"},
		"with an escape":   {"a: { promql: \"up{job=\\\"x\\\"} == == 1\" }\n", 1, 17, 2, 16, "line 1, column 17 of the expression"},
		"folded":           {"a:\n  promql: >\n    up ==\n    == 1\n", 1, 7, 3, 13, "line 1, column 7 of the expression"},
		"over two lines":   {"a:\n  promql: up ==\n    == 1\n", 1, 7, 3, 13, "line 1, column 7 of the expression"},
	} {
		text := minimal + "monitors:\n  " + strings.ReplaceAll(strings.TrimSuffix(tc.yaml, "\n"), "\n", "\n  ") + "\n"
		above := strings.Count(minimal, "\n")
		c, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(text)}})
		if c == nil || len(c.Expressions()) != 1 {
			t.Fatalf("%s: got %v", name, problems)
		}
		p := c.Expressions()[0].Problem(tc.line, tc.column, "unexpected")
		if p.File != "x.yaml" || p.Line != above+tc.wantLine || p.Column != tc.wantColumn || !strings.Contains(p.Message, tc.says) {
			t.Errorf("%s: got %s, want it at %d:%d with %q", name, p, above+tc.wantLine, tc.wantColumn, tc.says)
		}
	}
}

func TestPromQLThatNothingWouldEvaluateIsAnError(t *testing.T) {
	t.Parallel()
	for metrics, want := range map[string]string{
		"":                                     "",
		"metrics: { memory: 300MiB }\n":        "",
		"metrics: { enabled: false }\n":        "metrics.enabled is false",
		"metrics: { url: http://prom:9090 }\n": "metrics.url names a Prometheus of your own",
	} {
		text := minimal + metrics + "monitors: { disk: { promql: up == 0 }, rest: { promql: up == 0, paused: true } }\n"
		c, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(text)}})
		switch got := lines(problems); {
		case want == "" && c == nil:
			t.Errorf("%q: got %s, want it taken", metrics, got)
		case want != "" && (c != nil || !strings.Contains(got, want) || !strings.Contains(got, "monitor \"disk\"") || strings.Contains(got, "\"rest\"")):
			t.Errorf("%q: got %s, want an error with %q of the monitor that is not paused", metrics, got, want)
		}
	}
}
