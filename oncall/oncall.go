// Package oncall is the vocabulary and the rules of toban: signals, alerts,
// incidents, users, schedules, escalation policies, the response to an incident
// and the transitions between their states.
//
// It is pure. Nothing here reads a clock, a database, a network or a context;
// every function receives the time it should believe in and returns what
// follows instead of doing it. That is what lets a night of paging be forecast,
// replayed and tested in a millisecond.
package oncall

import "strings"

// What a team names in its configuration (users, services,
// policies, schedules, integrations) is identified by that very name; what
// toban creates has a prefixed ULID such as inc_01j….
type (
	// UserID names somebody who can be on duty.
	UserID string
	// ServiceID names a service.
	ServiceID string
	// PolicyID names an escalation policy.
	PolicyID string
	// ScheduleID names a schedule.
	ScheduleID string
	// IntegrationID names an intake address.
	IntegrationID string
	// PagerID names another paging system.
	PagerID string

	// SignalID names a signal, sig_….
	SignalID string
	// AlertID names an alert, alr_….
	AlertID string
	// IncidentID names an incident, inc_….
	IncidentID string
	// AttemptID names one contact of one user for one incident:
	// "<incident>.<n>", n counted inside the response, so that a replay gives
	// the same names.
	AttemptID string
	// DeliveryID names one try of an attempt; it is what a provider is given.
	DeliveryID string
)

// Stage separates a rehearsal from the real thing: everything of a stage whose
// providers are simulated can never reach a real phone.
type Stage string

// Production is the stage of everything that names no other.
const Production Stage = "production"

// Incident is the incident that the attempt is for: what stands before the dot.
func (a AttemptID) Incident() IncidentID {
	id, _, _ := strings.Cut(string(a), ".")
	return IncidentID(id)
}
