package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"toban/internal/promapi"
	"toban/oncall"
	"toban/web/svg"
)

// Latency is how long the checks of a monitor took, and where that time went.
type Latency struct {
	Monitor *oncall.Monitor
	Path    string // of the page that it stands on
	Span    time.Duration
	Step    time.Duration
	// Since is when the monitor began to be watched, where that is within the span:
	// then the charts begin with what was measured first.
	Since time.Time
	// Off says that there is no Prometheus, Starting that there will be one in a moment.
	Off, Starting bool
	Trouble       string // why nothing can be said; "" = it can

	figures map[string]float64 // p50, p90, p99 of the whole span
	lines   []svg.Line         // p50, p90, p99
	phases  []latencyPhase
	first   time.Time // of what was measured; see Since
}

type latencyPhase struct {
	name   string // in the reader's words
	mean   float64
	points []svg.Point
}

// LatencySpans are the lengths of time that are offered.
func LatencySpans() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{time.Hour, 6 * time.Hour, day, 7 * day}
}

const latencyPoints = 120

// leastLatency is how long the charts of a new monitor are at least.
const leastLatency = 10 * time.Second

// latencyLabel tells the quantiles of one answer apart.
const latencyLabel = "quantile"

func quantiles() []string { return []string{"p50", "p90", "p99"} }

// LatencyOf is a latency of which nothing is known yet. span "" is an hour: that
// of a new monitor has something to show after a minute.
func LatencyOf(m *oncall.Monitor, path, span string) Latency {
	v := Latency{Monitor: m, Path: path, Span: time.Hour}
	for _, offered := range LatencySpans() {
		if shortSpan(offered) == span {
			v.Span = offered
		}
	}
	v.Step = StepFor(v.Span, latencyPoints)
	return v
}

// Begun is v for a monitor that has been watched since then; zero = for longer than
// anybody asks.
func (v Latency) Begun(since, now time.Time) Latency {
	if since.After(now.Add(-v.Span)) {
		v.Since = since
		v.Step = StepFor(v.length(now), latencyPoints)
	}
	return v
}

// length is how much time there is to be drawn at most.
func (v Latency) length(now time.Time) time.Duration {
	if v.Since.IsZero() {
		return v.Span
	}
	return max(now.Sub(v.Since), leastLatency)
}

// From is when what is asked for begins.
func (v Latency) From(now time.Time) time.Time { return now.Add(-v.length(now)) }

// Lasts is how long a drawing is good for: that of a new monitor grows fast.
func (v Latency) Lasts(now time.Time) time.Duration {
	const part, most = 20, 30 * time.Second
	return min(most, v.length(now)/part)
}

// Window is over how long one point of the charts looks: a few checks at least.
func (v Latency) Window() time.Duration {
	const checks = 5
	return max(v.Step, checks*v.Monitor.Every)
}

// Quantiles is the query of p50, p90 and p99 over a window; of several locations
// it is the slowest that counts.
func (v Latency) Quantiles(window time.Duration) string {
	parts := make([]string, 0, len(quantiles()))
	for _, q := range quantiles() {
		parts = append(parts, `label_replace(max(quantile_over_time(0.`+strings.TrimPrefix(q, "p")+`, probe_duration_seconds`+v.matcher()+
			`[`+oncall.PromDuration(window)+`])), "`+latencyLabel+`", "`+q+`", "", "")`)
	}
	return strings.Join(parts, " or ")
}

