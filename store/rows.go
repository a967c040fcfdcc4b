package store

import (
	"time"

	"toban/oncall"
)

// Timer is one wait: at DueAt the handler of Kind is given Ref (design §5).
type Timer struct {
	Kind  string
	Ref   string
	DueAt time.Time
}

// The kinds of timer.
const (
	TimerResponse = "response" // Ref: incident; the response's next step
	TimerIncident = "incident" // Ref: incident; facts about its alerts changed, re-read them
	TimerDelivery = "delivery" // Ref: delivery; its fate is looked up or it is given up
	TimerSweep    = "sweep"    // Ref: what is swept
	TimerDrill    = "drill"    // Ref: incident; a drill is over
	TimerChat     = "chat"     // Ref: incident; what its chat shows may be out of date
	TimerEnding   = "ending"   // Ref: what is looked through; alerts that were not said again in time
)

// ResponseRow is a response as it is stored.
type ResponseRow struct {
	Response oncall.Response
	NextAt   time.Time // zero: nothing happens by itself (over)
	NextWhy  oncall.Reason
	Version  int64
}

// OutboxState is the state of an outbox row.
type OutboxState string

// The states of an outbox row.
const (
	OutboxDue     OutboxState = "due"     // may be claimed from DueAt on
	OutboxClaimed OutboxState = "claimed" // a delivery has been made of it
	OutboxDone    OutboxState = "done"    // its outcome is known
	OutboxDropped OutboxState = "dropped" // void before it was claimed
)

// OutboxRow is one effect that leaves the process. Payload never holds an
// address: it is looked up when the row is claimed (R14).
type OutboxRow struct {
	ID          oncall.AttemptID
	Incident    oncall.IncidentID
	Epoch       int64
	Kind        oncall.Method
	State       OutboxState
	Owner       string // the node that claims and sends it; written by the store
	DueAt       time.Time
	Attempts    int // deliveries made of it so far
	ClaimedAt   time.Time
	AddressHash string // set when it waits for a live call to the same number
	Payload     Payload
	LastError   string
}

// Payload says whom an outbox row reaches and how, by name.
type Payload struct {
	User    oncall.UserID  `json:"user,omitempty"`
	Pager   oncall.PagerID `json:"pager,omitempty"`
	Contact string         `json:"contact,omitempty"`
	Nth     int            `json:"nth,omitempty"`
	Stage   oncall.Stage   `json:"stage,omitempty"`
	Shadow  bool           `json:"shadow,omitempty"`
	// Tell is what the user is told; "" = they are paged.
	Tell oncall.TellWhy `json:"tell,omitempty"`
	// Since is when what asks for it happened: the signal came, the wait was over,
	// somebody else was found busy. It is for measuring alone.
	Since time.Time `json:"since,omitzero"`
}

// DeliveryState is the state of a delivery.
type DeliveryState string

// The states of a delivery, in the order in which they are passed.
const (
	DeliveryClaimed  DeliveryState = "claimed"  // the provider may or may not know of it
	DeliverySent     DeliveryState = "sent"     // the provider took it
	DeliveryRinging  DeliveryState = "ringing"  //
	DeliveryAnswered DeliveryState = "answered" // somebody or something picked up
	DeliveryEnded    DeliveryState = "ended"    // Outcome says how
)

// Delivery is one try of an attempt at a provider.
type Delivery struct {
	ID          oncall.DeliveryID
	Outbox      oncall.AttemptID
	Attempt     int // the n-th try of that outbox row, from 1
	User        oncall.UserID
	Channel     oncall.Method
	AddressHash string
	Provider    string
	ProviderID  string // the provider's own id, such as a CallSid; "" until it is known
	State       DeliveryState
	ClaimedAt   time.Time
	SentAt      time.Time
	GiveUpAt    time.Time
	EndedAt     time.Time
	Outcome     oncall.Outcome
	CancelAt    time.Time // when it was asked to be hung up; zero = not
	CostMicros  int64
}

// Told is one incident that a delivery tells of: a call may tell of several
// (R24).
type Told struct {
	Delivery oncall.DeliveryID
	Incident oncall.IncidentID
	Attempt  oncall.AttemptID
	Epoch    int64
}

// Wake says what a committed transaction left to be done: hints for the heap
// of waits, never the truth, which is in the rows.
type Wake struct {
	Timers  []Timer
	Outbox  []OutboxHint
	Changes []Change // for every node's pages; the others read the table
}

// OutboxHint names an outbox row and when it may be claimed.
type OutboxHint struct {
	ID    oncall.AttemptID
	DueAt time.Time
}
