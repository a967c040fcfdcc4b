package heartbeat

import (
	"maps"
	"strconv"
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
func (l *Listener) say(row *store.Heartbeat, e *entry, action oncall.Action, now time.Time) {
	v := &row.Voice
	opened := v.Opened
	switch {
	case action == oncall.Trigger:
		s := l.trigger(row, e, now)
		moved := opened != nil && (opened.Service != s.Service || s.Service == "" && !maps.Equal(opened.Labels, s.Labels))
		if moved {
			voice.Owe(v, ending(*opened, l.spokenIn().Say("end.moved", "name", opened.Labels["alertname"]), now)) // there it would never end
		}
		voice.Owe(v, s)
		v.Opened = &s
	case action == oncall.Resolve && opened != nil:
		voice.Owe(v, ending(*opened, l.spokenIn().Say(end(row.State, e), "name", opened.Labels["alertname"]), now))
		v.Opened = nil
	}
}

// trigger is what there is to say about a heartbeat that is down.
func (l *Listener) trigger(row *store.Heartbeat, e *entry, now time.Time) oncall.Signal {
	m := e.monitor
	title, summary := l.sentences(l.spokenIn(), row.State, e)
	s := oncall.Signal{
		Integration: integration, Key: string(m.ID), Action: oncall.Trigger, Severity: m.Severity, Service: m.Service,
		Title: title, Labels: m.AlertLabels(""), StartsAt: now,
		Annotations: map[string]string{"reason": string(row.State.Why), "summary": summary},
	}
	if !row.State.Heard.IsZero() {
		s.Annotations["last_ping"] = row.State.Heard.UTC().Format(time.RFC3339)
	}
	return s
}

// ending is the resolve that fits a trigger.
func ending(opened oncall.Signal, title string, now time.Time) oncall.Signal {
	opened.Action, opened.StartsAt, opened.Title = oncall.Resolve, now, title
	opened.Annotations = map[string]string{"reason": "up", "summary": title}
	return opened
}

// end is the key of how it has ended.
func end(s oncall.HeartbeatState, e *entry) string {
	switch {
	case e == nil:
		return "end.gone"
	case e.plan.Paused:
		return "end.paused"
	case s.Status == oncall.HeartbeatUp && s.Success.Equal(s.Since):
		return "end.success"
	}
	return "end.plan"
}

// sentences are a title and a sentence about a heartbeat that is down.
func (l *Listener) sentences(w saying.Words, s oncall.HeartbeatState, e *entry) (title, summary string) {
	if own, err := oncall.LoadZone(e.plan.Zone); err == nil && e.plan.Zone != "" {
		w.Zone = own // as people of the heartbeat's zone read it
	}
	name, grace := e.monitor.Title(), e.plan.Grace
	title = w.Title(name, string(s.Why), "")
	switch s.Why {
	case oncall.HeartbeatFailed:
		if s.Exit == 0 {
			return title, w.Say("said.failure", "name", name, "time", w.At(s.Ended))
		}
		exit := strconv.Itoa(s.Exit)
		return w.Say("alert.exit", "name", name, "n", exit), w.Say("said.exit", "name", name, "n", exit, "time", w.At(s.Ended))
	case oncall.HeartbeatOverrun:
		return title, w.Say("said.overrun", "name", name, "time", w.At(s.Missed), "span", w.Span(max(grace, time.Minute)))
	case oncall.HeartbeatNever:
		summary = w.Say("said.never", "name", name, "time", w.At(s.Missed))
	default:
		title = w.Title(name, string(oncall.HeartbeatSilent), "")
		summary = w.Say("said.late", "name", name, "time", w.At(s.Missed), "last", w.At(s.Heard))
	}
	if grace > 0 {
		summary = w.Say("said.grace", "said", summary, "span", w.Span(grace))
	}
	if since := l.listening(); since.After(s.Missed) {
		summary = w.Say("said.deaf", "said", summary, "time", w.At(since))
	}
	return title, summary
}

// listening is since when it listens.
func (l *Listener) listening() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// spokenIn are the words of the installation.
func (l *Listener) spokenIn() saying.Words {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.words
}
