package view

import (
	"net/url"

	"toban/oncall"
)

// Paging is the form that pages one person by hand: about something new, or for
// help with what is open.
type Paging struct {
	People    []Option
	User      string
	Incidents []Option // what is open, by number
	Incident  string   // "" = something new
	Services  []Option
	Service   string // of something new
	Reason    string
	Voices    []Option // in whose name, for an account that is no user; else empty
	Voice     string
	Key       string            // makes a form that is sent twice one incident
	Wrong     map[string]string // by field
}

// PagePath leads to the form that pages a user.
func PagePath(user oncall.UserID) string {
	return "/oncall/page?" + url.Values{"user": {string(user)}}.Encode()
}

// seesNumbers reports whether the reader may see how people are called: who
// keeps the configuration does anyway.
func (s Shell) seesNumbers() bool { return s.Role == "manager" || s.Role == "admin" }

// dial is the link that calls u from the reader's own telephone; "" for a reader
// who may not see numbers, and for somebody without one that was verified.
func (s Shell) dial(u *oncall.User) string {
	if !s.seesNumbers() {
		return ""
	}
	for _, c := range u.Contacts {
		if c.Method == oncall.Call && c.Verified && isNumber(c.Address) {
			return "tel:" + c.Address
		}
	}
	return ""
}

// isNumber reports whether an address is a telephone's and nothing else: it goes
// into a link.
func isNumber(address string) bool {
	if len(address) < 4 || len(address) > 16 || address[0] != '+' {
		return false
	}
	for _, c := range address[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (v Paging) incidents(s Shell) []Option {
	return append([]Option{{Value: "", Label: s.T("paging.about.new")}}, v.Incidents...)
}

func (v Paging) voices(s Shell) []Option {
	return append([]Option{{Value: "", Label: s.T("hands.choose")}}, v.Voices...)
}
