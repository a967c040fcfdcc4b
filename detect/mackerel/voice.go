package mackerel

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"toban/detect/saying"
	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// integration is whom signals of monitors come from.
const integration oncall.IntegrationID = "monitors"

// say adds what action means to what is owed of row. e is nil for one that is not
// configured any more.
func (c *change) say(row *store.MetricState, e *entry, action oncall.Action) {
	v := &row.Voice
	opened := v.Opened
	switch {
	case action == oncall.Trigger:
		s := trigger(c.words, row, e)
		moved := opened != nil && (opened.Service != s.Service || s.Service == "" && !maps.Equal(opened.Labels, s.Labels))
		if moved {
			voice.Owe(v, ending(*opened, c.words.Say("end.moved", "name", called(opened)), row.State, c.now)) // there it would never end
		}
		voice.Owe(v, s)
		v.Opened = &s
	case action == oncall.Resolve && opened != nil:
		voice.Owe(v, ending(*opened, end(c.words, called(opened), row, e), row.State, c.now))
		v.Opened = nil
	}
}

// trigger is what there is to say about a metric that is bad.
func trigger(w saying.Words, row *store.MetricState, e *entry) oncall.Signal {
	m, p, state := e.monitor, e.plan, row.State
	s := oncall.Signal{
		Integration: integration, Key: row.ID(), GroupKey: string(m.ID), Action: oncall.Trigger, Severity: p.SeverityOf(state.Level),
		Service: m.Service, Title: title(w, m.Title(), row, p), Labels: m.AlertLabels(row.Name), StartsAt: state.Since,
		Annotations: map[string]string{"reason": string(state.Level), "summary": sentence(w, row, p), "metric": row.Name, "metric_service": p.Service},
	}
	if !state.At.IsZero() {
		s.Annotations["value"], s.Annotations["point_at"] = number(state.Value), state.At.UTC().Format(time.RFC3339)
	}
	if limit := p.Limit(state.Level); limit != nil {
		s.Annotations["threshold"] = p.Operator + " " + number(*limit)
	}
	return s
}

// title says what is bad about a metric as long as it is. The metric is named where
// the monitor watches several.
func title(w saying.Words, name string, row *store.MetricState, p oncall.MetricPlan) string {
	limit, key := p.Limit(row.State.Level), [2]string{"alert.high", "alert.above"}
	places := []string{"name", name, "metric", row.Name}
	switch {
	case row.State.Level == oncall.MetricMissing:
		key = [2]string{"alert.empty", "alert.missing"}
	case limit == nil:
		key = [2]string{"alert.odd", "alert.bad"}
	case p.Operator == "<":
		key = [2]string{"alert.low", "alert.below"}
	}
	if limit != nil {
		places = append(places, "limit", number(*limit))
	}
	if strings.Contains(p.Name, "*") {
		return w.Say(key[1], places...)
	}
	return w.Say(key[0], places...)
}

// sentence says what is bad about a metric now.
func sentence(w saying.Words, row *store.MetricState, p oncall.MetricPlan) string {
	limit, value := p.Limit(row.State.Level), number(row.State.Value)
	switch {
	case row.State.Level == oncall.MetricMissing:
		return w.Say("said.missing", "metric", row.Name, "span", w.Span(p.Missing))
	case limit == nil:
		return w.Say("said.value", "metric", row.Name, "value", value)
	case p.Points > 1:
		return w.Say("said.average", "metric", row.Name, "n", strconv.Itoa(p.Points), "value", value, "limit", p.Operator+" "+number(*limit))
	}
	return w.Say("said.limit", "metric", row.Name, "value", value, "limit", p.Operator+" "+number(*limit))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// called is of which metric of which monitor an alert was.
func called(opened *oncall.Signal) string {
	return opened.Labels["alertname"] + ": " + opened.Labels["name"]
}

// ending is the resolve that fits a trigger.
func ending(opened oncall.Signal, title string, state oncall.MetricState, now time.Time) oncall.Signal {
	opened.Action, opened.StartsAt, opened.Title = oncall.Resolve, now, title
	annotations := map[string]string{"reason": "ok", "summary": title}
	if !state.At.IsZero() {
		annotations["value"] = number(state.Value)
	}
	opened.Annotations = annotations
	return opened
}

func end(w saying.Words, name string, row *store.MetricState, e *entry) string {
	switch {
	case e == nil:
		return w.Say("end.gone", "name", name)
	case e.plan.Paused:
		return w.Say("end.paused", "name", name)
	}
	return w.Say("end.value", "name", name, "value", number(row.State.Value))
}
