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
		rule(&out, m)
	}
	return []byte(out.String())
}

func rule(out *strings.Builder, m *oncall.Monitor) {
	fmt.Fprintf(out, "      - alert: %s\n        expr: %s\n", quoted(m.Name), quoted(m.PromQL))
	if d := spanOf(m.Down, m.Every); d > 0 {
		fmt.Fprintf(out, "        for: %s\n", oncall.PromDuration(d))
	}
	if d := spanOf(m.Up, m.Every); d > 0 {
		fmt.Fprintf(out, "        keep_firing_for: %s\n", oncall.PromDuration(d))
	}
	labels := [][2]string{{LabelMonitor, string(m.ID)}, {"kind", string(m.Kind)}, {"severity", string(m.Severity)}}
	if m.Service != "" {
		labels = append(labels, [2]string{LabelService, string(m.Service)})
	}
	out.WriteString("        labels:\n")
	for _, l := range labels {
		fmt.Fprintf(out, "          %s: %s\n", l[0], quoted(literal(l[1])))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		fmt.Fprintf(out, "          %s: %s\n", name, quoted(literal(m.Labels[name])))
	}
	fmt.Fprintf(out, "        annotations:\n          reason: \"true\"\n          summary: %s\n", quoted(literal(m.Name)+": the value is {{ $value }}"))
}

// spanOf is a threshold as a time: a result in a row is an evaluation.
func spanOf(t oncall.Threshold, every time.Duration) time.Duration {
	if t.Count > 1 {
		return max(t.For, time.Duration(t.Count-1)*every)
	}
	return t.For
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
