package oncall

import "time"

// Action is what a sender wants to say with a signal.
type Action string

// The actions of a signal.
const (
	Trigger     Action = "trigger"
	Acknowledge Action = "acknowledge"
	Resolve     Action = "resolve"
)

// Severity says how bad it is for the users of the service.
type Severity string

// Severities, worst first. Unknown or missing is read as Critical.
const (
	Critical Severity = "critical"
	Failure  Severity = "error"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Rank orders severities: 0 is the worst. An unknown severity ranks as Critical.
func (s Severity) Rank() int {
	switch s {
	case Failure:
		return 1
	case Warning:
		return 2
	case Info:
		return 3
	}
	return 0
}

// Worse returns the worse of s and t.
func (s Severity) Worse(t Severity) Severity {
	if t.Rank() < s.Rank() {
		return t
	}
	return s
}

// ParseSeverity reads a sender's word. known is false when the word is none of
// the four, which is then read as Critical (better loud than silent).
func ParseSeverity(word string) (s Severity, known bool) {
	switch s := Severity(word); s {
	case Critical, Failure, Warning, Info:
		return s, true
	}
	return Critical, false
}

// Urgency says whether people are paged at any hour (High) or only within the
// support hours of the service (Low).
type Urgency string

// The urgencies.
const (
	High Urgency = "high"
	Low  Urgency = "low"
)

// Signal is what a sender posted, in toban's words.
type Signal struct {
	ID          SignalID
	Integration IntegrationID
	SenderKey   string // the sender's delivery id, kept once per integration; "" where it has none
	Stage       Stage
	Service     ServiceID // set only when the integration names one; otherwise alert routes by labels
	Key         string    // deduplicates within the service: fingerprint, dedup key, …
	GroupKey    string    // incident key within the service; "" means Key
	Action      Action
	Severity    Severity
	Unknown     string // the sender's severity word when it was not one of ours
	By          UserID // who acknowledged or resolved, where the sender says so
	Title       string
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time // since when, by the sender's clock; zero = ReceivedAt
	EndsAt      time.Time // of a trigger: it holds until then unless it is said again; zero = until it is resolved
	ReceivedAt  time.Time
}
