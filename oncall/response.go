package oncall

import "time"

// Phase is where a response stands.
type Phase string

// The phases of a response.
const (
	WaitingForHours Phase = "waiting"    // low urgency outside the support hours (R6), or younger than page_after (R15)
	Escalating      Phase = "escalating" // somebody is being paged, or the next round is about to begin
	Held            Phase = "held"       // acknowledged, until HoldEnd (R16)
	Unanswered      Phase = "unanswered" // low urgency, all rounds used up: a daily reminder (R12)
	Over            Phase = "over"       // resolved
)

// Outcome is how an attempt to reach somebody ended.
type Outcome string

// The outcomes. Sent is that of a one-way method whose provider took it.
const (
	Sent          Outcome = "sent"
	Busy          Outcome = "busy"
	NoAnswer      Outcome = "no_answer"
	Rejected      Outcome = "rejected"      // the callee declined the call
	NoInput       Outcome = "no_input"      // answered, by a person or a voicemail, without a key (R21)
	Undeliverable Outcome = "undeliverable" // bad number, provider refused, provider gave up (R25)
	Capped        Outcome = "capped"        // not tried: the spend cap stands (R12)
	Answered      Outcome = "answered"      // ended with a key that acted on the incident
	Canceled      Outcome = "canceled"      // hung up or dropped by toban
	Folded        Outcome = "folded"        // told within another live call to the same number
)

// Response is the machine that pages until somebody has the incident: a value
// that is stored as JSON, and a pure step from one value to the next. It holds
// the pages of the current round and those still live, so that endless rounds
// do not grow it. All its times are UTC and cut to the millisecond.
type Response struct {
	Incident IncidentID `json:"incident"`
	Service  ServiceID  `json:"service"`
	Epoch    int64      `json:"epoch"`
	Policy   string     `json:"policy"` // content hash of the policy snapshot (R14)
	Urgency  Urgency    `json:"urgency"`
	Phase    Phase      `json:"phase"`
	Began    time.Time  `json:"began"` // when the incident was triggered or reopened; page_after counts from it

	Round    int       `json:"round"`  // from 1; 0 before the first
	Level    int       `json:"level"`  // index into the policy's levels, or one of AtFirst, AtFallback, AtRest
	Target   int       `json:"target"` // how many targets of the level have been started
	LevelEnd time.Time `json:"level_end,omitzero"`
	// TargetEnd is when the targets being waited for count as unreached even
	// without an outcome; WatchEnd when a shift ends and the next person is
	// paged (R14), zero when none does before LevelEnd.
	TargetEnd time.Time `json:"target_end,omitzero"`
	WatchEnd  time.Time `json:"watch_end,omitzero"`
	Floor     time.Time `json:"floor,omitzero"`     // the next round starts no earlier (R12)
	Start     time.Time `json:"start,omitzero"`     // WaitingForHours: when paging begins, or goes on
	First     []UserID  `json:"first,omitempty"`    // paged before level 1: last holder, reassigned to (R4, R16, R17)
	Turns     []int     `json:"turns,omitempty"`    // round-robin start per level, taken at the first step
	Silent    int       `json:"silent,omitempty"`   // how many rounds running could ask nobody at all (R13)
	CapTold   bool      `json:"cap_told,omitempty"` // that the spend cap stands was said in this round (R12)

	Holder   UserID    `json:"holder,omitempty"`
	AskAt    time.Time `json:"ask_at,omitzero"` // the early question (R16); zero = asked
	HoldEnd  time.Time `json:"hold_end,omitzero"`
	RemindAt time.Time `json:"remind_at,omitzero"` // Unanswered: the next daily reminder

	Pages    []Page    `json:"pages,omitempty"`
	Paged    []UserID  `json:"paged,omitempty"`  // who was contacted since nobody had it: they are told who has it (R15)
	Pagers   []PagerID `json:"pagers,omitempty"` // other pagers that were handed the incident
	Attempts int       `json:"attempts"`         // counted, so that the next AttemptID is known
}

// Levels that are none of the policy's. Entries use the first two as they are.
const (
	AtFirst     = -1 // before level 1: First
	AtFallback  = -2 // behind the last level
	AtRest      = -3 // between two rounds, until Floor
	AtResponder = -4 // of a page only: asked to help, holds nothing up (R17)
)

// Page is the attempt to reach one user (or one other pager) for one incident.
type Page struct {
	User    UserID    `json:"user,omitempty"`
	Pager   PagerID   `json:"pager,omitempty"`
	Round   int       `json:"round"`
	Level   int       `json:"level"`
	At      time.Time `json:"at"` // when the user's rules began
	State   PageState `json:"state"`
	Why     string    `json:"why,omitempty"` // first, fallback, shift, …; "" = their turn
	Lanes   []Lane    `json:"lanes,omitempty"`
	AgainAt time.Time `json:"again_at,omitzero"` // on_no_answer: again; when the user's rules start anew
}

// PageState says whether a page still holds up the chain.
type PageState string

