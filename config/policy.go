package config

import (
	"slices"
	"time"

	"toban/oncall"
)

const (
	maxLevels  = 50
	maxTargets = 500
	maxWait    = 7 * 24 * time.Hour
)

// Defaults of a policy. Three rounds of low urgency reach somebody who was in a
// meeting; thirty minutes are R16's.
const (
	defaultRounds  = 3
	defaultWait    = 5 * time.Minute
	defaultTimeout = 30 * time.Minute
)

// policy reads one of `policies`.
func (l *loader) policy(name, n *node) {
	f := l.fields(name, n, "name", "levels", "repeat", "rounds", "fallback", "acknowledgement_timeout")
	p := &oncall.Policy{
		ID: oncall.PolicyID(name.text), Name: f.title("name"),
		Rounds:                 f.count("rounds", defaultRounds, 1, 1000),
		AcknowledgementTimeout: f.duration("acknowledgement_timeout", defaultTimeout, time.Minute, maxWait),
	}
	l.put(kindPolicy, name.text, p, name)
	if n, ok := f.scalar("repeat"); ok && n.text != "until_acknowledged" {
		l.errorf(n, "repeat is until_acknowledged: high urgency is never given up; how often low urgency is repeated is `rounds`")
	}
	if f.need("levels", "who is paged, and who then") {
		levels := f.each("levels")
		for _, n := range levels {
			p.Levels = append(p.Levels, l.level(n))
		}
		if len(levels) == 0 || len(levels) > maxLevels {
			l.errorf(f.key("levels"), "a policy has 1 to %d levels", maxLevels)
		}
	}
	l.fallback(f, p)
}

// level reads { targets: [ schedule: infra ], wait: 10m, on_no_answer: again }.
func (l *loader) level(n *node) (level oncall.Level) {
	f := l.fields(n, n, "targets", "strategy", "wait", "each", "on_no_answer")
	level.Strategy = oncall.Strategy(f.word("strategy", string(oncall.InOrder), string(oncall.All), string(oncall.InOrder), string(oncall.RoundRobin)))
	level.OnNoAnswer = oncall.OnNoAnswer(f.word("on_no_answer", string(oncall.GoNext), string(oncall.GoNext), string(oncall.GoAgain)))
	level.Wait = f.duration("wait", defaultWait, time.Second, maxWait)
	level.Each = f.duration("each", 0, time.Second, maxWait)
	if level.Each > level.Wait {
		l.errorf(f.key("each"), "one target can't take longer (%s) than its level (%s)", spell(level.Each), spell(level.Wait))
	}
	if !f.need("targets", "who is paged, as in [ schedule: infra ] or [ user: take, user: ume ]") {
		return level
	}
	targets := f.each("targets")
	for _, n := range targets {
		if t, ok := l.target(n); ok {
			level.Targets = append(level.Targets, t)
		}
	}
	if len(targets) == 0 || len(targets) > maxTargets {
		l.errorf(f.key("targets"), "a level has 1 to %d targets", maxTargets)
	}
	return level
}

// target reads `user: take`, `schedule: infra` or `pager: legacy`.
func (l *loader) target(n *node) (t oncall.Target, ok bool) {
	f := l.fields(n, n, "user", "schedule", "pager")
	for _, kind := range []oncall.TargetKind{oncall.TargetUser, oncall.TargetSchedule, oncall.TargetPager} {
		if !f.has(string(kind)) {
			continue
		}
		if t.Kind != "" {
			l.errorf(f.key(string(kind)), "a target is one: write - { %s: … } beside it", kind)
			return t, false
		}
		t = oncall.Target{Kind: kind, Name: f.refer(string(kind), string(kind))}
	}
	if n.kind == mapping && len(n.pairs) == 0 {
		l.errorf(n, "a target is a user, a schedule or a pager, as in { user: take }")
	}
	return t, t.Name != ""
}

// fallback checks R13 with its reason: who is paged when everybody else failed
// has to be reachable for certain.
func (l *loader) fallback(f fields, p *oncall.Policy) {
	n := f.node("fallback")
	if n == nil {
		l.errorf(f.key("fallback"), "policy %s has no fallback: %s, as in fallback: { user: ume }", p.ID, oncall.ErrNoFallback.Message)
		return
	}
	t, ok := l.target(n)
	if !ok {
		return
	}
	p.Fallback = t
	switch t.Kind {
	case oncall.TargetSchedule:
		l.errorf(n, "the fallback is a user or a pager: a schedule may have nobody on duty")
	case oncall.TargetUser:
		l.afterwards(func() {
			for _, u := range l.config.Users() {
				if u.ID == oncall.UserID(t.Name) && !callable(u) && l.config.sound(l.names["user"][t.Name]) {
					l.errorf(n, "the fallback always has to reach somebody, but %s has no verified phone to call", t.Name)
				}
			}
		})
	}
}

func callable(u *oncall.User) bool {
	return slices.ContainsFunc(u.Contacts, isCall)
}
