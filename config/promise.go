package config

import (
	"strings"
	"time"

	"toban/oncall"
)

const (
	maxTests  = 10_000
	maxExpect = 200
)

// tests reads the section `tests`: the user's promises.
func (l *loader) tests(n *node) {
	if n == nil || !l.is(n, list) {
		return
	}
	if len(n.list) > maxTests {
		l.errorf(n, "at most %d tests", maxTests)
		return
	}
	for _, one := range n.list {
		f := l.fields(one, one, "name", "signal", "given", "expect")
		if f.broken {
			continue
		}
		t := Test{Name: f.text("name"), File: one.file, Line: one.line}
		f.need("name", "what it promises, as a sentence")
		if f.need("signal", "what comes in, as in { service: checkout, severity: critical }") {
			t.Signal = l.testSignal(f.key("signal"), f.node("signal"))
		}
		if given := f.node("given"); given != nil && l.is(given, mapping) {
			t.Given = l.given(given)
		}
		if f.need("expect", "what has to happen, as in [ call matsu within 10s ]") {
			for _, n := range f.texts("expect") {
				t.Expect = append(t.Expect, l.expectation(n))
			}
			if len(t.Expect) > maxExpect {
				l.errorf(f.key("expect"), "at most %d expectations", maxExpect)
			}
		}
		l.config.Tests = append(l.config.Tests, t)
	}
}

func (l *loader) testSignal(at, n *node) (s TestSignal) {
	f := l.fields(at, n, "service", "labels", "severity", "at")
	s.Severity = oncall.Severity(f.word("severity", string(oncall.Critical), string(oncall.Critical), string(oncall.Failure), string(oncall.Warning), string(oncall.Info)))
	s.Service = oncall.ServiceID(f.refer("service", "service"))
	if labels := f.node("labels"); labels != nil && l.is(labels, mapping) {
		s.Labels = map[string]string{}
		for _, p := range labels.pairs {
			s.Labels[p.key.text] = p.value.text
		}
	}
	if s.Service == "" && s.Labels == nil && !f.broken {
		l.errorf(at, "a signal names a service, or has labels that a service matches")
	}
	text, ok := f.scalar("at")
	if !ok {
		return s
	}
	for _, layout := range []string{"2006-01-02T15:04Z07:00", time.RFC3339} {
		if t, err := time.Parse(layout, text.text); err == nil {
			s.At = t
			return s
		}
	}
	l.errorf(text, "at is an instant as in 2026-11-28T03:00+09:00, not %s", quote(text.text))
	return s
}

// outcomes are the words for how somebody meets a call.
func outcomes() map[string]oncall.Outcome {
	return map[string]oncall.Outcome{
		"busy": oncall.Busy, "no answer": oncall.NoAnswer, "rejected": oncall.Rejected, "no input": oncall.NoInput,
		"voicemail": oncall.NoInput, "undeliverable": oncall.Undeliverable, "acknowledges": oncall.Answered,
	}
}

func (l *loader) given(n *node) map[oncall.UserID]oncall.Outcome {
	known := outcomes()
	all := map[oncall.UserID]oncall.Outcome{}
	for _, p := range n.pairs {
		l.refer("user", p.key)
		if !l.is(p.value, scalar) {
			continue
		}
		o, ok := known[p.value.text]
		if !ok {
			l.errorf(p.value, "a call is met by busy, no answer, rejected, no input, voicemail, undeliverable or acknowledges, not %s", quote(p.value.text))
		}
		all[oncall.UserID(p.key.text)] = o
	}
	return all
}

// expectation reads "call matsu again within 10s".
func (l *loader) expectation(n *node) (e Expectation) {
	words := strings.Fields(n.text)
	methods := map[string]oncall.Method{"call": oncall.Call, "sms": oncall.SMS, "slack": oncall.Slack, "push": oncall.Push, "email": oncall.Email}
	if len(words) < 2 || methods[words[0]] == "" {
		l.errorf(n, "an expectation is written as in call matsu, call matsu again, call take within 2m")
		return e
	}
	e.Method, e.User = methods[words[0]], oncall.UserID(words[1])
	user := *n
	user.text = words[1]
	l.refer("user", &user)
	for rest := words[2:]; len(rest) > 0; {
		switch {
		case rest[0] == "again":
			e.Again, rest = true, rest[1:]
		case rest[0] == "within" && len(rest) > 1:
			d, err := parseDuration(rest[1])
			if err != nil {
				l.errorf(n, "within: %v", err)
			}
			e.Within, rest = d, rest[2:]
		default:
			l.errorf(n, "after the user come again and within 10s, not %s", quote(strings.Join(rest, " ")))
			return e
		}
	}
	return e
}
