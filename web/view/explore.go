package view

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/internal/promapi"
	"toban/oncall"
	"toban/web/svg"
)

// How much of an answer is shown.
const (
	exploreLines      = svg.Kinds // drawn
	exploreRows       = 60        // of the table
	exploreTimesShown = 24        // of the table of times
)

// Explore is the page on which people ask what they like.
type Explore struct {
	Expr  string
	Span  time.Duration
	Step  time.Duration
	At    time.Time // the end; zero = now
	Steps string    // the step as it was typed; "" = chosen by the span

	StepWrong string          // what is wrong with it
	Wrong     *ExploreWrong   // what is wrong with the query
	Trouble   *ExploreTrouble // why there is no answer
	Names     []string        // of metrics, to complete from
	Examples  []ExploreExample
	Said      []Explanation
	Grows     string // the query that this counter is asked with
	Result    *ExploreResult
}

// ExploreWrong is an error of a query, at its place in it.
type ExploreWrong struct {
	Text                string // in Prometheus' words
	Advice              string // in ours; "" for none
	Placed              bool
	Before, Mark, After string // the query, with its place
	Column              int
}

// ExploreTrouble is why nothing can be asked.
type ExploreTrouble struct {
	Code, Text string
	Off        bool // there is no Prometheus
}

// ExploreExample is a query to begin with.
type ExploreExample struct{ Expr, Text string }

// ExploreResult is what a query says.
type ExploreResult struct {
	Text   string // of a query that returns a text
	Shared string // the labels that all series have
	Rows   []ExploreRow
	Series int  // all of them
	More   bool // there are even more
	Drawn  int
	Wide   string // the chart, for a desk
	Narrow string // and for a telephone
	Title  string
	Lines  []svg.Line
	Times  []ExploreTime
	Note   string // what is not shown
}

// ExploreRow is a series with its value at the end.
type ExploreRow struct {
	Line  int // its place among those drawn, from 1; zero = it is not
	Mark  string
	Name  string
	Value string // "" = it has none now
	Exact string
}

// ExploreTime is a line of the table of times.
type ExploreTime struct {
	At     time.Time
	Values []string
}

// Spans are the lengths of time that are offered.
func Spans() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, day, 7 * day, 30 * day}
}

// ExplorePath is the address of a query: what its links and those of other pages lead
// to.
func ExplorePath(expr string, span time.Duration, at time.Time, step string) string {
	path := "/explore"
	if expr != "" {
		path = With(path, "expr", expr)
	}
	if span > 0 {
		path = With(path, "range", shortSpan(span))
	}
	if step != "" {
		path = With(path, "step", step)
	}
	if !at.IsZero() {
		path = With(path, "at", strconv.FormatInt(at.Unix(), 10))
	}
	return path
}