// Phases is the query of the mean time of each phase; "" for a kind whose phases
// are not measured.
func (v Latency) Phases() string {
	metric := map[oncall.MonitorKind]string{
		oncall.MonitorHTTP: "probe_http_duration_seconds", oncall.MonitorDNS: "probe_dns_duration_seconds",
		oncall.MonitorPing: "probe_icmp_duration_seconds", oncall.MonitorGRPC: "probe_grpc_duration_seconds",
	}[v.Monitor.Kind]
	if k := v.Monitor.Kind; k == oncall.MonitorTCP || k == oncall.MonitorCertificate {
		const lookup, rest = `label_replace(avg(avg_over_time(probe_dns_lookup_time_seconds%[1]s)), "phase", "resolve", "", "")`,
			`label_replace(avg(avg_over_time(probe_duration_seconds%[1]s)) - avg(avg_over_time(probe_dns_lookup_time_seconds%[1]s)), "phase", "rest", "", "")`
		return fmt.Sprintf(lookup+" or "+rest, v.matcher()+"["+oncall.PromDuration(v.Window())+"]")
	}
	if metric == "" {
		return ""
	}
	return "avg by (phase) (avg_over_time(" + metric + v.matcher() + "[" + oncall.PromDuration(v.Window()) + "]))"
}

func (v Latency) matcher() string { return `{monitor=` + strconv.Quote(string(v.Monitor.ID)) + `}` }

// Fill takes what Prometheus said: the quantiles over the span and of all of it,
// and the phases.
func (v *Latency) Fill(s Shell, over, whole, phases promapi.Answer) {
	v.figures = map[string]float64{}
	for _, series := range whole.Series {
		if p, ok := series.Last(); ok && !math.IsNaN(p.Value) {
			v.figures[series.Labels[latencyLabel]] = p.Value
		}
	}
	v.lines = nil
	for _, q := range quantiles() {
		for _, series := range over.Series {
			if series.Labels[latencyLabel] == q {
				v.lines = append(v.lines, svg.Line{Mark: q, Name: q, Points: pointsOf(series)})
			}
		}
	}
	v.first = time.Time{}
	for _, line := range v.lines {
		if len(line.Points) > 0 && (v.first.IsZero() || line.Points[0].At.Before(v.first)) {
			v.first = line.Points[0].At
		}
	}
	v.phases = nil
	for _, name := range []string{"setup", "resolve", "connect", "tls", "request", "check", "processing", "rtt", "rest", "transfer"} { // in the order in which they come
		for _, series := range phases.Series {
			if series.Labels["phase"] != name {
				continue
			}
			p := latencyPhase{name: phaseWords(s, name), points: pointsOf(series)}
			p.mean = mean(p.points)
			if name == "rest" && len(v.phases) == 0 { // there is nothing beside it
				continue
			}
			if p.mean > 0 { // else it never came, as TLS of http://
				v.phases = append(v.phases, p)
			}
		}
	}
}

// mean is the average of what is there.
func mean(points []svg.Point) float64 {
	sum, n := 0.0, 0
	for _, p := range points {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			sum, n = sum+p.Value, n+1
		}
	}
	return sum / float64(max(1, n))
}

// Measured reports whether there is anything to draw.
func (v Latency) Measured() bool { return len(v.lines) > 0 && len(v.figures) > 0 }

func (v Latency) figure(q string) string {
	if f, ok := v.figures[q]; ok {
		return svg.Seconds.Say(f)
	}
	return "—"
}

// sentences say what the charts show.
func (v Latency) sentences(s Shell) (all []string) {
	all = append(all, s.T("latency.figures", "p50", v.figure("p50"), "p90", v.figure("p90"), "p99", v.figure("p99")))
	if most, share := v.most(); share > 0 && len(v.phases) > 1 {
		all = append(all, s.T("latency.most", "phase", most, "share", svg.Ratio.Say(math.Round(share*100)/100)))
	}
	if n := len(v.Monitor.Places()); n > 1 {
		all = append(all, s.T("latency.worst", "n", strconv.Itoa(n)))
	}
	return append(all, s.T("latency.failed"))
}

// most is the phase that takes the greatest part of the time, and that part.
func (v Latency) most() (name string, share float64) {
	sum, top := 0.0, 0.0
	for _, p := range v.phases {
		sum += p.mean
		if p.mean > top {
			name, top = p.name, p.mean
		}
	}
	if sum <= 0 {
		return "", 0
	}
	return name, top / sum
}

