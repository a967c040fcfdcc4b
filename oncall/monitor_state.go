package oncall

import "time"

// MonitorStatus is what a target is taken for.
type MonitorStatus string

// The statuses. Unknown is what nothing has been heard of for too long: it is
// never up and never down.
const (
	MonitorUp      MonitorStatus = "up"
	MonitorDown    MonitorStatus = "down"
	MonitorUnknown MonitorStatus = "unknown"
)

// SightGrace is how long a monitor may be unknown before toban says that it
// can't see.
const SightGrace = 5 * time.Minute

// Observation is what one check from one location found.
type Observation struct {
	Location string
	Up       bool
	At       time.Time // when the check ended
	Reason   string    // why not, as a word; "" when Up
	Message  string    // the same as a sentence
}

// MonitorState is what toban knows of a monitor. It is saved as it is, pending
// changes included, so that a restart forgets nothing. The zero value is that of
// a monitor that was never asked.
type MonitorState struct {
	Status MonitorStatus `json:"status,omitempty"` // "" = unknown
	Since  time.Time     `json:"since,omitzero"`
	// Watched is since when results can be expected: before that, silence says
	// nothing.
	Watched time.Time `json:"watched,omitzero"`
	// Alerting says that the alert about being down is open. It outlives unknown:
	// what can't be seen has not healed.
	Alerting bool `json:"alerting,omitempty"`
	// Unsighted says that the alert about not being seen is open.
	Unsighted bool `json:"unsighted,omitempty"`
	// Reason and Message are those of the last failure that counted.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`

	Places map[string]PlaceState `json:"-"` // by location; a row each
}

// PlaceState is what one location knows of a monitor.
type PlaceState struct {
	Status MonitorStatus `json:"status,omitempty"` // "" = unknown
	Since  time.Time     `json:"since,omitzero"`
	Known  MonitorStatus `json:"known,omitempty"` // the last status that was not unknown
	At     time.Time     `json:"at,omitzero"`     // of the last result
	// Watched is since when results can be expected.
	Watched time.Time `json:"watched,omitzero"`
	// Muted says that the location has no say: its own network is broken.
	Muted bool `json:"muted,omitempty"`
	// Held says that nothing becomes down there for the moment: its own network may
	// be broken.
	Held    bool    `json:"held,omitempty"`
	Pending Pending `json:"pending,omitzero"`
	Reason  string  `json:"reason,omitempty"` // of the last failure
	Message string  `json:"message,omitempty"`
}

// Pending is a change that is not believed yet.
type Pending struct {
	To    MonitorStatus `json:"to,omitempty"` // "" = none
	Since time.Time     `json:"since,omitzero"`
	Count int           `json:"count,omitempty"` // results in a row
	// For is how much of the time since then was seen: what passes while toban is
	// down is not in it.
	For time.Duration `json:"for,omitempty"`
}

// MonitorAlert is what an edge says to whoever has to know.
type MonitorAlert string

// What an edge can say. Seen and Unseen are about toban's own sight.
const (
	AlertDown   MonitorAlert = "down"   // opens the alert of the monitor
	AlertUp     MonitorAlert = "up"     // ends it
	AlertUnseen MonitorAlert = "unseen" // opens the alert about not seeing it
	AlertSeen   MonitorAlert = "seen"   // ends that
)

// MonitorEdge is a change of a monitor's status, or of one location's idea of
// it, or of an alert about it.
type MonitorEdge struct {
	Location string // "" = the monitor as a whole
	From, To MonitorStatus
	Since    time.Time    // from when on To holds: the first result that said so
	At       time.Time    // when it was decided
	Alert    MonitorAlert // "" = nobody has to know
	Reason   string
	Message  string
}

// orUnknown reads the zero value.
func (s MonitorStatus) orUnknown() MonitorStatus {
	if s == "" {
		return MonitorUnknown
	}
	return s
}

// Now is what the monitor is taken for.
func (s MonitorState) Now() MonitorStatus { return s.Status.orUnknown() }

// Now is what the location takes the monitor for; a muted one knows nothing.
func (p PlaceState) Now() MonitorStatus { return p.Status.orUnknown() }

// Settled is until when the location's status can't change any more by what
// comes: the beginning of a pending change, else the last result, else now.
func (p PlaceState) Settled(now time.Time) time.Time {
	switch {
	case p.Pending.To != "":
		return p.Pending.Since
	case p.Now() == MonitorUnknown:
		return now
	}
	return p.At
}

// Settled is until when the status of the whole can't change any more.
func (s MonitorState) Settled(now time.Time) time.Time {
	settled := now
	for _, p := range s.Places {
		if at := p.Settled(now); !p.Muted && at.Before(settled) {
			settled = at
		}
	}
	return settled
}
