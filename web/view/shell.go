// Package view is what people see: the shell around every page, the components
// that pages are put together from, and the pages themselves. Values go in,
// HTML comes out.
//
// It is pure. It reads no store, no request and no clock: the time, the zone
// and the language come with the Shell, so that a page of next Saturday at three
// is a table test. It never decides who may do what; it draws what it is given.
package view

//go:generate go tool -modfile=../../tools/go.mod templ generate -log-level error

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"toban/i18n"
)

// Shell is what every page and component knows about its reader and its place.
// The zero value is an English page in UTC without a login.
//
// Paths that are given to a Shell or to a component begin with a slash and leave
// Base out: URL adds it.
type Shell struct {
	Lang   string // "ja" or "en"
	Theme  string // "light", "dark", or "" for what the device says
	Title  string // of this page, without the product's name
	Active string // id of the entry of the navigation, such as "incidents"
	Base   string // prefix below a proxy: "" or "/x"
	Inside string // address of all other pages, where they are not beside this one: "https://toban.example.jp/x"; "" = they are
	Static string // address of the assets: Base + "/static/<hash>"
	Live   string // path of this page's stream, with the position to begin at; "" for none
	User   UserBadge
	Role   string // "viewer", "responder", "manager", "admin"; "" where nobody is signed in
	Nobody bool   // the reader's account is no user of the configuration
	Duty   string // the sentence about the reader's own duty; "" for none
	Counts Counts
	Flash  *Flash
	Now    time.Time
	Zone   *time.Location // the reader's; nil = UTC
}

// UserBadge is the reader. The zero value is nobody.
type UserBadge struct {
	ID   string
	Name string // as people say it: 松さん, Matsu
}

// Counts are the open incidents that the navigation tells of.
type Counts struct{ Triggered, Acknowledged, Mine int }

// Flash is what is said once, on the page after an action.
type Flash struct {
	Kind string // "ok", "info", "warn", "error"
	Text string
	Undo *Action // nil where there is no way back
}

// T says the text of key in the reader's language.
func (s Shell) T(key string, places ...string) string {
	return i18n.In(s.Lang).Say(key, places...)
}

// URL is the address of a path of ours below the prefix of the proxy. What does
// not begin with a slash is left as it is.
func (s Shell) URL(path string) string {
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		return s.Base + path
	}
	return path
}

// Page is the address of a page that needs a session, wherever it is reached.
func (s Shell) Page(path string) string {
	if s.Inside != "" {
		return s.Inside + path
	}
	return s.URL(path)
}

// Asset is the address of a file below web/static, such as "js/app.js".
func (s Shell) Asset(name string) string { return s.Static + "/" + name }

// Language is the language the page is marked with; unknown ones are English.
func (s Shell) Language() string { return i18n.In(s.Lang).Language() }

// Location is the reader's zone.
func (s Shell) Location() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// Day is the query value of a date, in the reader's zone.
func (s Shell) Day(t time.Time) string { return t.In(s.Location()).Format(time.DateOnly) }

// Acts reports whether the reader may act on incidents. It hides buttons; the
// routes decide.
func (s Shell) Acts() bool { return s.Role != "viewer" }

// ActsByName reports whether they may in their own name, which takes a user.
func (s Shell) ActsByName() bool { return s.Acts() && !s.Nobody }

// scripted are the keys of what the scripts say, without the prefix "js.".
var scripted = [...]string{
	"now", "past.s", "past.min", "past.h", "past.d", "next.s", "next.ms", "next.hm", "next.dh",
	"stale", "stale.offline", "failed", "palette.empty",
}

// Words are the texts that the scripts need, as JSON.
func (s Shell) Words() string {
	words := make(map[string]string, len(scripted))
	for _, key := range scripted {
		words[key] = s.T("js." + key)
	}
	text, err := json.Marshal(words)
	if err != nil { // strings by strings: there is no such error
		return "{}"
	}
	return string(text)
}

// entry is a line of the navigation.
type entry struct {
	ID, Path, Icon string
	Key            string // pressed after g
}

// nav are the entries of the navigation that the reader is offered.
func (s Shell) nav() []entry {
	return []entry{
		{"incidents", "/", "alert", "i"},
		{"oncall", "/oncall", "phone", "o"},
		{"monitors", "/monitors", "pulse", "w"},
		{"explore", "/explore", "chart", "e"},
		{"schedules", "/schedules", "calendar", "s"},
		{"services", "/services", "layers", "v"},
		{"policies", "/policies", "stair", "p"},
		{"settings", "/settings", "gear", "t"},
	}
}

// tabs are the entries of the bar at the foot of a phone.
func (s Shell) tabs() []entry {
	return []entry{
		{"incidents", "/", "alert", ""},
		{"oncall", "/oncall", "phone", ""},
		{"monitors", "/monitors", "pulse", ""},
		{"me", "/me", "user", ""},
	}
}

// colour is the colour of the browser's own bar.
func colour(theme string) string {
	if theme == "dark" {
		return "#111411"
	}
	return "#f7f8f6"
}

// title is the page's title with the product's name.
func (s Shell) title() string {
	if s.Title == "" {
		return s.T("shell.product")
	}
	return s.Title + " · " + s.T("shell.product")
}

// With adds a value to the query of a path.
func With(path, name, value string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}
