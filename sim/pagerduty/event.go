package pagerduty

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// wire is the form of an event. Pointers tell what is missing from what is
// empty.
type wire struct {
	RoutingKey any             `json:"routing_key"`
	Action     any             `json:"event_action"`
	DedupKey   any             `json:"dedup_key"`
	Client     any             `json:"client"`
	ClientURL  any             `json:"client_url"`
	Links      []wireLink      `json:"links"`
	Images     []wireImage     `json:"images"`
	Payload    json.RawMessage `json:"payload"`
}

type wireLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type wireImage struct {
	Src  string `json:"src"`
	Href string `json:"href"`
	Alt  string `json:"alt"`
}

type wirePayload struct {
	Summary   any             `json:"summary"`
	Source    any             `json:"source"`
	Severity  any             `json:"severity"`
	Timestamp any             `json:"timestamp"`
	Component any             `json:"component"`
	Group     any             `json:"group"`
	Class     any             `json:"class"`
	Details   json.RawMessage `json:"custom_details"`
}

// read checks an event as the real receiver does. problems are what is wrong
// with one that is JSON.
func read(body []byte) (e Event, problems []string, err error) {
	var in wire
	if err := json.Unmarshal(body, &in); err != nil {
		return e, nil, err
	}
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	text := func(name string, value any, required bool) string {
		s, ok := value.(string)
		switch {
		case value != nil && !ok:
			complain("'%s' must be a string", name)
		case required && strings.TrimSpace(s) == "":
			complain("'%s' is missing or blank", name)
		}
		return s
	}
	e.RoutingKey = text("routing_key", in.RoutingKey, true)
	if e.RoutingKey != "" && utf8.RuneCountInString(e.RoutingKey) != keyLength {
		complain("Length of 'routing_key' is incorrect (should be 32 characters)")
	}
	e.Action = text("event_action", in.Action, true)
	switch e.Action {
	case "", "trigger", "acknowledge", "resolve":
	default:
		complain("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
	}
	e.DedupKey = text("dedup_key", in.DedupKey, e.Action == "acknowledge" || e.Action == "resolve")
	if utf8.RuneCountInString(e.DedupKey) > maxDedup {
		complain("'dedup_key' is longer than 255 characters")
	}
	text("client", in.Client, false)
	text("client_url", in.ClientURL, false)
	for _, l := range in.Links {
		if l.Href == "" {
			complain("'links.href' is missing or blank")
		}
	}
	for _, i := range in.Images {
		if u, err := url.Parse(i.Src); err != nil || u.Scheme != "https" {
			complain("'images.src' must be an https address")
		}
	}
	e.Links = len(in.Links)
	if e.Action == "trigger" {
		readPayload(in.Payload, &e, complain, text)
	}
	return e, problems, nil
}

func readPayload(body json.RawMessage, e *Event, complain func(string, ...any), text func(string, any, bool) string) {
	var p wirePayload
	if len(body) == 0 || string(body) == "null" {
		complain("'payload' is missing or blank")
		return
	}
	if err := json.Unmarshal(body, &p); err != nil {
		complain("'payload' must be an object")
		return
	}
	e.Summary = text("payload.summary", p.Summary, true)
	if runes := []rune(e.Summary); len(runes) > 1024 {
		e.Summary = string(runes[:1024])
	}
	e.Source = text("payload.source", p.Source, true)
	switch e.Severity = text("payload.severity", p.Severity, false); e.Severity {
	case "critical", "warning", "error", "info":
	default:
		complain("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	}
	e.Timestamp = text("payload.timestamp", p.Timestamp, false)
	if e.Timestamp != "" && !isTime(e.Timestamp) {
		complain("'payload.timestamp' is not an ISO 8601 date")
	}
	text("payload.component", p.Component, false)
	text("payload.group", p.Group, false)
	text("payload.class", p.Class, false)
}

func isTime(s string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}
