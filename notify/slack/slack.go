// Package slack is toban's place in a Slack workspace: the alert in the team's
// channel, a channel of its own for an incident that wants one, messages to
// people, buttons that act on incidents, and groups and topics that follow who
// is on duty.
//
// The channels are kept up to date by comparing, not by sending: a change of an
// incident only says that its chat may be out of date, and whoever looks reads
// how everything stands now and posts the difference. So what came in a burst is
// told in one post, and a Slack that is slow or away holds up nothing: neither
// intake nor a call nor another channel. What is not posted yet has a row in the
// store; what may have been posted is looked for before it is posted again (R23).
//
// It decides nothing about incidents. A button acts through Actions, in the name
// of the user that the member of the workspace is.
package slack

import (
	"context"
	"time"

	"toban/internal/link"
	"toban/oncall"
)

// Actions is what buttons and notes do. An *incident.Lifecycle fits.
type Actions interface {
	Acknowledge(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error)
	Resolve(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error)
	Escalate(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error)
	Renew(ctx context.Context, id oncall.IncidentID, by oncall.UserID, via string) (*oncall.Incident, error)
	Note(ctx context.Context, id oncall.IncidentID, text string, by oncall.UserID, via string) (*oncall.Incident, error)
}

// Roles says who may work on incidents. An *access.Keeper fits.
type Roles interface {
	MayAct(ctx context.Context, user oncall.UserID) (bool, error)
}

// Alarms opens an incident about toban itself; while that is open the same key
// only counts.
type Alarms interface {
	Raise(ctx context.Context, key, title string)
}

// Options say what a Follower works with.
type Options struct {
	// Workspace returns the workspace of a stage as it is configured now; nil =
	// none, nothing is posted.
	Workspace func(stage oncall.Stage) *Workspace
	Actions   Actions // nil: buttons do nothing
	Roles     Roles   // nil: whoever is a user may act
	Alarms    Alarms  // nil: only the log says so
	// Links makes the link in each message that needs no login (R19); the zero
	// value makes none.
	Links link.Signer
	// BaseURL is where pages are when the configuration has no external URL.
	BaseURL string
	// Quiet is how long after its end an incident's channel stays open; zero =
	// 15 min, as long as the incident may be reopened (R4).
	Quiet time.Duration
	// Settle is how often a message is updated when only the time of the next
	// action has moved; zero = 15 s.
	Settle time.Duration
	// Workers bounds what is worked on at the same time; zero = 16.
	Workers int
	// Fenced reports whether this node may not act now; nil = never.
	Fenced func() bool
}

const (
	quietTime   = 15 * time.Minute
	settleTime  = 15 * time.Second
	workerCount = 16
	// remindEvery is how far apart two reminders of an incident are at least: a
	// sender that repeats itself every minute is not news every minute.
	remindEvery = 4 * time.Minute
	// fresh is how long after its end an incident is still posted that was not
	// yet: older ones are history, which a late change must not bring up.
	fresh = time.Hour
)

func (o Options) withDefaults() Options {
	if o.Workspace == nil {
		o.Workspace = func(oncall.Stage) *Workspace { return nil }
	}
	if o.Quiet <= 0 {
		o.Quiet = quietTime
	}
	if o.Settle <= 0 {
		o.Settle = settleTime
	}
	if o.Workers <= 0 {
		o.Workers = workerCount
	}
	if o.Fenced == nil {
		o.Fenced = func() bool { return false }
	}
	return o
}
