package view

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"toban/detect/probe"
	"toban/detect/standing"
	"toban/i18n"
	"toban/oncall"
	"toban/store"
	"toban/web/svg"
)

// Monitor is one monitor.
type Monitor struct {
	Of           *oncall.Monitor
	Row          MonitorRow
	Message      string // what came back, in the words of the check
	Reads        []Tab  // what it is: its plan in words; Path is not used
	Places       []MonitorPlace
	Quorum       string          // how the locations decide, and what they say now; "" = there is one alone
	Metrics      []MonitorMetric // of a monitor of service metrics
	Certificate  *probe.Certificate
	Failures     []MonitorFailure
	Incidents    []ServiceIncident
	Service      Tab
	Severity     oncall.Severity
	Expression   string
	Explore      string // where the expression can be looked at
	YAML         string
	Origin       Origin
	Probes       bool // it asks somebody, so it can be asked now
	MayCheck     bool
	MayEdit      bool // and it is kept in the store
	Checked      *MonitorCheck
	Beat         *MonitorBeat
	Latency      *Latency // how long it takes, by phase; nil = it has no response time
	Here         bool
	NeedsMetrics bool // it is a rule, and nothing evaluates rules now
}

// MonitorPlace is what one location says.
type MonitorPlace struct {
	Name        string
	State       standing.State
	Pending     bool
	Muted       bool
	Since, Last time.Time
	Took        time.Duration
	Why         string
	Message     string // the same in the words of the check
}

// MonitorFailure is a check that failed.
type MonitorFailure struct {
	ID, Location, Why, Message string
	At                         time.Time
	Evidence                   probe.Evidence
}

// MonitorCheck is a check by hand.
type MonitorCheck struct {
	At       time.Time
	Up       bool
	Took     time.Duration
	Why      string
	Message  string
	Phases   []probe.Phase
	Evidence probe.Evidence
	Failed   string // why there was no check
	// Elsewhere are the other locations of the monitor, which were not asked.
	Elsewhere string
}

// MonitorBeat is what a heartbeat has beside other monitors.
type MonitorBeat struct {
	URL, SlugURL       string // its addresses; "" = not for this reader
	Status             oncall.HeartbeatStatus
	Expected, Deadline time.Time
	Typical            time.Duration
	Pings              []store.Ping
	Runs               templ.Component // nil = no run time is known
}

// MonitorFacts are what a page of one monitor is drawn from.
type MonitorFacts struct {
	Standing  standing.Standing
	Past      standing.History
	Failures  []store.MonitorFailure
	Incidents []oncall.Incident
	Pings     []store.Ping
	YAML      string
	Origin    Origin
	URL, Slug string // of a heartbeat
	Service   *oncall.Service
}

// MonitorOf is one monitor.
func MonitorOf(s Shell, dir *oncall.Directory, f MonitorFacts) Monitor {
	m := f.Standing.Monitor
	v := Monitor{
		Of: m, Row: MonitorRowOf(s, &f.Standing, f.Past), Message: f.Standing.Message, Reads: reads(s, m), Severity: m.Severity,
		Expression: m.Expression(), YAML: f.YAML, Origin: f.Origin, Probes: m.Kind.Probes(), Here: f.Standing.Here,
		Incidents: incidentRows(s, dir, f.Incidents), NeedsMetrics: m.Kind.Rules() && f.Standing.State == standing.Unknown && f.Standing.Problem == "",
	}
	v.Explore = ExplorePath(v.Expression, min(time.Hour, spanSince(s.Now, v.Row.Watched)), time.Time{}, "")
	if f.Service != nil {
		v.Service = Tab{Label: serviceName(f.Service), Path: ServicePath(f.Service.ID)}
	}
	v.Places, v.Metrics = placesOf(s, &f.Standing), metricsOf(s, &f.Standing)
	v.Quorum = quorumWords(s, m, v.Places)
	for _, last := range f.Standing.Heard {
		if c := last.Certificate; c != nil && (v.Certificate == nil || c.Earliest.Before(v.Certificate.Earliest)) {
			v.Certificate = c
		}
	}
	for i := range f.Failures {
		v.Failures = append(v.Failures, failureOf(s, &f.Failures[i]))
	}
	if beat := f.Standing.Beat; beat != nil {
		v.Beat = &MonitorBeat{
			URL: f.URL, SlugURL: f.Slug, Status: beat.Status, Expected: beat.Expected, Deadline: beat.Deadline, Typical: beat.Typical,
			Pings: f.Pings, Runs: runs(s, f.Pings),
		}
	}
	return v
}