func (v Latency) period(s Shell) string {
	if !v.Since.IsZero() {
		return s.T("latency.since", "time", s.when(v.begins(s.Now)))
	}
	return s.T("explore.last", "span", Span(s.Lang, v.Span))
}

func (v Latency) tabs(s Shell) []Tab {
	tabs := make([]Tab, 0, len(LatencySpans()))
	for _, span := range LatencySpans() {
		tabs = append(tabs, Tab{Label: Span(s.Lang, span), Path: With(v.Path, "latency", shortSpan(span)) + "#latency", Active: span == v.Span})
	}
	return tabs
}

// explore is the address at which the same is asked by hand.
func (v Latency) explore(s Shell) string {
	return ExplorePath("probe_duration_seconds"+v.matcher(), min(v.Span, spanSince(s.Now, v.Since)), time.Time{}, "")
}

// spanSince is the shortest of the lengths of time that explore offers and that
// shows all since then; the longest, when it is long ago or not known.
func spanSince(now, since time.Time) time.Duration {
	spans := Spans()
	for _, span := range spans {
		if !since.IsZero() && now.Sub(since) <= span {
			return span
		}
	}
	return spans[len(spans)-1]
}

// begins is when what the charts show begins.
func (v Latency) begins(now time.Time) time.Time {
	if from := v.From(now); v.Since.IsZero() || v.first.Before(from) {
		return from
	}
	return v.first
}

func (v Latency) chart(s Shell) svg.Chart {
	return svg.Chart{
		From: earliest(v.begins(s.Now), s.Now.Add(-leastLatency)), To: s.Now, Begin: v.begins(s.Now), Step: v.Step, Zone: s.Location(), Unit: svg.Seconds, Moment: s.moment, None: s.T("chart.none"),
	}
}

// quantileChart draws p50, p90 and p99, with what lies between the first two
// shaded.
func (v Latency) quantileChart(s Shell) templ.Component {
	c := v.chart(s)
	c.Title = s.T("latency.p.title", "period", v.period(s), "p50", v.figure("p50"), "p99", v.figure("p99"))
	c.Lines = v.lines
	const bounds = 2
	if len(v.lines) >= bounds {
		c.Bands = []svg.Band{{Name: s.T("latency.band"), Low: v.lines[0].Points, High: v.lines[1].Points}}
	}
	return drawn(twiceAs(c, "latency-p", half))
}

// phaseChart draws the phases on one another.
func (v Latency) phaseChart(s Shell) templ.Component {
	c := v.chart(s)
	var words []string
	for i, p := range v.phases {
		c.Areas = append(c.Areas, svg.Line{Mark: string(rune('A' + i)), Name: p.name, Points: p.points})
		words = append(words, p.name+" "+svg.Seconds.Say(p.mean))
	}
	c.Title = s.T("latency.phase.title", "period", v.period(s), "phases", strings.Join(words, s.T("list.separator")))
	return drawn(twiceAs(c, "latency-phase", half))
}

// half is the width of a chart that has another one beside it.
const half = 540

func (v Latency) phaseMark(i int) string { return string(rune('A' + i)) }

// rows are the charts as a table, the newest first.
func (v Latency) rows(s Shell) (rows []ExploreTime) {
	lines := slices.Clone(v.lines)
	for _, p := range v.phases {
		lines = append(lines, svg.Line{Name: p.name, Points: p.points})
	}
	for i := range exploreTimesShown {
		at := s.Now.Add(-time.Duration(i) * max(v.Step, (v.length(s.Now)/exploreTimesShown).Truncate(v.Step)))
		if at.Before(v.begins(s.Now)) {
			break
		}
		row := ExploreTime{At: at}
		for _, line := range lines {
			row.Values = append(row.Values, valueAt(line.Points, at, v.Step, svg.Seconds))
		}
		rows = append(rows, row)
	}
	return rows
}
