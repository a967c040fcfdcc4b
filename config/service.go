package config

import (
	"regexp"
	"strings"
	"time"

	"toban/oncall"
)

const maxMatchers = 50

// service reads one of `services`.
func (l *loader) service(name, n *node) {
	f := l.fields(name, n, "name", "reading", "policy", "match", "urgency", "support_hours", "slack", "page_after", "call", "shadow", "catch_all")
	s := &oncall.Service{
		ID: oncall.ServiceID(name.text), Name: f.title("name"), Reading: f.text("reading"),
		PageAfter: f.duration("page_after", 0, 0, 24*time.Hour),
		NoCalls:   f.word("call", "always", "always", "never") == "never",
		Shadow:    f.bool("shadow", false),
		CatchAll:  f.bool("catch_all", false),
	}
	if s.Name == "" {
		s.Name = name.text
	}
	l.put(kindService, name.text, s, name)
	if f.need("policy", "who is paged for it") {
		s.Policy = oncall.PolicyID(f.refer("policy", "policy"))
	}
	if f.has("match") {
		s.Match = l.matchers(f.node("match"))
	}
	if f.has("urgency") {
		s.Urgency = l.urgency(f.key("urgency"), f.node("urgency"))
	}
	if f.has("support_hours") {
		s.SupportHours = l.hours(f.key("support_hours"), f.node("support_hours"))
	}
	if f.has("slack") {
		g := l.fields(f.key("slack"), f.node("slack"), "channel_per_incident", "channel")
		s.Chat.PerIncident = oncall.ChatWhen(g.word("channel_per_incident", string(oncall.ChatNever), "always", "high", "off-hours", "never"))
		s.Chat.Channel = g.chatChannel("channel")
		l.needsSlack(f.key("slack"))
	}
}

// matchers reads { product: checkout, country: "!=jp", path: "=~/api/.*" }.
func (l *loader) matchers(n *node) (all []oncall.Matcher) {
	if !l.is(n, mapping) {
		return nil
	}
	if len(n.pairs) == 0 || len(n.pairs) > maxMatchers {
		l.errorf(n, "match has 1 to %d labels; leave it out for a service that gets only what names it", maxMatchers)
	}
	seen := map[string]*node{}
	for _, p := range n.pairs {
		if was := seen[p.key.text]; was != nil {
			l.errorf(p.key, "label %s is there twice; first at %s", quote(p.key.text), was.place())
			continue
		}
		seen[p.key.text] = p.key
		if p.value.kind != empty && !l.is(p.value, scalar) {
			continue
		}
		m := oncall.Matcher{Label: p.key.text, Op: oncall.Equal, Value: p.value.text}
		for _, op := range []oncall.MatchOp{oncall.NotEqual, oncall.Match, oncall.NotMatch, oncall.Equal} {
			if rest, ok := strings.CutPrefix(p.value.text, string(op)); ok {
				m.Op, m.Value = op, strings.TrimSpace(rest)
				break
			}
		}
		if m.Op == oncall.Match || m.Op == oncall.NotMatch {
			if _, err := regexp.Compile(m.Value); err != nil {
				l.errorf(p.value, "%s is no regular expression: %s", quote(m.Value), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
				continue
			}
		}
		all = append(all, m)
	}
	return all
}

// urgency reads { critical: high, warning: low }, or one word for all.
func (l *loader) urgency(at, n *node) map[oncall.Severity]oncall.Urgency {
	words := []string{string(oncall.High), string(oncall.Low)}
	severities := []string{string(oncall.Critical), string(oncall.Failure), string(oncall.Warning), string(oncall.Info)}
	all := map[oncall.Severity]oncall.Urgency{}
	if n.kind == scalar {
		f := fields{l: l, at: at, by: map[string]pair{"urgency": {at, n}}}
		word := f.word("urgency", words[0], words...)
		for _, s := range severities {
			all[oncall.Severity(s)] = oncall.Urgency(word)
		}
		return all
	}
	f := l.fields(at, n, severities...)
	for _, s := range severities {
		if f.has(s) {
			all[oncall.Severity(s)] = oncall.Urgency(f.word(s, words[0], words...))
		}
	}
	return all
}

// catchAll makes sure that no alert is dropped, and none is fought for.
func (l *loader) catchAll(top fields) {
	var first *object
	for i := range l.config.objects {
		o := &l.config.objects[i]
		s, ok := o.value.(*oncall.Service)
		if !ok || !s.CatchAll {
			continue
		}
		if first != nil {
			l.errorf(o.at, "%s is a second catch_all; the first is %s at %s, and what nothing matches can go to one only", o.Name, first.Name, first.at.place())
			continue
		}
		first = o
	}
	if first == nil {
		l.errorf(top.key("services"), "no service takes what matches none, so alerts would be dropped; add one, as in unmatched: { policy: …, catch_all: true }")
	}
}