// shortSpan writes a span as addresses and PromQL have it: 15m, 6h, 7d.
func shortSpan(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.of && d%u.of == 0 {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

func (e Explore) tabs(s Shell) []Tab {
	tabs := make([]Tab, 0, len(Spans()))
	for _, span := range Spans() {
		tabs = append(tabs, Tab{Label: Span(s.Lang, span), Path: ExplorePath(e.Expr, span, e.At, ""), Active: span == e.Span})
	}
	return tabs
}

// earlier and later are the spans beside this one; later is "" at the end.
func (e Explore) earlier(s Shell) string {
	return ExplorePath(e.Expr, e.Span, e.End(s).Add(-e.Span), e.Steps)
}

func (e Explore) later(s Shell) string {
	if e.At.IsZero() {
		return ""
	}
	if next := e.At.Add(e.Span); next.Before(s.Now) {
		return ExplorePath(e.Expr, e.Span, next, e.Steps)
	}
	return e.current()
}

// current is the same span, up to now.
func (e Explore) current() string { return ExplorePath(e.Expr, e.Span, time.Time{}, e.Steps) }

// End is the end of the span that is looked at.
func (e Explore) End(s Shell) time.Time {
	if e.At.IsZero() {
		return s.Now
	}
	return e.At
}

// period says which time is looked at.
func (e Explore) period(s Shell) string {
	if e.At.IsZero() {
		return s.T("explore.last", "span", Span(s.Lang, e.Span))
	}
	return s.when(e.At.Add(-e.Span)) + " – " + s.when(e.At)
}

func (e Explore) input(s Shell) Input {
	in := Input{
		Name: "expr", Label: s.T("explore.expr"), Value: e.Expr, Mono: true, Longest: promapi.MaxExpression, Autocomplete: "off",
		Placeholder: "rate(uptime_checks_total[5m])", AutoFocus: e.Expr == "",
	}
	if e.Wrong != nil {
		in.Error = s.T("explore.wrong")
		if e.Wrong.Placed {
			in.Error = s.T("explore.wrong.at", "n", strconv.Itoa(e.Wrong.Column))
		}
	}
	return in
}

func (e Explore) stepInput(s Shell) Input {
	return Input{
		Name: "step", Label: s.T("explore.step"), Value: e.Steps, Mono: true, Longest: 20, Optional: true, Placeholder: shortSpan(e.Step),
		Error: e.StepWrong, Autocomplete: "off",
	}
}

// lines says whether a query has several lines, which a field of one line would
// put together.
func (e Explore) lines() bool { return strings.Contains(e.Expr, "\n") }

// ranges says whether a query looks back over a span, which may hold too little.
func (e Explore) ranges() bool { return strings.Contains(e.Expr, "[") }

// count says how many series there are.
func (r ExploreResult) count(s Shell) string {
	if r.More {
		return s.T("explore.series.more", "n", strconv.Itoa(promapi.MaxSeries))
	}
	return s.T("explore.series", "n", strconv.Itoa(r.Series))
}

// ExploreWrongOf places an error in its query.
func ExploreWrongOf(s Shell, expr string, err *promapi.QueryError) *ExploreWrong {
	w := &ExploreWrong{Text: err.Text}
	for _, advice := range []struct{ says, key string }{
		{"range vector", "range"},
		{"many-to-many", "many"},
		{"many matches for labels", "many"},
		{"too many samples", "samples"},
		{"exceeded maximum resolution", "points"},
		{"expected type range vector", "needs"},
		{"unclosed", "unclosed"},
	} {
		if strings.Contains(err.Text, advice.says) {
			w.Advice = s.T("explore.advice." + advice.key)
			if advice.key == "range" && strings.Contains(err.Text, "expected type range vector") {
				w.Advice = s.T("explore.advice.needs")
			}
			break
		}
	}
	at, ok := err.Offset(expr)
	if !ok {
		return w
	}
	w.Placed, w.Column = true, len([]rune(strings.ToValidUTF8(expr[:at], "?")))+1
	w.Before, w.After = strings.ToValidUTF8(expr[:at], ""), strings.ToValidUTF8(expr[at:], "")
	if r := []rune(w.After); len(r) > 0 {
		w.Mark, w.After = string(r[0]), string(r[1:])
	}
	return w
}

// Fail puts an error where the reader sees it; one that has no place on the page
// is returned.
func (e *Explore) Fail(s Shell, err error) error {
	if q, ok := errors.AsType[*promapi.QueryError](err); ok {
		e.Wrong = ExploreWrongOf(s, e.Expr, q)
		return nil
	}
	if public, ok := errors.AsType[*oncall.Error](err); ok {
		e.Trouble = &ExploreTrouble{
			Code: public.Code, Off: public.Code == "metrics.off" || public.Code == promapi.ErrIdle.Code,
			Text: i18n.In(s.Lang).Or(public.Message, "error."+public.Code),
		}
		return nil
	}
	return err
}

// StepFor is a round step by which a span has at most that many points.
func StepFor(span time.Duration, points int) time.Duration {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day,
	} {
		if span/step <= time.Duration(points) {
			return step
		}
	}
	return (span/time.Duration(points) + day).Truncate(day)
}

// ExamplesOf are queries to begin with, about what there is.
func ExamplesOf(s Shell, names []string) (all []ExploreExample) {
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	for _, x := range []struct{ needs, key, expr string }{
		{"probe_success", "down", `probe_success == 0`},
		{"probe_success", "uptime", `avg by (monitor) (avg_over_time(probe_success[1d]))`},
		{"probe_duration_seconds", "slow", `topk(5, avg_over_time(probe_duration_seconds[5m]))`},
		{"probe_http_duration_seconds", "phase", `avg by (phase) (probe_http_duration_seconds)`},
		{"uptime_checks_total", "uptime", `sum by (target) (increase(uptime_checks_success_total[1d])) / sum by (target) (increase(uptime_checks_total[1d]))`},
		{"uptime_check_duration_seconds_bucket", "p95", `histogram_quantile(0.95, sum by (le, target) (rate(uptime_check_duration_seconds_bucket[5m])))`},
		{"probe_ssl_earliest_cert_expiry", "certificate", `(probe_ssl_earliest_cert_expiry - time()) / 86400`},
		{"toban_service_metric", "metric", `toban_service_metric`},
		{"up", "up", `up`},
	} {
		if there[x.needs] {
			all = append(all, ExploreExample{x.expr, s.T("explore.example." + x.key)})
		}
	}
	return all
}
