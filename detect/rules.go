package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// Labels that the alerts of rules carry for toban, beside those of the monitor.
const (
	LabelMonitor = "monitor"       // its name; the alerts of one monitor are one incident
	LabelService = "toban_service" // the service that it names
)

// Rules are the monitors that Prometheus evaluates, as a rule file of its own
// format: a group for each, with the monitor's interval.
func (m *Monitors) Rules() []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return RuleFile(m.all)
}

// RuleFile writes the rules of those of the monitors that are rules and not
// paused; it is empty when there is none.
func RuleFile(monitors []*oncall.Monitor) []byte {
	var out strings.Builder
	for _, m := range monitors {
		if !m.Kind.Rules() || m.Paused || m.Validate() != nil {
			continue
		}
		if out.Len() == 0 {
			out.WriteString("groups:\n")
		}
		fmt.Fprintf(&out, "  - name: %s\n    interval: %s\n    rules:\n", quoted("toban/monitor/"+string(m.ID)), oncall.PromDuration(m.Every))
		for _, c := range conditionsOf(m) {
			rule(&out, m, c)
		}
	}
	return []byte(out.String())
}

func conditionsOf(m *oncall.Monitor) []oncall.Condition {
	if m.Kind == oncall.MonitorMetric {
		all := m.Metric.Conditions()
		for i := range all {
			if all[i].Word == "missing" {
				all[i].Severity = m.Severity
			}
		}
		return all
	}
	return []oncall.Condition{{Word: "true", Severity: m.Severity, Expression: m.PromQL}}
}

func rule(out *strings.Builder, m *oncall.Monitor, c oncall.Condition) {
	fmt.Fprintf(out, "      - alert: %s\n        expr: %s\n", quoted(m.Name), quoted(c.Expression))
	if d := spanOf(m.Down, m.Every); d > 0 {
		fmt.Fprintf(out, "        for: %s\n", oncall.PromDuration(d))
	}
	if d := spanOf(m.Up, m.Every); d > 0 {
		fmt.Fprintf(out, "        keep_firing_for: %s\n", oncall.PromDuration(d))
	}
	labels := [][2]string{{LabelMonitor, string(m.ID)}, {"kind", string(m.Kind)}, {"severity", string(c.Severity)}}
	if m.Service != "" {
		labels = append(labels, [2]string{LabelService, string(m.Service)})
	}
	if m.Kind == oncall.MonitorMetric {
		labels = append(labels, [2]string{"condition", c.Word})
	}
	out.WriteString("        labels:\n")
	for _, l := range labels {
		fmt.Fprintf(out, "          %s: %s\n", l[0], quoted(literal(l[1])))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		fmt.Fprintf(out, "          %s: %s\n", name, quoted(literal(m.Labels[name])))
	}
	fmt.Fprintf(out, "        annotations:\n          reason: %s\n          summary: %s\n", quoted(c.Word), quoted(summary(m, c)))
}

// spanOf is a threshold as a time: a result in a row is an evaluation.
func spanOf(t oncall.Threshold, every time.Duration) time.Duration {
	if t.Count > 1 {
		return max(t.For, time.Duration(t.Count-1)*every)
	}
	return t.For
}

func summary(m *oncall.Monitor, c oncall.Condition) string {
	switch {
	case c.Word == "missing":
		return literal(m.Name) + ": no point has come for " + oncall.PromDuration(m.Metric.Missing)
	case m.Kind == oncall.MonitorMetric:
		return literal(m.Name) + ": {{ $value }}"
	}
	return literal(m.Name) + ": the value is {{ $value }}"
}

// literal keeps what people wrote from being taken for a template.
func literal(text string) string { return strings.ReplaceAll(text, "{{", "{ {") }

// quoted is a text as YAML: JSON's quotes are YAML's, too.
func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // a string always can be
	}
	return strings.TrimSuffix(out.String(), "\n")
}
