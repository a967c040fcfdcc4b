// Package notify reaches people: it claims the outbox rows that a response
// wrote, hands them to a provider, and brings back what became of them.
//
// It decides nothing about whom to reach or what follows; that is the response's.
// Its own promises are these. Nothing is sent that was not claimed and committed
// first, and nothing is claimed once the incident's epoch has moved (R18). An
// attempt whose fate is unknown is looked up before it is repeated (R23). There
// is at most one live call per number (R24). An attempt that can't be delivered
// ends at once, so that the next person follows within a second (R11, R25).
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// Message is one delivery: what is told to one address.
type Message struct {
	Delivery  oncall.DeliveryID // given to the provider; the same Delivery may be sent again
	Method    oncall.Method
	To        string // the address; it never reaches a log
	User      oncall.UserID
	Pager     *oncall.Pager  // Events only
	Language  string         // "ja" or "en"
	Zone      *time.Location // the user's, else the installation's; nil = UTC
	Ring      time.Duration  // how long a call rings
	Tell      oncall.TellWhy // what is told to who was paged before; "" = this is a page
	Incidents []Incident     // one call may tell of several (R24)
}

// Incident is an incident as a message tells of it.
type Incident struct {
	ID          oncall.IncidentID
	Number      int64
	Title       string
	State       oncall.State
	Severity    oncall.Severity
	Urgency     oncall.Urgency
	TriggeredAt time.Time
	Service     oncall.ServiceID
	ServiceName string
	Reading     string        // how the service is spoken
	Holder      oncall.UserID // who acknowledged it
	HolderName  string
	URL         string // its page; "" without an external URL
}

// Receipt is what a provider says about a message that it accepted.
type Receipt struct {
	ProviderID string
	State      store.DeliveryState
	// Outcome is set where the receipt is all that will ever be heard: Sent for
	// a one-way method.
	Outcome oncall.Outcome
	// Lasts is when a call that nothing is heard of counts as not answered; zero
	// = a little longer than it rings.
	Lasts time.Duration
}

// Provider says who carries a channel's messages and what it bears.
type Provider struct {
	Name      string        // unique; part of what makes a number busy
	PerSecond float64       // messages that may be begun in a second; zero = no limit
	Timeout   time.Duration // of one request; zero = 4 s
	Micros    int64         // estimated cost of a delivery (of a started minute, for calls), in millionths of the tariff's currency
}

// Channel delivers messages through one provider. Send must be safe to repeat
// with the same Delivery. Its error is a *Failure where the provider said why.
type Channel interface {
	Provider() Provider
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Canceler is a Channel that can take back what is under way: hang up. Taking
// back what has ended is no error.
type Canceler interface {
	Cancel(ctx context.Context, r Receipt) error
}

// Finder is a Channel that can say what became of a message.
type Finder interface {
	// Find lists what the provider knows to have been sent to m's address since
	// that time, oldest first. After a crash the caller takes the first that no
	// other delivery knows.
	Find(ctx context.Context, m Message, since time.Time) ([]Report, error)
	// Fetch says how it stands.
	Fetch(ctx context.Context, r Receipt) (Report, error)
}

// Report is what a provider says about a delivery on its way: by a callback, or
// when it was asked.
type Report struct {
	ProviderID string
	State      store.DeliveryState // DeliveryEnded: Outcome says how
	Outcome    oncall.Outcome
	Talk       time.Duration // DeliveryAnswered: the longest that the call may last
	Minutes    int64         // billed minutes of a call that has ended; -1 = not said
	Code       string        // the provider's own reason, such as a SIP code
}

// Class says what kind of failure a provider's refusal is, and so what helps.
type Class string

// The classes of failure.
const (
	BadAddress Class = "bad_address" // this address will never work
	BadConfig  Class = "bad_config"  // our account or settings: nobody is reached by this provider
	Throttled  Class = "throttled"   // too fast; After says when again
	Transient  Class = "transient"   // not taken; a quick retry may help
	Ambiguous  Class = "ambiguous"   // it may have been taken: look it up before a retry
)

// Failure is why a provider did not take a message.
type Failure struct {
	Class Class
	Code  string        // the provider's own, such as "21211"
	After time.Duration // Throttled: obey
	Err   error
}

func (f *Failure) Error() string { return fmt.Sprintf("%s (%s): %v", f.Class, f.Code, f.Err) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// failure reads any error as a Failure. What is not understood may have been
// taken.
func failure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Class: Ambiguous, Code: "unknown", Err: err}
}
