package view

import "time"

// LoginPage asks for name and password.
type LoginPage struct {
	Next    string // path to go on to
	Account string // kept when it comes back
	Error   string // what is wrong, "" for nothing
	Limited bool   // too many tries: nothing helps but waiting
	Nobody  bool   // there is no account yet: the link that the start has printed makes the first
}

// WelcomePage makes an account out of a one-time link, or gives one a new
// password.
type WelcomePage struct {
	Path     string // where the form is posted
	First    bool   // of the installation
	Fixed    string // the account that the link is for; "" = one is chosen
	People   []Option
	Person   string // chosen among People; "" = a name of one's own
	Account  string
	Expires  time.Time
	Wrong    map[string]string // by field
	Failure  string
	Existing bool // the account exists and gets a new password
}

// languageOptions are the languages, each in its own words.
func languageOptions() []Option {
	return []Option{{Value: "ja", Label: "日本語"}, {Value: "en", Label: "English"}}
}

func themeOf(s Shell) string {
	if s.Theme == "" {
		return "system"
	}
	return s.Theme
}

func pressed(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

func (p WelcomePage) title(s Shell) string {
	switch {
	case p.Existing:
		return s.T("setup.reset.title")
	case p.First:
		return s.T("setup.first.title")
	}
	return s.T("setup.invite.title")
}

func (p WelcomePage) text(s Shell) string {
	switch {
	case p.Existing:
		return s.T("setup.reset.text")
	case p.First:
		return s.T("setup.first.text")
	}
	return s.T("setup.invite.text")
}

func (p WelcomePage) submit(s Shell) string {
	if p.Existing {
		return s.T("setup.reset.submit")
	}
	return s.T("setup.submit")
}

// people are the users to choose from with the names that they sign in by, and
// the way to none of them.
func (p WelcomePage) people(s Shell) []Option {
	all := make([]Option, 0, len(p.People)+1)
	for _, o := range p.People {
		all = append(all, Option{Value: o.Value, Label: s.T("setup.person.as", "who", o.Label, "name", o.Value)})
	}
	return append(all, Option{Value: "", Label: s.T("setup.person.none")})
}

// accountLabel and accountHint say what a name is for: where people can be chosen
// from, the name of who is chosen is that of the account.
func (p WelcomePage) accountLabel(s Shell) string {
	if len(p.People) > 0 {
		return s.T("setup.account.other")
	}
	return s.T("setup.account")
}

func (p WelcomePage) accountHint(s Shell) string {
	if len(p.People) > 0 {
		return s.T("setup.account.other.hint")
	}
	return s.T("setup.account.hint")
}
