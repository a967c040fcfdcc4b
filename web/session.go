package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/access"
	"toban/i18n"
	"toban/internal/peer"
	"toban/oncall"
	"toban/store"
	"toban/web/static"
	"toban/web/view"
)

// request is who asks, and what every page needs to know.
type request struct {
	web    *Web
	who    access.Principal
	known  bool        // who has a session
	need   access.Role // of the route
	lang   string
	theme  string
	zone   *time.Location
	base   string
	now    time.Time
	dir    *oncall.Directory
	counts view.Counts
	at     int64 // change behind which the page's stream begins: dir and counts have everything before it
	note   *note // said once
	// outside: it came by the listener that the internet may reach, which has
	// nothing but signed links.
	outside bool
	near    bool // the browser is on this machine, and no proxy is between
}

// enter reads who asks and what every page shows, in one look at the store.
func (a *Web) enter(w http.ResponseWriter, r *http.Request, outside bool) (*request, error) {
	s := a.stranger(r)
	s.outside = outside
	if c, err := r.Cookie(a.cookie()); err == nil && c.Value != "" {
		who, err := a.Access.Session(r.Context(), c.Value)
		switch {
		case err == nil:
			s.who, s.known = who, true
		case isUnauthenticated(err):
			a.forget(w)
		default:
			return s, err
		}
	}
	s.at = a.Hub.Position()
	if err := s.look(r.Context()); err != nil {
		return s, err
	}
	s.settle(r)
	if isRead(r) && r.URL.Path != livePath {
		s.note = a.takeFlash(w, r)
	}
	return s, nil
}

// look reads the directory and, for who has a session, what is open.
func (s *request) look(ctx context.Context) error {
	return s.web.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if s.dir, err = tx.Directory(ctx); err != nil || !s.known {
			return err
		}
		open, err := tx.CountOpen(ctx, s.who.User)
		s.counts = view.Counts{Triggered: open.Triggered, Acknowledged: open.Acknowledged, Mine: open.Held}
		return err
	})
}

// visitor is who asks, as far as it can be found out: for the page of an error.
func (a *Web) visitor(r *http.Request, outside bool) *request {
	s := a.stranger(r)
	s.outside = outside
	if c, err := r.Cookie(a.cookie()); err == nil && c.Value != "" {
		if who, err := a.Access.Session(r.Context(), c.Value); err == nil {
			s.who, s.known = who, true
		}
	}
	if err := s.look(r.Context()); err == nil {
		s.settle(r)
	}
	return s
}

// stranger is somebody of whom nothing is known but what the browser says.
func (a *Web) stranger(r *http.Request) *request {
	s := &request{web: a, base: a.base(), now: now(), zone: time.UTC, lang: i18n.English, dir: &oncall.Directory{}, near: isNear(r)}
	s.settle(r)
	return s
}

// isNear reports whether a request comes from this machine itself.
func isNear(r *http.Request) bool {
	return peer.Of(r).IsLoopback() && r.Header.Get("Forwarded") == "" && r.Header.Get("X-Forwarded-For") == ""
}

// settle chooses language, theme and zone: what the account says, else what this
// browser was told or says, else the installation's.
func (s *request) settle(r *http.Request) {
	user := s.dir.Users[s.who.User]
	settings := s.dir.Settings
	if s.outside && settings.PublicURL != "" {
		s.base = pathOf(settings.PublicURL)
	}
	s.lang = first(known(s.who.Language), known(cookie(r, cookieLanguage)), accepted(r.Header.Get("Accept-Language")), known(settings.Language), i18n.English)
	s.theme = first(theme(s.who.Theme), theme(cookie(r, cookieTheme)))
	own := ""
	if user != nil {
		own = user.Zone
	}
	for _, name := range []string{s.who.Zone, own, settings.Zone} {
		if name == "" || name == "Local" {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			s.zone = zone
			break
		}
	}
}

// shell is what every page knows about its reader.
func (s *request) shell(title, active string) view.Shell {
	p := view.Shell{
		Lang: s.lang, Theme: s.theme, Title: title, Active: active, Base: s.base, Static: static.Base(s.base),
		Counts: s.counts, Flash: s.flash(), Now: s.now, Zone: s.zone,
	}
	if s.outside {
		p.Inside = strings.TrimRight(s.web.External(), "/")
	}
	if s.known {
		p.Role, p.Nobody = string(s.who.Role), s.who.User == ""
		p.User = view.UserBadge{ID: s.who.Account, Name: s.called()}
	}
	return p
}

// called is the reader's name as people say it.
func (s *request) called() string {
	if s.who.User != "" {
		return s.names().User(i18n.In(s.lang), s.who.User)
	}
	return s.who.Account
}

// names are what sentences call things, for this reader.
func (s *request) names() i18n.Names { return i18n.Names{Directory: s.dir, Zone: s.zone} }

// t says the text of key in the reader's language.
func (s *request) t(key string, places ...string) string { return i18n.In(s.lang).Say(key, places...) }

// ---- cookies

const (
	cookieLanguage = "toban_language"
	cookieTheme    = "toban_theme"
	year           = 365 * 24 * time.Hour
	// longest is how long a session can last; it ends by itself long before.
	longest = 90 * 24 * time.Hour
)

// Cookie is the name of the session's cookie. The prefix makes browsers refuse
// one that another host below the same domain has set.
func Cookie(secure bool) string {
	if secure {
		return "__Host-toban"
	}
	return "toban"
}

func (a *Web) cookie() string { return Cookie(a.Secure) }

// remember gives the browser its session.
func (a *Web) remember(w http.ResponseWriter, secret string) {
	a.setCookie(w, a.cookie(), secret, longest)
}

// forget ends the session in the browser.
func (a *Web) forget(w http.ResponseWriter) { a.setCookie(w, a.cookie(), "", -1) }

func (a *Web) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode, MaxAge: int(age / time.Second)}
	if age < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// ---- what the reader likes

// known is a language if toban speaks it.
func known(language string) string {
	if slices.Contains(i18n.Languages(), language) {
		return language
	}
	return ""
}

func theme(name string) string {
	if name == "light" || name == "dark" {
		return name
	}
	return ""
}

func first(options ...string) string {
	for _, o := range options {
		if o != "" {
			return o
		}
	}
	return ""
}

// accepted is the language that a browser prefers among ours, "" for none.
func accepted(header string) string {
	const most = 512
	best, quality := "", 0.0
	for part := range strings.SplitSeq(header[:min(len(header), most)], ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if known(primary) != "" && q > quality {
			best, quality = primary, q
		}
	}
	return best
}

// local is next if it is a path of ours, else "/": a link must not lead away.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || len(next) > 2048 {
		return "/"
	}
	return next
}
