package view

import (
	"time"

	"toban/oncall"
)

// MePage is what belongs to the reader.
type MePage struct {
	Account  string
	Role     string
	Person   bool // the account is a user of the configuration
	Language string
	Theme    string
	Zone     string
	Zones    []Option
	Contacts []ContactView
	Rules    []RuleView // one for each urgency
	Shifts   []ShiftView
	Push     *PushView // nil: this installation has no push
	Wrong    map[string]string
	File     string // where the user is written; "" for nowhere
	Line     int
}

// ContactView is one address of the reader and whether it is used.
type ContactView struct {
	Name     string
	Method   oncall.Method
	Address  string // masked
	Verified bool
}

// RuleView is how the reader is reached at one urgency.
type RuleView struct {
	Urgency oncall.Urgency
	Steps   []RuleStep
	Note    string // what holds without steps: "high", "calls", "all", "nobody"
}

// RuleStep is one step of it.
type RuleStep struct {
	After time.Duration
	Via   []ContactView
}

// ShiftView is a time on duty.
type ShiftView struct {
	Schedule string
	Path     string
	From, To time.Time
	Now      bool
	Override bool
}

// PushView is this browser as a telephone, and those that there are.
type PushView struct {
	Key     string
	Devices []DeviceView
}

// DeviceView is one device.
type DeviceView struct {
	ID      string
	Name    string
	Service string
	Since   time.Time
	Used    time.Time
}

// none reports whether the reader has no rules at all.
func (p MePage) none() bool {
	for _, r := range p.Rules {
		if len(r.Steps) > 0 {
			return false
		}
	}
	return true
}

// without says what holds where there are no rules for any urgency.
func (p MePage) without() string {
	if len(p.Rules) == 0 {
		return "nobody"
	}
	return p.Rules[0].Note
}

// steps draws the rules of an urgency as a small stair.
func (r RuleView) steps(s Shell) []StairStep {
	var out []StairStep
	for _, step := range r.Steps {
		in := s.T("me.rules.once")
		if step.After > 0 {
			in = s.T("me.rules.after", "time", Span(s.Lang, step.After))
		}
		for _, c := range step.Via {
			why := ""
			if !c.Verified {
				why = s.T("me.contacts.unverified.hint")
			}
			out = append(out, StairStep{In: in, Icon: methodIcon(c.Method), Sentence: s.T("method."+string(c.Method)) + " · " + c.Name, Why: why})
		}
	}
	return out
}

func themeOptions(s Shell) []Option {
	return []Option{{Value: "", Label: s.T("theme.system")}, {Value: "light", Label: s.T("theme.light")}, {Value: "dark", Label: s.T("theme.dark")}}
}
