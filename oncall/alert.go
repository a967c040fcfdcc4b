package oncall

import "time"

// AlertState is the state of an alert: an alert clears, an incident resolves.
type AlertState string

// The states of an alert.
const (
	Firing  AlertState = "firing"
	Cleared AlertState = "cleared"
)

// Alert is the deduplicated state of what a sender keeps saying.
type Alert struct {
	ID          AlertID
	Service     ServiceID
	Fingerprint string
	State       AlertState
	Severity    Severity
	GroupKey    string
	Incident    IncidentID
	StartsAt    time.Time
	EndsAt      time.Time // firing: until when it holds unless it is said again, zero = for ever; cleared: when it ended
	LastAt      time.Time
	Count       int64
	Labels      map[string]string
	Annotations map[string]string
}