// reads is what a monitor does, as name and value.
func reads(s Shell, m *oncall.Monitor) (all []Tab) {
	add := func(key, value string) { all = append(all, Tab{Label: s.T(key), Path: value}) }
	if m.Kind != oncall.MonitorHeartbeat {
		add("monitor.every", Span(s.Lang, m.Every))
	}
	if m.Timeout > 0 {
		add("monitor.timeout", Span(s.Lang, m.Timeout))
	}
	if m.Kind != oncall.MonitorHeartbeat {
		add("monitor.downafter", threshold(s, m.Down))
		add("monitor.upafter", threshold(s, m.Up))
	}
	if h := m.Heartbeat; h != nil {
		add("monitor.grace", Span(s.Lang, h.Grace))
	}
	if len(m.Locations) > 1 {
		quorum := s.T("monitor.quorum.most")
		if m.Quorum > 0 {
			quorum = s.T("monitor.quorum.n", "n", strconv.Itoa(m.Quorum), "all", strconv.Itoa(len(m.Locations)))
		}
		add("monitor.quorum", quorum)
	}
	if w := m.Metric; w != nil {
		for _, limit := range []struct {
			key string
			of  *float64
		}{{"monitor.limit.critical", w.Critical}, {"monitor.limit.warning", w.Warning}} {
			if limit.of != nil {
				add(limit.key, w.Operator+" "+figureText(*limit.of))
			}
		}
		if w.Missing > 0 {
			add("monitor.limit.missing", Span(s.Lang, w.Missing))
		}
	}
	if m.Private {
		add("monitor.private", s.T("monitor.private.yes"))
	}
	var labels []string
	for _, name := range sortedKeys(m.Labels) {
		labels = append(labels, name+"="+strconv.Quote(m.Labels[name]))
	}
	if len(labels) > 0 {
		add("monitor.labels", strings.Join(labels, " "))
	}
	return all
}

// lastWords names the last that is known of a monitor.
func lastWords(s Shell, kind oncall.MonitorKind) string {
	switch kind {
	case oncall.MonitorHeartbeat:
		return s.T("monitor.heard")
	case oncall.MonitorMetric:
		return s.T("monitor.metric.last")
	}
	return s.T("monitor.last")
}

func threshold(s Shell, t oncall.Threshold) string {
	switch {
	case t.For > 0:
		return Span(s.Lang, t.For)
	case t.Count > 1:
		return s.T("monitor.times", "n", strconv.Itoa(t.Count))
	}
	return s.T("monitor.atonce")
}

func placesOf(s Shell, of *standing.Standing) (all []MonitorPlace) {
	if !of.Monitor.Kind.Probes() {
		return nil
	}
	for _, name := range of.Monitor.Places() {
		p := of.Places[name]
		place := MonitorPlace{
			Name: name, State: standing.State(p.Now()), Muted: p.Muted, Since: p.Since, Last: p.At, Pending: p.Pending.To != "",
		}
		if heard, ok := of.Heard[name]; ok {
			place.Last, place.Took = heard.At, heard.Took
		}
		if p.Now() == oncall.MonitorDown || p.Pending.To == oncall.MonitorDown {
			place.Why, place.Message = whyWords(s, string(p.Reason), p.Message), p.Message
		}
		all = append(all, place)
	}
	return all
}

// quorumWords says how the locations of a monitor decide, and what they say now.
func quorumWords(s Shell, m *oncall.Monitor, places []MonitorPlace) string {
	if len(places) < 2 {
		return ""
	}
	all, need, say, down := len(places), m.Quorum, 0, 0
	for _, p := range places {
		if p.Muted || p.State == standing.Unknown {
			continue
		}
		if say++; p.State == standing.Down {
			down++
		}
	}
	rule := s.T("monitor.quorum.most.text", "all", strconv.Itoa(all))
	if need > 0 {
		rule = s.T("monitor.quorum.n.text", "n", strconv.Itoa(need), "all", strconv.Itoa(all))
	}
	if say == 0 {
		return rule + " " + s.T("monitor.quorum.silent")
	}
	return rule + " " + s.T("monitor.quorum.now", "say", strconv.Itoa(say), "down", strconv.Itoa(down))
}