// The states of a page. A tail no longer holds up the chain; its later lanes
// still go out and its keys still count.
const (
	PageLive PageState = "live"
	PageTail PageState = "tail"
	PageDone PageState = "done"
)

// Lane is one contact method of a page: when it is due, and its attempt.
type Lane struct {
	Due     time.Time `json:"due"`
	Contact string    `json:"contact"`
	Method  Method    `json:"method"`
	Nth     int       `json:"nth,omitempty"` // 1, or 2 = the second call of a no answer
	Attempt AttemptID `json:"attempt,omitempty"`
	At      time.Time `json:"at,omitzero"` // when the attempt was asked for
	Outcome Outcome   `json:"outcome,omitempty"`
}

// InputKind says what happened.
type InputKind string

// The inputs of a response, and the members of Input that each uses. Attempt is
// the call on which the key was pressed, which is not hung up; it may be empty.
const (
	InDue          InputKind = "due"           // the time of Next has come, or somebody thinks so
	InOutcome      InputKind = "outcome"       // Attempt, Outcome
	InDeclined     InputKind = "declined"      // Attempt, By: key 2; without an Attempt, By's own page
	InAcknowledged InputKind = "acknowledged"  // By, Until, Attempt
	InRenewed      InputKind = "renewed"       // By, Until
	InSnoozed      InputKind = "snoozed"       // By, Until
	InLate         InputKind = "late"          // By, Attempt: somebody else has it; By is not paged for help any more
	InResolved     InputKind = "resolved"      // By, Attempt
	InReopened     InputKind = "reopened"      // Users: who is paged first
	InEscalate     InputKind = "escalate"      // By: next level now
	InRedirect     InputKind = "redirect"      // By, Users (reassign), Policy, Urgency: start anew
	InResponder    InputKind = "responder"     // By, Users: page these as well
	InWorldChanged InputKind = "world_changed" // Text: what was edited
)

// Input is one thing that happened to a response. Epoch is the incident's epoch
// after the rule that caused the input has been applied.
type Input struct {
	Kind    InputKind `json:"kind"`
	Epoch   int64     `json:"epoch"`
	Attempt AttemptID `json:"attempt,omitempty"`
	Outcome Outcome   `json:"outcome,omitempty"`
	By      UserID    `json:"by,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Users   []UserID  `json:"users,omitempty"`
	Policy  string    `json:"policy,omitempty"`
	Urgency Urgency   `json:"urgency,omitempty"`
	Text    string    `json:"text,omitempty"`
}

// Effect is something that follows from an input and is not the response
// itself. The driver writes it in the transaction that saves the response.
type Effect interface{ effect() }

// ContactUser asks for one attempt: User (or Pager) by the contact method of
// that name. The address is looked up when the attempt is claimed (R14).
type ContactUser struct {
	Attempt AttemptID
	User    UserID
	Pager   PagerID
	Contact string
	Method  Method
	Nth     int
}

// CancelAttempts asks to drop what is due and hang up what is under way.
type CancelAttempts struct{ Attempts []AttemptID }

// Tell asks to inform people, the other pagers that were handed the incident and
// the incident's channel, never by a call: who has it, that it healed, "still on
// it?". Users may be empty: the channel is told all the same.
type Tell struct {
	Users  []UserID
	Pagers []PagerID
	Why    TellWhy
	By     UserID
	Until  time.Time
}

// TellWhy says what is told.
type TellWhy string

// What is told.
const (
	TellTaken    TellWhy = "taken"    // By has it
	TellHealed   TellWhy = "healed"   // resolved by itself or by By
	TellStillOn  TellWhy = "still_on" // the early question before the acknowledgement ends at Until
	TellReminder TellWhy = "reminder" // unanswered, daily
	TellCapped   TellWhy = "capped"   // calls stopped by the spend cap
)

// Note writes a line on the timeline.
type Note struct{ Entry Entry }

// Retrigger puts the incident back to triggered under the response's new epoch:
// Holder let it lapse (R16) or passed it on. It comes before whatever the new
// epoch asks for.
type Retrigger struct {
	Holder UserID
	Epoch  int64
}

func (ContactUser) effect()    {}
func (CancelAttempts) effect() {}
func (Tell) effect()           {}
func (Note) effect()           {}
func (Retrigger) effect()      {}

// Reason says what the next thing that happens by itself is.
type Reason string

// The reasons of Next.
const (
	NextStart   Reason = "start"    // paging begins (support hours, page_after)
	NextContact Reason = "contact"  // a lane is due
	NextOutcome Reason = "outcome"  // an attempt under way is waited for; the time is when it is given up
	NextTarget  Reason = "target"   // the time of a target ends
	NextAgain   Reason = "again"    // the same user is called again
	NextShift   Reason = "shift"    // a shift ends during the wait
	NextLevel   Reason = "level"    // the wait of the level ends
	NextRound   Reason = "round"    // the next round begins
	NextAsk     Reason = "ask"      // the holder is asked whether they are still on it
	NextLapse   Reason = "lapse"    // the acknowledgement ends
	NextRemind  Reason = "reminder" // the daily reminder
)
