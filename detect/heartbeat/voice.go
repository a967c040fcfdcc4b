package heartbeat

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
func (l *Listener) say(row *store.Heartbeat, e *entry, action oncall.Action, now time.Time) {
	v := &row.Voice
	opened := v.Opened
	switch {
	case action == oncall.Trigger:
		s := l.trigger(row, e, now)
		moved := opened != nil && (opened.Service != s.Service || s.Service == "" && !maps.Equal(opened.Labels, s.Labels))
		if moved {
			voice.Owe(v, ending(*opened, "is watched elsewhere", now)) // there it would never end
		}
		voice.Owe(v, s)
		v.Opened = &s
	case action == oncall.Resolve && opened != nil:
		voice.Owe(v, ending(*opened, end(row.State, e), now))
		v.Opened = nil
	}
}

// trigger is what there is to say about a heartbeat that is down.
func (l *Listener) trigger(row *store.Heartbeat, e *entry, now time.Time) oncall.Signal {
	m := e.monitor
	title, summary := l.words(row.State, e)
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
func ending(opened oncall.Signal, how string, now time.Time) oncall.Signal {
	opened.Action, opened.StartsAt, opened.Title = oncall.Resolve, now, opened.Labels["alertname"]+" "+how
	opened.Annotations = map[string]string{"reason": "up", "summary": opened.Title}
	return opened
}

func end(s oncall.HeartbeatState, e *entry) string {
	switch {
	case e == nil:
		return "is not watched any more"
	case e.plan.Paused:
		return "is paused"
	case s.Status == oncall.HeartbeatUp && s.Success.Equal(s.Since):
		return "has reported success"
	}
	return "is not late by its new plan"
}

// words are a title and a sentence about a heartbeat that is down.
func (l *Listener) words(s oncall.HeartbeatState, e *entry) (title, summary string) {
	name, grace := e.monitor.Title(), e.plan.Grace
	switch s.Why {
	case oncall.HeartbeatFailed:
		title = name + " reported a failure"
		if s.Exit != 0 {
			title = name + " failed with exit status " + strconv.Itoa(s.Exit)
		}
		return title, title + " at " + l.clock(s.Ended, e)
	case oncall.HeartbeatOverrun:
		title = name + " has not ended in time"
		return title, fmt.Sprintf("%s began at %s and has not ended within %s", name, l.clock(s.Missed, e), span(max(grace, time.Minute)))
	case oncall.HeartbeatNever:
		title = name + " has never reported"
		summary = fmt.Sprintf("%s has never been heard of; it was first expected at %s", name, l.clock(s.Missed, e))
	default:
		title = name + " has not reported"
		summary = fmt.Sprintf("%s was expected at %s and was last heard of at %s", name, l.clock(s.Missed, e), l.clock(s.Heard, e))
	}
	if grace > 0 {
		summary += ", with a grace of " + span(grace)
	}
	if since := l.listening(); since.After(s.Missed) {
		summary += "; toban itself was not listening until " + l.clock(since, e) + ", so a report may have been missed"
	}
	return title, summary
}

// listening is since when it listens.
func (l *Listener) listening() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// clock is a time as people of the heartbeat's zone read it.
func (l *Listener) clock(at time.Time, e *entry) string {
	l.mu.Lock()
	zone := l.zone
	l.mu.Unlock()
	if own, err := oncall.LoadZone(e.plan.Zone); err == nil && e.plan.Zone != "" {
		zone = own
	}
	return at.In(zone).Format("2006-01-02 15:04 MST")
}

// span is a duration without zeros.
func span(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return d.String()
}
