package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/detect/mackerel"
	"toban/detect/saying"
	"toban/detect/standing"
	"toban/i18n"
	"toban/oncall"
)

// reasonWords says a reason in the reader's language; one that is not known is
// said as it is.
func reasonWords(s Shell, reason string) string {
	return wordsOf(s).Reason(reason)
}

// wordsOf are the words in which a reader hears of monitors.
func wordsOf(s Shell) saying.Words { return saying.Words{Language: s.Lang, Zone: s.Location()} }

// whyWords says why a check failed in the reader's language, with the values of
// what it said.
func whyWords(s Shell, reason, message string) string { return wordsOf(s).Why(reason, message) }

// standingWhy says why a monitor is down or in doubt.
func standingWhy(s Shell, m *standing.Standing) string {
	switch {
	case m.State == standing.Down && m.Beat != nil:
		return beatWhy(s, m)
	case m.State == standing.Down && m.Monitor.Kind == oncall.MonitorMetric:
		if i := slices.IndexFunc(m.Metrics, func(one mackerel.Status) bool { return one.Why == m.Message }); i >= 0 {
			return metricWhy(s, &m.Metrics[i])
		}
	}
	message, _ := m.Monitor.PartPlaces(m.Message)
	return whyWords(s, m.Reason, message)
}

// beatWhy says why a heartbeat is down.
func beatWhy(s Shell, m *standing.Standing) string {
	state := m.Beat.State
	switch state.Why {
	case oncall.HeartbeatFailed:
		if state.Exit != 0 {
			return s.T("monitor.why.exit", "n", strconv.Itoa(state.Exit), "time", s.when(state.Ended))
		}
		return s.T("monitor.why.failure", "time", s.when(state.Ended))
	case oncall.HeartbeatOverrun:
		return s.T("monitor.why.overrun", "time", s.when(state.Missed))
	case oncall.HeartbeatNever:
		return s.T("monitor.why.never", "time", s.when(state.Missed))
	case oncall.HeartbeatSilent:
		if !state.Heard.IsZero() {
			return s.T("monitor.why.late", "time", s.when(state.Missed), "last", s.when(state.Heard))
		}
	}
	return reasonWords(s, m.Reason)
}

// metricWhy says why a metric is bad.
func metricWhy(s Shell, m *mackerel.Status) string {
	p := m.State.Plan
	if m.State.Level == oncall.MetricMissing {
		return s.T("monitor.why.missing", "name", m.Metric, "span", Span(s.Lang, p.Missing))
	}
	limit := p.Limit(m.State.Level)
	if limit == nil {
		return reasonWords(s, string(m.State.Level))
	}
	return s.T("monitor.why.limit", "name", m.Metric, "value", figureText(m.State.Value), "limit", p.Operator+" "+figureText(*limit))
}

func figureText(v float64) string {
	const digits = 6
	text := strconv.FormatFloat(v, 'g', digits, 64)
	if strings.Contains(text, "e") {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return text
}

// MonitorMetric is how one service metric of a monitor stands.
type MonitorMetric struct {
	Name        string
	Level       oncall.MetricLevel
	Tone, Icon  string
	Value       string // the average of its last points; "" = none has come
	Why         string // "" = nothing is wrong
	Pending     bool   // the last readings speak against its level, and nobody believes it yet
	Since, Last time.Time
}

// metricsOf are the service metrics of a monitor, the worst ones first.
func metricsOf(s Shell, of *standing.Standing) (all []MonitorMetric) {
	for i := range of.Metrics {
		m := &of.Metrics[i]
		row := MonitorMetric{
			Name: m.Metric, Level: m.State.Level, Since: m.State.Since, Last: m.State.At, Pending: m.State.Row > 0,
		}
		row.Tone, row.Icon = levelTone(m.State.Level)
		if !m.State.At.IsZero() {
			row.Value = figureText(m.State.Value)
		}
		if m.State.Level.Bad() {
			row.Why = metricWhy(s, m)
		}
		all = append(all, row)
	}
	order := map[string]int{"crit": 0, "warn": 1, "none": 2, "ok": 3}
	slices.SortStableFunc(all, func(a, b MonitorMetric) int { return order[a.Tone] - order[b.Tone] })
	return all
}

// averageWords names the figure that is judged.
func averageWords(s Shell, m *oncall.Monitor) string {
	if m.Metric.Points > 1 {
		return s.T("monitor.metric.average", "n", strconv.Itoa(m.Metric.Points))
	}
	return s.T("monitor.metric.value")
}

func levelTone(l oncall.MetricLevel) (tone, icon string) {
	switch l {
	case oncall.MetricCritical, oncall.MetricMissing:
		return "crit", "triggered"
	case oncall.MetricWarning:
		return "warn", "alert"
	case oncall.MetricOK:
		return "ok", "check"
	}
	return "none", "help"
}

// levelWords is a level in the reader's language.
func levelWords(s Shell, l oncall.MetricLevel) string {
	if l == oncall.MetricUnknown {
		return s.T("monitor.state.unknown")
	}
	return i18n.In(s.Lang).Or(string(l), "monitor.level."+string(l))
}
