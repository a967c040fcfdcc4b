package oncall

import "time"

// Method is a way to reach somebody.
type Method string

// The methods. Only a call can hear a key, so only a call keeps the escalation
// waiting; the others are one-way.
const (
	Call  Method = "call"
	SMS   Method = "sms"
	Slack Method = "slack"
	Push  Method = "push"
	Email Method = "email"
	// Events hands the incident to another pager (its events API).
	Events Method = "events"
)

// Paid reports whether an attempt by m costs money (R12, R26).
func (m Method) Paid() bool { return m == Call || m == SMS }

// ContactMethod is one address of a user. Only a verified one is used (R20).
type ContactMethod struct {
	Name     string
	Method   Method
	Address  string        // E.164 for Call and SMS
	Ring     time.Duration // how long a call rings; zero = 25 s (R21)
	Verified bool
}

// NotificationRule is one step of how a user wants to be reached: After the
// start of the page, by the contact methods named in Via, all at once (R20).
type NotificationRule struct {
	After time.Duration
	Via   []string
}

// User is somebody who can be on duty.
type User struct {
	ID       UserID
	Name     string
	Reading  string // how the name is spoken (よみ); "" = Name
	Email    string
	Language string // "ja" or "en"; "" = the installation's
	Zone     string // IANA; "" = the installation's
	Contacts []ContactMethod
	Rules    map[Urgency][]NotificationRule
}

// Contact returns the user's contact method of that name.
func (u *User) Contact(name string) (ContactMethod, bool) {
	for _, c := range u.Contacts {
		if c.Name == name {
			return c, true
		}
	}
	return ContactMethod{}, false
}

// Reachable reports whether the user has a verified contact method.
func (u *User) Reachable() bool {
	for _, c := range u.Contacts {
		if c.Verified {
			return true
		}
	}
	return false
}
