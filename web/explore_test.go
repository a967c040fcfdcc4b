package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"toban/access"
	"toban/internal/promapi"
	"toban/oncall"
)

// prometheus is one that says what a test has put into it.
type prometheus struct {
	mu     sync.Mutex
	asked  []url.Values
	names  []string
	answer func(form url.Values, over bool) (status int, body string)
}

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what can't be read is not there
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.Contains(r.URL.Path, "/label/") {
		text, _ := json.Marshal(p.names) // strings
		fmt.Fprintf(w, `{"status":"success","data":%s}`, text)
		return
	}
	p.asked = append(p.asked, r.Form)
	status, body := p.answer(r.Form, strings.HasSuffix(r.URL.Path, "query_range"))
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// measured is n series, now or over the time that is asked for.
func measured(n int) func(form url.Values, over bool) (int, string) {
	return func(form url.Values, over bool) (int, string) {
		var rows []string
		for i := range n {
			metric := fmt.Sprintf(`{"__name__":"up","job":"j","instance":"i%d"}`, i)
			if !over {
				rows = append(rows, fmt.Sprintf(`{"metric":%s,"value":[%s,"%d"]}`, metric, form.Get("time"), i))
				continue
			}
			from, _ := strconv.ParseFloat(form.Get("start"), 64)
			to, _ := strconv.ParseFloat(form.Get("end"), 64)
			step, _ := strconv.ParseFloat(form.Get("step"), 64)
			var points []string
			for t := from; t <= to; t += step {
				points = append(points, fmt.Sprintf(`[%.3f,"%d"]`, t, i))
			}
			rows = append(rows, fmt.Sprintf(`{"metric":%s,"values":[%s]}`, metric, strings.Join(points, ",")))
		}
		kind := "vector"
		if over {
			kind = "matrix"
		}
		return 200, fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":[%s]}}`, kind, strings.Join(rows, ","))
	}
}

