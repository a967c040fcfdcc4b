package oncall

import "time"

// EntryKind says what a line of the timeline is about.
type EntryKind string

// The kinds of entry. Data that a kind uses is named behind it.
const (
	// The incident.
	EntryTriggered       EntryKind = "triggered"        // Title, Severity, Urgency, Service
	EntryRepeated        EntryKind = "repeated"         // Count
	EntrySeverityUnknown EntryKind = "severity_unknown" // Text: the sender's word
	EntryRaised          EntryKind = "raised"           // Severity, Urgency
	EntryAcknowledged    EntryKind = "acknowledged"     // Actor, Until, Via
	EntryRenewed         EntryKind = "renewed"          // Actor, Until
	EntrySnoozed         EntryKind = "snoozed"          // Actor, Until
	EntryTooLate         EntryKind = "too_late"         // Actor, Text: what was asked of an incident that was over or somebody else's
	EntryResolved        EntryKind = "resolved"         // Actor ("" = the alert cleared)
	EntryReopened        EntryKind = "reopened"         // First
	EntryReminded        EntryKind = "reminded"         // Text
	EntryNote            EntryKind = "note"             // Actor, Text

	// The response.
	EntryWaiting      EntryKind = "waiting"       // Until, Why: support hours begin, or the incident is old enough
	EntryRound        EntryKind = "round"         // Round
	EntryLevel        EntryKind = "level"         // Round, Level, Until: its wait ends; before level 1: Users
	EntryFallback     EntryKind = "fallback"      // Round, Target
	EntrySkipped      EntryKind = "skipped"       // Round, Level, Target, Why; with Contact, only that method was skipped
	EntryPage         EntryKind = "page"          // User or Target (a pager), Round, Level, Why
	EntryContact      EntryKind = "contact"       // Attempt, User, Method, Contact, Nth, Round, Level, Why
	EntryOutcome      EntryKind = "outcome"       // Attempt, User, Method, Contact, Nth, Outcome, Why
	EntryUnreached    EntryKind = "unreached"     // User or Target (a pager), Level, Why, Until: called again then
	EntryDeclined     EntryKind = "declined"      // User
	EntryEscalated    EntryKind = "escalated"     // Actor: escalate now
	EntryRedirected   EntryKind = "redirected"    // Actor, Users, Policy, Urgency
	EntryResponder    EntryKind = "responder"     // Actor, Users: asked to help as well
	EntryAsked        EntryKind = "asked"         // User, Until: "still on it?" (R16)
	EntryLapsed       EntryKind = "lapsed"        // User: the acknowledgement ran out
	EntryTold         EntryKind = "told"          // Users, Why: who has it, or that it healed (R15)
	EntryCapped       EntryKind = "capped"        // Until: calls and SMS stopped by the spend cap
	EntryUnanswered   EntryKind = "unanswered"    // Until: the next reminder
	EntryWorldChanged EntryKind = "world_changed" // Why
	EntryUnreachable  EntryKind = "unreachable"   // Round, Until: there was nobody in it who could be asked (R13)
	EntryBroken       EntryKind = "broken"        // Text: the response failed and the fallback is paged without it
	EntryRestarted    EntryKind = "restarted"     // Text: the auditor found no next action (R13)
	EntryDelivery     EntryKind = "delivery"      // Attempt, Delivery, Text: what the provider said on the way
	EntryShadow       EntryKind = "shadow"        // Attempt, User, Method: would have been reached (R27)
	EntryInput        EntryKind = "input"         // a step that changed something without another word
)

// Entry is one line of an incident's timeline.
type Entry struct {
	Incident IncidentID
	Seq      int64 // 1, 2, … within the incident; given when it is written
	At       time.Time
	Kind     EntryKind
	Actor    string // a user, an integration, or "" for toban itself
	Data     EntryData
}

// EntryData is what an entry knows besides who and when. Each kind uses the
// members named at its constant. The first line of each step of the response has
// Input and Answers as well, whatever its kind: what Advance was given, for the
// replay.
type EntryData struct {
	Title    string     `json:"title,omitempty"`
	Severity Severity   `json:"severity,omitempty"`
	Urgency  Urgency    `json:"urgency,omitempty"`
	Service  ServiceID  `json:"service,omitempty"`
	Count    int64      `json:"count,omitempty"`
	Round    int        `json:"round,omitempty"` // from 1
	Level    int        `json:"level,omitempty"` // from 1, or AtFirst or AtFallback
	User     UserID     `json:"user,omitempty"`
	Users    []UserID   `json:"users,omitempty"`
	First    UserID     `json:"first,omitempty"`
	Target   *Target    `json:"target,omitempty"`
	Attempt  AttemptID  `json:"attempt,omitempty"`
	Delivery DeliveryID `json:"delivery,omitempty"`
	Method   Method     `json:"method,omitempty"`
	Contact  string     `json:"contact,omitempty"` // the contact method's name, never its address
	Nth      int        `json:"nth,omitempty"`     // 2 = the second call of a no answer (R11)
	Outcome  Outcome    `json:"outcome,omitempty"`
	Policy   string     `json:"policy,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Via      string     `json:"via,omitempty"`
	Why      string     `json:"why,omitempty"` // a short code, spoken by i18n
	Text     string     `json:"text,omitempty"`
	Input    *Input     `json:"input,omitempty"`
	Answers  *Answers   `json:"answers,omitempty"`
}
