package view

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"toban/internal/promapi"
	"toban/oncall"
	"toban/web/svg"
)

func TestTheFunctionsOfAQueryAreExplainedOnce(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][]string{
		`rate(x[5m])`: {"rate()"},
		`sum by (le) (rate(x[5m])) / sum(rate(y[5m]))`: {"sum()", "rate()"},
		`RATE (x[5m])`:                    {"RATE()"},
		`x{path="rate(y)"} # increase(z)`: nil,
		`rate`:                            nil,
		`max_over_time(x[1h]) - min_over_time(x[1h])`: {"max_over_time()"},
		`histogram_quantile(0.9, rate(x_bucket[5m]))`: {"histogram_quantile()", "rate()"},
		`absent(x) or vector(1)`:                      {"absent()"},
		`avg(x) without (a)`:                          {"avg()"},
		`"never closed rate(`:                         {"rate()"}, // what can't be read is looked at all the same
		``:                                            nil,
	} {
		var got []string
		for _, e := range Explain(Shell{Lang: "en"}, expr) {
			got = append(got, e.Name)
			if e.Text == "" || strings.HasPrefix(e.Text, "explore.") || strings.HasPrefix(e.Trap, "explore.") {
				t.Errorf("%s: %+v has no words", expr, e)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}

func TestEveryFunctionThatIsExplainedHasWordsInEveryLanguage(t *testing.T) {
	t.Parallel()
	functions := []string{
		"rate", "irate", "increase", "delta", "deriv", "predict_linear", "histogram_quantile", "quantile_over_time", "avg_over_time", "count_over_time",
		"last_over_time", "changes", "resets", "max_over_time", "min_over_time", "absent", "absent_over_time", "topk", "bottomk", "sum", "avg", "count", "min", "max",
	}
	for _, lang := range []string{"ja", "en"} {
		for _, f := range functions {
			all := Explain(Shell{Lang: lang}, f+"(x)")
			if len(all) != 1 || strings.HasPrefix(all[0].Text, "explore.") || strings.HasPrefix(all[0].Trap, "explore.") {
				t.Errorf("%s: %s has no words: %+v", lang, f, all)
			}
		}
		for _, key := range []string{"range", "many", "samples", "points", "needs", "unclosed"} {
			if text := (Shell{Lang: lang}).T("explore.advice." + key); strings.HasPrefix(text, "explore.") {
				t.Errorf("%s: no advice %s", lang, key)
			}
		}
		for _, phase := range []string{"setup", "resolve", "connect", "tls", "request", "check", "processing", "rtt", "transfer"} {
			if text := (Shell{Lang: lang}).T("latency.phase." + phase); strings.HasPrefix(text, "latency.") {
				t.Errorf("%s: no phase %s", lang, phase)
			}
		}
		for _, x := range ExamplesOf(Shell{Lang: lang}, []string{"probe_success", "probe_duration_seconds", "probe_http_duration_seconds", "uptime_checks_total", "uptime_check_duration_seconds_bucket", "probe_ssl_earliest_cert_expiry", "toban_service_metric", "up"}) {
			if strings.HasPrefix(x.Text, "explore.") {
				t.Errorf("%s: the example %s has no words", lang, x.Expr)
			}
		}
	}
}

func TestABareCounterIsOfferedItsRate(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"uptime_checks_total":       "rate(uptime_checks_total[5m])",
		` x_count{a="b"} `:          `rate(x_count{a="b"}[5m])`,
		"rate(x_total[5m])":         "",
		"probe_success":             "",
		"x_total + 1":               "",
		"probe_duration_seconds_su": "",
	} {
		if got := Grows(expr); got != want {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}

func TestTheUnitOfAQueryIsThatOfItsMetric(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]svg.Unit{
		"probe_duration_seconds": svg.Seconds,
		`max by (a) (quantile_over_time(0.9, probe_duration_seconds{x="y"}[5m]))`: svg.Seconds,
		"histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))":      svg.Seconds,
		"rate(x_seconds_sum[5m])":         svg.Number,
		"probe_duration_seconds * 1000":   svg.Number,
		"process_start_timestamp_seconds": svg.Number,
		"node_memory_free_bytes":          svg.Bytes,
		"a_seconds / b_seconds":           svg.Number,
		"a_ratio":                         svg.Ratio,
		"time()":                          svg.Number,
		"up":                              svg.Number,
		"":                                svg.Number,
	} {
		if got := unitOf(expr); got != want {
			t.Errorf("%s: got unit %d, want %d", expr, got, want)
		}
	}
}

func TestAStepGivesNoMorePointsThanAllowed(t *testing.T) {
	t.Parallel()
	for _, span := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 400 * 24 * time.Hour, 5000 * 24 * time.Hour} {
		step := StepFor(span, 300)
		if n := span / step; n > 300 || step < time.Second {
			t.Errorf("%s: a step of %s makes %d points", span, step, n)
		}
	}
}

func series(n int, values ...float64) promapi.Series {
	s := promapi.Series{Labels: map[string]string{"__name__": "probe_duration_seconds", "monitor": fmt.Sprintf("m%d", n), "location": "here"}}
	for i, v := range values {
		s.Points = append(s.Points, promapi.Point{At: evening().Add(time.Duration(i-len(values)+1) * 5 * time.Minute), Value: v})
	}
	return s
}

// explored are the page of queries and the charts of a monitor, in the states
// that they have to be good in.
func explored(t *testing.T, lang string) map[string]templ.Component {
	t.Helper()
	s := reader(t, lang, "viewer")
	ask := func(expr string) Explore {
		return Explore{Expr: expr, Span: time.Hour, Step: 5 * time.Minute, Said: Explain(s, expr), Grows: Grows(expr), Names: []string{"up"}}
	}
	drawn, many, text, wrong, end := ask("avg_over_time(probe_duration_seconds[5m])"), ask("probe_duration_seconds"), ask(`"x"`), ask("up +\n* 2"), ask("rate(up[5m]")
	over := promapi.Answer{Type: "matrix", Series: []promapi.Series{series(1, .1, .2, .1), series(2, .5, math.NaN(), .6), series(3, .2)}}
	now := promapi.Answer{Type: "vector", Series: []promapi.Series{series(1, .1), series(2, .6), series(4, .7)}, Histograms: 1}
	drawn.Result = ExploreResultOf(s, drawn, now, over)
	for i := range 70 {
		over.Series = append(over.Series, series(i+10, float64(i)))
	}
	many.Result = ExploreResultOf(s, many, promapi.Answer{More: true}, over)
	many.At = evening().Add(-48 * time.Hour)
	text.Result = ExploreResultOf(s, text, promapi.Answer{Type: "string", Text: "<x>"}, promapi.Answer{})
	none := ask("rate(up[5m])")
	none.Result = ExploreResultOf(s, none, promapi.Answer{}, promapi.Answer{})
	_ = wrong.Fail(s, &promapi.QueryError{Text: `unexpected <op:*>`, Line: 2, Column: 1}) // it has a place on the page
	_ = end.Fail(s, &promapi.QueryError{Text: "unclosed left parenthesis", Line: 1, Column: 12})
	down, off, first := ask("up"), ask(""), ask("")
	_ = down.Fail(s, promapi.ErrDown)
	_ = off.Fail(s, &oncall.Error{Kind: oncall.NotFound, Code: "metrics.off"})
	first.Examples = ExamplesOf(s, []string{"up", "probe_success"})
	small := ask("up")
	small.Steps, small.StepWrong = "1s", s.T("explore.step.small", "least", "10 s", "n", "400")

	latency := LatencyOf(&oncall.Monitor{ID: "shop", Kind: oncall.MonitorHTTP, Every: 15 * time.Second, Locations: []string{"here", "osaka"}}, "/monitors/shop", "1h")
	empty := latency
	quantile := func(name string, values ...float64) promapi.Series {
		q := series(0, values...)
		q.Labels = map[string]string{"quantile": name, "phase": name}
		return q
	}
	latency.Fill(s,
		promapi.Answer{Series: []promapi.Series{quantile("p99", .4, .5), quantile("p50", .1, .1), quantile("p90", .2, .3)}},
		promapi.Answer{Series: []promapi.Series{quantile("p50", .1), quantile("p90", .25), quantile("p99", .5)}},
		promapi.Answer{Series: []promapi.Series{quantile("transfer", .01, .01), quantile("connect", .02, .03), quantile("processing", .1, .1), quantile("tls", 0, 0)}})
	empty.Fill(s, promapi.Answer{}, promapi.Answer{}, promapi.Answer{})
	without, away, starting := empty, empty, empty
	starting.Starting = true
	without.Off, away.Trouble = true, s.T("error.metrics.down")
	return map[string]templ.Component{
		"first": ExplorePage(s, first), "drawn": ExplorePage(s, drawn), "many": ExplorePage(s, many), "text": ExplorePage(s, text), "none": ExplorePage(s, none),
		"wrong": ExplorePage(s, wrong), "wrong-end": ExplorePage(s, end), "down": ExplorePage(s, down), "off": ExplorePage(s, off), "step": ExplorePage(s, small),
		"latency": LatencyChart(s, latency), "latency-empty": LatencyChart(s, empty), "latency-off": LatencyChart(s, without), "latency-starting": LatencyChart(s, starting), "latency-down": LatencyChart(s, away),
	}
}

func TestWhatIsAskedIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	drawnAsItWas(t, "explore", explored)
	for _, lang := range []string{"ja", "en"} {
		for name, page := range explored(t, lang) {
			got := lines(htmlOf(t, page))
			if strings.Contains(got, ">\nexplore.") || strings.Contains(got, ">\nlatency.") {
				t.Errorf("%s, %s has a key for a text", name, lang)
			}
		}
	}
}

func TestAnErrorThatHasNoPlaceIsHandedOn(t *testing.T) {
	t.Parallel()
	odd := errors.New("odd")
	var e Explore
	if err := e.Fail(Shell{}, odd); !errors.Is(err, odd) {
		t.Errorf("got %v, want it back", err)
	}
}

func TestMonitorsAreAskedForThePhasesThatTheyHave(t *testing.T) {
	t.Parallel()
	for kind, want := range map[oncall.MonitorKind]string{
		oncall.MonitorHTTP: "probe_http_duration_seconds", oncall.MonitorPing: "probe_icmp_duration_seconds", oncall.MonitorTCP: `"rest"`,
		oncall.MonitorCertificate: "probe_dns_lookup_time_seconds", oncall.MonitorHeartbeat: "",
	} {
		v := LatencyOf(&oncall.Monitor{ID: "m", Kind: kind, Every: time.Minute}, "/m", "nonsense")
		if got := v.Phases(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", kind, got, want)
		}
		if v.Span != time.Hour || v.Window() < v.Step || v.Window() < 5*time.Minute {
			t.Errorf("%s: got a span of %s and a window of %s", kind, v.Span, v.Window())
		}
	}
}