// explorer is a house with a Prometheus, and somebody who looks.
func explorer(t *testing.T, answer func(form url.Values, over bool) (int, string)) (*browser, *prometheus) {
	t.Helper()
	h := newHouse(t, "sqlite", "")
	p := &prometheus{answer: answer, names: []string{"up", "probe_success"}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	client := promapi.New(server.URL, http.DefaultTransport)
	h.web.Metrics = func() (*promapi.Client, error) { return client, nil }
	return h.browser("vera", access.Viewer), p
}

func explore(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "/explore?" + q.Encode()
}

func TestAQueryIsDrawnWithItsValuesBeside(t *testing.T) {
	t.Parallel()
	b, p := explorer(t, measured(14))
	page := b.page(explore("expr", "rate(up[5m])", "range", "6h"))
	has(t, page, `role="img"`, "14 series", "The 12 highest are drawn, 2 more are not.", `<option value="probe_success">`,
		`{instance=&#34;i13&#34;}`, "All of them:", "How fast a counter grows per second", `aria-current="true"`)
	if n := strings.Count(page, `class="line line-`); n != 2*12+12 { // both sizes, and the legend
		t.Errorf("got %d lines, want 12 in both sizes and in the legend", n)
	}
	for _, form := range p.asked {
		if step := form.Get("step"); step != "" && step != "120" {
			t.Errorf("got step %s for six hours, want 120", step)
		}
	}
	hasNot(t, page, "style=", "<script>")
	b.lang = "ja"
	has(t, b.page(explore("expr", "increase(up[5m])", "range", "6h")), "データ探索", "整数とは限りません", "ほかに 2 本あります")
}

func TestTheEmptyPageOffersWhatThereIs(t *testing.T) {
	t.Parallel()
	b, p := explorer(t, measured(1))
	page := b.page("/explore")
	has(t, page, "To begin with", "probe_success == 0", `<option value="up">`)
	hasNot(t, page, "uptime_checks_total[1d]")
	if len(p.asked) != 0 {
		t.Errorf("%d questions were asked for nothing", len(p.asked))
	}
}

func TestAQueryThatIsWrongIsShownAtItsPlace(t *testing.T) {
	t.Parallel()
	b, _ := explorer(t, func(url.Values, bool) (int, string) {
		return 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:6: parse error: unexpected <op:*> & so on"}`
	})
	page := b.page(explore("expr", "up + *2"))
	has(t, page, "It can&#39;t be read at character 6.", "up + <mark>*</mark>2", "unexpected &lt;op:*&gt; &amp; so on", `value="up + *2"`, `aria-invalid="true"`)
}

func TestAStepThatIsTooSmallIsSaidAndNotAsked(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{"1s": "The smallest step for this time is 5 min", "soon": "A step is a time such as", "2d": "A step is a time such as", "-5": "A step is a time such as"} {
		b, p := explorer(t, measured(1))
		has(t, b.page(explore("expr", "up", "range", "1d", "step", step)), want)
		if len(p.asked) != 0 {
			t.Errorf("step %s was asked for", step)
		}
	}
	b, p := explorer(t, measured(1))
	b.page(explore("expr", "up", "range", "1d", "step", "1h"))
	if got := p.asked[0].Get("step") + p.asked[1].Get("step"); got != "3600" {
		t.Errorf("got step %s, want 3600", got)
	}
}

func TestSpansThatNobodyCanMeanAreTheUsualOne(t *testing.T) {
	t.Parallel()
	b, p := explorer(t, measured(1))
	for _, span := range []string{"", "0", "-1h", "99999999999d", "1h1", "9999999999999999999", "NaN", "Inf", "1ns", strings.Repeat("1h", 500)} {
		has(t, b.page(explore("expr", "up", "range", span)), `name="range" value="1h"`)
	}
	has(t, b.page(explore("expr", "up", "range", "1h30m", "at", "1700000000")), `name="range" value="90m"`, `name="at" value="1700000000"`, "Later")
	hasNot(t, b.page(explore("expr", "up", "at", "99999999999")), `name="at"`) // is not yet
	last := p.asked[len(p.asked)-1]
	if last.Get("query") != "up" {
		t.Errorf("got %v", last)
	}
}

func TestWithoutPrometheusThePageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("vera", access.Viewer)
	has(t, b.page("/explore"), "There is no Prometheus to ask", "metrics: {}", "url: http://prometheus:9090")
	h.web.Metrics = func() (*promapi.Client, error) { return nil, promapi.ErrIdle }
	has(t, b.page("/explore"), "There is no Prometheus to ask")
	h.web.Metrics = func() (*promapi.Client, error) { return nil, promapi.ErrStarting }
	has(t, b.page(explore("expr", "up")), "metrics.starting", "The Prometheus is starting")
	h.web.Metrics = func() (*promapi.Client, error) { return nil, promapi.ErrDown }
	has(t, b.page(explore("expr", "up")), "Prometheus does not answer at the moment", "metrics.down", `value="up"`)
	if got := b.get(explore("expr", strings.Repeat("x", promapi.MaxExpression+1))); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for a query that is too long, want 413", got.status)
	}
}

func TestNothingThatIsAskedOrAnsweredBecomesHTML(t *testing.T) {
	t.Parallel()
	bad := `<script>alert(1)</script>`
	b, p := explorer(t, func(form url.Values, over bool) (int, string) {
		metric, _ := json.Marshal(map[string]string{"__name__": "up", "x": bad + `"'`})
		if over {
			return 200, fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":%s,"values":[[%s,"1"],[%s,"NaN"]]}]}}`, metric, form.Get("start"), form.Get("end"))
		}
		return 200, fmt.Sprintf(`{"status":"success","data":{"resultType":"vector","result":[{"metric":%s,"value":[%s,"+Inf"]}]}}`, metric, form.Get("time"))
	})
	p.names = []string{`"` + bad}
	page := b.page(explore("expr", bad+`"onload="x`, "step", bad))
	hasNot(t, page, "<script>", `"onload=`)
	page = b.page(explore("expr", bad+`"onload="x`))
	hasNot(t, page, "<script>", `"onload=`)
	has(t, page, "+Inf")
	page = b.page(explore("expr", "up{x=\"\n"+bad+"\"}"))
	has(t, page, "<textarea")
	hasNot(t, page, "<script>")
}

