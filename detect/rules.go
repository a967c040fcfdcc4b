package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"toban/detect/saying"
	"toban/oncall"
)

// LabelMonitor is the label with a monitor's name: the alerts of one monitor are one
// incident.
const LabelMonitor = "monitor"

// groupPrefix is in front of a monitor's name in that of its group of rules.
const groupPrefix = "toban/monitor/"

// RuleOf writes the rule of a monitor, as a rule file of Prometheus' own format
// with one group in the monitor's interval; it is empty for one that is no rule or
// is paused. Its alert is said in w. Each monitor is a file by itself: one that can't be evaluated takes
// no other along.
func RuleOf(m *oncall.Monitor, w saying.Words) []byte {
	if !m.Kind.Rules() || m.Paused || m.Validate() != nil {
		return nil
	}
	var out strings.Builder
	fmt.Fprintf(&out, "groups:\n  - name: %s\n    interval: %s\n    rules:\n", quoted(groupPrefix+string(m.ID)), oncall.PromDuration(m.Every))
	rule(&out, m, w)
	return []byte(out.String())
}

// RuleGroup is the monitor whose rule is in a group of that name.
func RuleGroup(name string) (oncall.MonitorID, bool) {
	id, is := strings.CutPrefix(name, groupPrefix)
	return oncall.MonitorID(id), is
}

func rule(out *strings.Builder, m *oncall.Monitor, w saying.Words) {
	fmt.Fprintf(out, "      - alert: %s\n        expr: %s\n", quoted(m.Name), quoted(m.PromQL))
	if d := spanOf(m.Down, m.Every); d > 0 {
		fmt.Fprintf(out, "        for: %s\n", oncall.PromDuration(d))
	}
	if d := spanOf(m.Up, m.Every); d > 0 {
		fmt.Fprintf(out, "        keep_firing_for: %s\n", oncall.PromDuration(d))
	}
	labels := [][2]string{{LabelMonitor, string(m.ID)}, {"kind", string(m.Kind)}, {"severity", string(m.Severity)}}
	if m.Service != "" {
		labels = append(labels, [2]string{oncall.LabelService, string(m.Service)})
	}
	out.WriteString("        labels:\n")
	for _, l := range labels {
		fmt.Fprintf(out, "          %s: %s\n", l[0], quoted(literal(l[1])))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		fmt.Fprintf(out, "          %s: %s\n", name, quoted(literal(m.Labels[name])))
	}
	const value = "{{ $value }}" // the title says what holds as long as it fires: no value
	name := literal(m.Title())
	out.WriteString("        annotations:\n")
	for _, a := range [][2]string{
		{"reason", string(saying.ReasonRule)},
		{"summary", w.Say("said.rule", "name", name, "value", value)},
		{"title", w.Title(name, string(saying.ReasonRule), "")},
		{"value", value},
	} {
		fmt.Fprintf(out, "          %s: %s\n", a[0], quoted(a[1]))
	}
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
