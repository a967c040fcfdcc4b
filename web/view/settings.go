package view

import (
	"net/url"
	"strconv"
	"time"
)

// Setting is a page of the settings.
type Setting struct {
	ID, Path, Icon string
	Need           string // role that it takes
}

// Settings are the pages that a role may open.
func Settings(role string) []Setting {
	all := []Setting{
		{"people", "/settings/people", "users", "admin"},
		{"tokens", "/settings/tokens", "key", "responder"},
		{"sessions", "/settings/sessions", "lock", "viewer"},
		{"audit", "/settings/audit", "note", "manager"},
		{"welcome", "/welcome", "check", "responder"},
		{"api", "/docs/api", "plug", "viewer"},
		{"about", "/settings/about", "info", "viewer"},
	}
	var may []Setting
	for _, one := range all {
		if rank(role) >= rank(one.Need) {
			may = append(may, one)
		}
	}
	return may
}

func rank(role string) int {
	for i, r := range []string{"viewer", "responder", "manager", "admin"} {
		if r == role {
			return i + 1
		}
	}
	return 0
}

// roleOptions are the roles up to the highest that may be given.
func roleOptions(s Shell, highest string) []Option {
	var all []Option
	for _, r := range []string{"viewer", "responder", "manager", "admin"} {
		if rank(r) <= rank(highest) {
			all = append(all, Option{Value: r, Label: s.T("role."+r) + " – " + s.T("role."+r+".text")})
		}
	}
	return all
}

// People is the page of accounts.
type People struct {
	Rows    []PersonRow
	Waiting []WaitingInvite
	Without []Option // people of the configuration who have no account
	Form    InviteForm
	Made    *MadeInvite
}

// PersonRow is an account.
type PersonRow struct {
	Account  string
	Name     string // as people say it; "" where the configuration knows nobody of that name
	Role     string
	Since    time.Time
	Disabled time.Time
	Self     bool
}

// WaitingInvite is an invitation that nobody has used yet.
type WaitingInvite struct {
	Account, Role string
	Until         time.Time
	Reset         bool
}

// personPath is where something about an account is posted.
func personPath(account, act string) string {
	return "/settings/people/" + url.PathEscape(account) + "/" + act
}

// InviteForm is what was typed for an invitation.
type InviteForm struct {
	Account, Role string
	Wrong         map[string]string
}

// MadeInvite is a link that was made just now. It is shown this once.
type MadeInvite struct {
	Account, URL string
	Until        time.Time
	Reset        bool // for an account that exists: it sets a new password
}

// SessionsPage lists where somebody is signed in.
type SessionsPage struct {
	Rows  []SessionRow
	All   bool // those of everybody
	Admin bool
}

// SessionRow is one browser that is signed in.
type SessionRow struct {
	Hash          string
	Account       string
	Agent         string
	Address       string
	Since, Seen   time.Time
	Until         time.Time
	Current, Mine bool
}

// TokensPage lists the tokens of programs.
type TokensPage struct {
	Rows  []TokenRow
	All   bool
	Admin bool
	Roles string // the highest that may be given
	Form  TokenForm
	Made  *MadeToken
}

// TokenRow is a token, of which only the hash is known.
type TokenRow struct {
	Hash, Name, Account, Role       string
	Created, Expires, Used, Revoked time.Time
	Expired                         bool
}

// TokenForm is what was typed for a token.
type TokenForm struct {
	Name, Role, Expires string // days; "" = never
	Wrong               map[string]string
}

// MadeToken is a token that was made just now. It is shown this once.
type MadeToken struct{ Name, Secret, Curl string }

// lifetimes are how long a token may last.
func lifetimes(s Shell) []Option {
	var all []Option
	for _, days := range []int{7, 30, 90, 365} {
		n := strconv.Itoa(days)
		all = append(all, Option{Value: n, Label: s.T("tokens.days", "n", n)})
	}
	return append(all, Option{Value: "", Label: s.T("tokens.forever")})
}

// About is what this toban is, and how its providers do.
type About struct {
	Version, Engine, Node string
	Configuration         string
	Objects               []Count
	Providers             []ProviderRow
	Since                 time.Time // from when on the providers' messages are counted
	Shadow                bool
}

// Count is how many there are of something.
type Count struct {
	Label string
	N     int
}

// ProviderRow is how a provider has done since the start.
type ProviderRow struct {
	Name                                              string
	Sent, Refused, Throttled, Failed, Undone, Sending int64
	LastSent, LastError                               time.Time
	LastCode                                          string
	Slowest                                           time.Duration
}

// state is ok while the last thing that was heard of a provider is good.
func (p ProviderRow) state() string {
	switch {
	case p.LastError.IsZero() && p.LastSent.IsZero():
		return "none"
	case p.LastError.After(p.LastSent):
		return "crit"
	}
	return "ok"
}

// browser is what a browser calls itself, in as few words as tell it apart.
func browser(agent string) string {
	has := func(word string) bool { return containsFold(agent, word) }
	name := ""
	switch {
	case has("Edg/"):
		name = "Edge"
	case has("Firefox/"):
		name = "Firefox"
	case has("Chrome/"), has("CriOS/"), has("HeadlessChrome/"):
		name = "Chrome"
	case has("Safari/"):
		name = "Safari"
	case has("curl/"):
		name = "curl"
	}
	place := ""
	switch {
	case has("iPhone"):
		place = "iPhone"
	case has("iPad"):
		place = "iPad"
	case has("Android"):
		place = "Android"
	case has("Mac OS X"):
		place = "Mac"
	case has("Windows"):
		place = "Windows"
	case has("Linux"):
		place = "Linux"
	}
	switch {
	case name == "":
		return Short(agent, 60)
	case place == "":
		return name
	}
	return name + " · " + place
}

func providerIcon(p ProviderRow) string {
	switch p.state() {
	case "ok":
		return "check"
	case "crit":
		return "alert"
	}
	return "dot"
}

// all is the hidden value that keeps a list of everybody's.
func all(yes bool) string {
	if yes {
		return "1"
	}
	return ""
}
