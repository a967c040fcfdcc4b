package oncall

import "time"

// MatchOp compares a label with a value.
type MatchOp string

// The operators of a matcher, as Prometheus writes them. Regular expressions
// are anchored.
const (
	Equal    MatchOp = "="
	NotEqual MatchOp = "!="
	Match    MatchOp = "=~"
	NotMatch MatchOp = "!~"
)

// Matcher is one condition on a label; a missing label is the empty string.
type Matcher struct {
	Label string
	Op    MatchOp
	Value string
}

// Service is what users depend on. It owns a policy and turns severities into
// urgencies.
type Service struct {
	ID           ServiceID
	Name         string
	Reading      string // how the name is spoken; "" = Name
	Policy       PolicyID
	Match        []Matcher // all must hold; none = only what names the service
	CatchAll     bool      // takes what nothing else matches; exactly one service does
	Urgency      map[Severity]Urgency
	SupportHours *Hours // nil = always
	PageAfter    time.Duration
	NoCalls      bool // "call: never": messages only, nobody's phone rings (S1's skip)
	Shadow       bool // R27
	Chat         ServiceChat
}

// ServiceChat says where a service's incidents are talked about.
type ServiceChat struct {
	Channel     string   // the team's channel, such as #alerts; "" = the provider's
	PerIncident ChatWhen // "" = never
}

// ChatWhen says which incidents get a channel of their own.
type ChatWhen string

// When an incident gets a channel of its own.
const (
	ChatNever    ChatWhen = "never"
	ChatAlways   ChatWhen = "always"
	ChatHigh     ChatWhen = "high"      // of high urgency
	ChatOffHours ChatWhen = "off-hours" // triggered outside the service's support hours
)

// UrgencyOf maps a severity to an urgency (R6). What the service does not say
// follows the default: critical and error are high, warning and info low.
func (s *Service) UrgencyOf(sev Severity) Urgency {
	if u, ok := s.Urgency[sev]; ok {
		return u
	}
	if sev.Rank() <= Failure.Rank() {
		return High
	}
	return Low
}