func failureOf(s Shell, f *store.MonitorFailure) MonitorFailure {
	out := MonitorFailure{ID: f.ID, Location: f.Location, Why: whyWords(s, f.Reason, f.Message), Message: f.Message, At: f.At}
	_ = json.Unmarshal(f.Evidence, &out.Evidence) // what can't be read is not shown
	return out
}

// CheckOf is a check by hand.
func CheckOf(s Shell, r *probe.Result) *MonitorCheck {
	c := &MonitorCheck{At: r.Start, Up: r.Up, Took: r.Duration, Why: whyWords(s, string(r.Reason), r.Message), Message: r.Message, Phases: r.Phases}
	if r.Evidence != nil {
		c.Evidence = *r.Evidence
	}
	return c
}

// Elsewhere are the locations of m besides this installation's own.
func Elsewhere(m *oncall.Monitor) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(m.Locations), func(l string) bool { return l == oncall.Here }), ", ")
}

// Took is how long something took, as people read it: 84 ms, 1.2 s.
func Took(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

// runs draws how long the last runs took; nil when none is known.
func runs(s Shell, pings []store.Ping) templ.Component {
	var bars []svg.Bar
	var longest time.Duration
	var taken []store.Ping
	for i := range pings {
		if pings[i].Took > 0 {
			taken = append(taken, pings[i])
			longest = max(longest, pings[i].Took)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	slices.Reverse(taken)
	for i := range taken {
		class := "up"
		if taken[i].Kind == oncall.PingFail {
			class = "down"
		}
		bars = append(bars, svg.Bar{
			Class: class, Height: float64(taken[i].Took) / float64(longest),
			Title: s.when(taken[i].At) + " " + runTime(s, taken[i].Took),
		})
	}
	label := s.T("monitor.runs.label", "n", strconv.Itoa(len(bars)), "longest", runTime(s, longest))
	return templ.Raw(svg.Bars(bars, label))
}

// runTime is how long a job ran.
func runTime(s Shell, d time.Duration) string {
	if d < 10*time.Second {
		return Took(d)
	}
	return Span(s.Lang, d)
}

// pingWords says what a ping said.
func pingWords(s Shell, p store.Ping) string {
	text := i18n.In(s.Lang).Or(string(p.Kind), "monitor.ping."+string(p.Kind))
	if p.Exit != nil {
		text += " " + s.T("monitor.ping.exit", "n", strconv.Itoa(*p.Exit))
	}
	return text
}

func pingTone(k oncall.PingKind) (tone, icon string) {
	switch k {
	case oncall.PingSuccess:
		return "ok", "check"
	case oncall.PingFail:
		return "crit", "cross"
	case oncall.PingStart:
		return "none", "next"
	}
	return "none", "note"
}

// phaseWords is a phase in the reader's language.
func phaseWords(s Shell, name string) string { return i18n.In(s.Lang).Or(name, "latency.phase."+name) }

// placeName is a location as people call it.
func placeName(s Shell, name string) string {
	if cmp.Or(name, oncall.Here) == oncall.Here {
		return s.T("monitor.here")
	}
	return name
}

// MonitorForm is a monitor as it is written.
type MonitorForm struct {
	ID       oncall.MonitorID   // "" = a new one
	Kind     oncall.MonitorKind // of the example, of a new one
	Name     string
	YAML     string
	Wrong    map[string]string
	Problems []MonitorProblem // of the YAML
}

// MonitorProblem is what is wrong at a line, 0 = as a whole.
type MonitorProblem struct {
	Line int
	Text string
	// English is what was said, where nobody knows it in the reader's language.
	English string
}

// exampleTabs are the kinds of which an example can be had.
func exampleTabs(s Shell, f MonitorForm) (tabs []Tab) {
	for _, k := range monitorKinds() {
		path := With("/monitors/new", "kind", string(k))
		if f.Name != "" {
			path = With(path, "name", f.Name)
		}
		tabs = append(tabs, Tab{Label: s.T("monitor.kind." + string(k)), Path: path, Active: k == f.Kind})
	}
	return tabs
}
