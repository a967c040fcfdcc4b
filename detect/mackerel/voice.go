package mackerel

import (
	"fmt"
	"maps"
	"strconv"
	"time"

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
		s := trigger(row, e)
		moved := opened != nil && (opened.Service != s.Service || s.Service == "" && !maps.Equal(opened.Labels, s.Labels))
		if moved {
			voice.Owe(v, ending(*opened, "is watched elsewhere", row.State, c.now)) // there it would never end
		}
		voice.Owe(v, s)
		v.Opened = &s
	case action == oncall.Resolve && opened != nil:
		voice.Owe(v, ending(*opened, end(row, e), row.State, c.now))
		v.Opened = nil
	}
}

// trigger is what there is to say about a metric that is bad.
func trigger(row *store.MetricState, e *entry) oncall.Signal {
	m, p, state := e.monitor, e.plan, row.State
	s := oncall.Signal{
		Integration: integration, Key: row.ID(), GroupKey: string(m.ID), Action: oncall.Trigger, Severity: p.SeverityOf(state.Level),
		Service: m.Service, Labels: m.AlertLabels(row.Name), StartsAt: state.Since,
		Annotations: map[string]string{"reason": string(state.Level), "metric": row.Name, "metric_service": p.Service},
	}
	summary := sentence(row, p)
	s.Title, s.Annotations["summary"] = m.Title()+": "+summary, summary
	if !state.At.IsZero() {
		s.Annotations["value"], s.Annotations["point_at"] = number(state.Value), state.At.UTC().Format(time.RFC3339)
	}
	if limit := p.Limit(state.Level); limit != nil {
		s.Annotations["threshold"] = p.Operator + " " + number(*limit)
	}
	return s
}

// sentence says what is bad about a metric.
func sentence(row *store.MetricState, p oncall.MetricPlan) string {
	limit := p.Limit(row.State.Level)
	switch {
	case row.State.Level == oncall.MetricMissing:
		return fmt.Sprintf("no point of %s has come for %s", row.Name, oncall.PromDuration(p.Missing))
	case limit == nil:
		return fmt.Sprintf("%s is %s", row.Name, number(row.State.Value))
	case p.Points > 1:
		return fmt.Sprintf("the average of the last %d points of %s is %s (%s %s)", p.Points, row.Name, number(row.State.Value), p.Operator, number(*limit))
	}
	return fmt.Sprintf("%s is %s (%s %s)", row.Name, number(row.State.Value), p.Operator, number(*limit))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// ending is the resolve that fits a trigger.
func ending(opened oncall.Signal, how string, state oncall.MetricState, now time.Time) oncall.Signal {
	opened.Action, opened.StartsAt, opened.Title = oncall.Resolve, now, opened.Labels["alertname"]+": "+opened.Labels["name"]+" "+how
	annotations := map[string]string{"reason": "ok", "summary": opened.Title}
	if !state.At.IsZero() {
		annotations["value"] = number(state.Value)
	}
	opened.Annotations = annotations
	return opened
}

func end(row *store.MetricState, e *entry) string {
	switch {
	case e == nil:
		return "is not watched any more"
	case e.plan.Paused:
		return "is paused"
	}
	return "is " + number(row.State.Value)
}