func TestTheResponseTimeOfAMonitorIsDrawnByPhase(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	p := &prometheus{answer: func(form url.Values, over bool) (int, string) {
		label, values := "quantile", []string{"p50", "p90", "p99"}
		if strings.Contains(form.Get("query"), "by (phase)") {
			label, values = "phase", []string{"transfer", "processing", "tls", "connect"}
		}
		var rows []string
		for i, v := range values {
			n := float64(i+1) / 10
			if v == "tls" {
				n = 0 // http:// has none
			}
			if over {
				rows = append(rows, fmt.Sprintf(`{"metric":{%q:%q},"values":[[%s,"%v"],[%s,"%v"]]}`, label, v, form.Get("start"), n, form.Get("end"), n))
			} else {
				rows = append(rows, fmt.Sprintf(`{"metric":{%q:%q},"value":[%s,"%v"]}`, label, v, form.Get("time"), n))
			}
		}
		return 200, `{"status":"success","data":{"resultType":"` + map[bool]string{true: "matrix", false: "vector"}[over] + `","result":[` + strings.Join(rows, ",") + `]}}`
	}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	client := promapi.New(server.URL, http.DefaultTransport)
	h.web.Metrics = func() (*promapi.Client, error) { return client, nil }
	page := h.latencyPage(&oncall.Monitor{ID: `a"b`, Kind: oncall.MonitorHTTP, Every: 15e9, Locations: []string{"here", "osaka"}}, "6h")
	has(t, page, "Half of the checks took at most 100 ms, 9 of 10 at most 200 ms, 99 of 100 at most 300 ms.",
		"Most of the time goes to connecting: 57 %", "Over 2 locations", "waiting for the answer", `role="img"`, "area-3")
	hasNot(t, page, ">TLS", "area-4", "style=")
	if len(p.asked) != 3 {
		t.Errorf("got %d questions, want 3", len(p.asked))
	}
	for _, form := range p.asked {
		if !strings.Contains(form.Get("query"), `{monitor="a\"b"}`) {
			t.Errorf("got %s, want it about the monitor", form.Get("query"))
		}
	}
}

func TestWhereNothingCanBeDrawnThePageOfAMonitorSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	m := &oncall.Monitor{ID: "a", Kind: oncall.MonitorPing, Every: 15e9}
	has(t, h.latencyPage(m, ""), "this toban works with none")
	for _, soon := range []error{promapi.ErrIdle, promapi.ErrStarting} { // a monitor is there, so there will be one
		h.web.Metrics = func() (*promapi.Client, error) { return nil, soon }
		has(t, h.latencyPage(m, ""), "is starting")
	}
	h.web.Metrics = func() (*promapi.Client, error) { return nil, promapi.ErrDown }
	has(t, h.latencyPage(m, ""), "Prometheus does not answer at the moment")
	p := &prometheus{answer: measured(0)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	client := promapi.New(server.URL, http.DefaultTransport)
	h.web.Metrics = func() (*promapi.Client, error) { return client, nil }
	has(t, h.latencyPage(m, "7d"), "Nothing was measured in this time")
	if page := h.latencyPage(&oncall.Monitor{ID: "a", Kind: oncall.MonitorHeartbeat}, ""); page != "" {
		t.Errorf("a heartbeat has a response time: %s", page)
	}
}

// latencyPage is the response time of a monitor as its page has it; "" for none.
func (h *house) latencyPage(m *oncall.Monitor, span string) string {
	h.t.Helper()
	part, err := h.web.Latency(h.t.Context(), m, span)
	if err != nil {
		h.t.Fatal(err)
	}
	if part == nil {
		return ""
	}
	var b strings.Builder
	if err := part.Render(h.t.Context(), &b); err != nil {
		h.t.Fatal(err)
	}
	return b.String()
}
