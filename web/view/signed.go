package view

import (
	"time"

	"toban/oncall"
)

// SignedPage is one incident for whoever holds its link, without a login.
type SignedPage struct {
	Token   string
	Row     IncidentRow
	Doing   Doing
	Next    []StairStep
	Who     string   // whom the link was sent to, as people say it; "" = a channel
	Voices  []Option // for a channel's link: who the reader may be, the likely ones first
	Mine    bool     // the link's user has it
	Wrong   string   // what is wrong with what was sent
	Expires time.Time
}

// SignedGone is the page of a link that holds no more.
type SignedGone struct {
	Expired bool
	Code    string
}

func (p SignedPage) path() string { return "/i/" + p.Token }

func (p SignedPage) act(s Shell, verb, icon string) Action {
	return Action{Label: s.T("act." + verb), Path: p.path() + "/" + verb, Icon: icon}
}

// escalate asks first: a slip of the thumb would wake somebody.
func (p SignedPage) escalate(s Shell) Action {
	a := p.act(s, "escalate", "up")
	a.Confirm = s.T("act.escalate.confirm")
	return a
}

// canAcknowledge reports whether there is anything to take.
func (p SignedPage) canAcknowledge() bool { return p.Row.State == oncall.Triggered }

func (p SignedPage) canEscalate() bool { return p.Row.State != oncall.Resolved }
