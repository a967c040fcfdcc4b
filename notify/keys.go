package notify

import (
	"context"

	"toban/oncall"
	"toban/store"
)

// Outcomes is told how an attempt ended, inside the transaction that records
// it; the incident is already locked there.
type Outcomes interface {
	Outcome(ctx context.Context, tx *store.Tx, attempt oncall.AttemptID, o oncall.Outcome) error
}

// Keys is told which key somebody pressed in a call. A key acts on every
// incident that the delivery tells of, each in a transaction of its own.
type Keys interface {
	Press(ctx context.Context, d oncall.DeliveryID, digit string) (Said, error)
}

// SaidKind is what a key did.
type SaidKind string

// What a key did. A late key is one for an incident that was over, or taken by
// somebody else, before it came.
const (
	SaidAcknowledged SaidKind = "acknowledged"
	SaidDeclined     SaidKind = "declined"
	SaidResolved     SaidKind = "resolved"
	SaidLate         SaidKind = "late"
	SaidUnknown      SaidKind = "unknown" // the key means nothing
)

// Said is what is said back to whoever pressed a key (R21).
type Said struct {
	Kind      SaidKind
	Incidents []SaidIncident
}

// SaidIncident is how an incident stands after the key.
type SaidIncident struct {
	Number  int64
	Service oncall.ServiceID
	State   oncall.State
	Holder  oncall.UserID
}
