package demo

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"

	"toban/api"
	"toban/i18n"
	"toban/oncall"
	"toban/web/static"
	"toban/web/view"
)

//go:embed assets/guide.css assets/guide.js
var assets embed.FS

// page is the guide in a browser.
type page struct {
	guide *guide
	lang  string // of who has not chosen one
	toban string // URL of the child's own pages
	reach string // URL by which another device becomes Ume's telephone; "" = this machine alone
	zone  *time.Location
	door  door
	log   *slog.Logger

	secret string // in reach

	streams atomic.Int32 // open ones
}

// routes adds the guide's addresses to mux.
func (p *page) routes(mux *http.ServeMux) {
	own := http.NewCrossOriginProtection()
	post := func(pattern string, h http.HandlerFunc) { mux.Handle("POST "+pattern, own.Handler(h)) }
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("GET /guide/live", p.live)
	mux.HandleFunc("GET /guide/open", p.open)
	mux.HandleFunc("GET /guide/qr.png", p.qr)
	mux.HandleFunc("GET /phone/{who}", p.handset)
	mux.Handle("GET /guide/assets/", http.StripPrefix("/guide/", http.FileServerFS(assets)))
	mux.Handle("GET /static/", static.Handler())
	mux.HandleFunc("GET /manifest.webmanifest", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/manifest+json")
		_, _ = w.Write(static.Manifest("", p.language(r))) // the browser went away: nothing is left to do
	})
	post("/guide/wait", p.act(func(context.Context) error { p.guide.arm(time.Time{}); return nil }))
	post("/guide/break", p.act(func(ctx context.Context) error { p.guide.start(context.WithoutCancel(ctx)); return nil }))
	post("/guide/repair", p.act(func(context.Context) error { p.guide.repair(); return nil }))
	post("/guide/again", p.act(func(context.Context) error { p.guide.again(); return nil }))
	post("/guide/plug", p.act(func(context.Context) error {
		if err := p.guide.toban.pull(); err != nil && !errors.Is(err, errDown) {
			return err
		}
		return nil
	}))
}

// act does what a button asks for. A script gets 204, for the stream draws what
// changes; a form gets its page again.
func (p *page) act(do func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if !strings.HasPrefix(r.Header.Get("Accept"), "text/html") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		to := "#now"
		if f, _ := p.guide.facts(); f.Phase == Calm {
			to = "#g-break"
		}
		http.Redirect(w, r, "/?lang="+p.language(r)+to, http.StatusSeeOther)
	}
}

// language is that of ?lang, of the page itself or the one that a form stands on,
// else the browser's, else the demo's.
func (p *page) language(r *http.Request) string {
	asked := r.URL.Query().Get("lang")
	if from, err := url.Parse(r.Referer()); err == nil && r.Method == http.MethodPost {
		asked = from.Query().Get("lang")
	}
	if asked == i18n.Japanese || asked == i18n.English {
		return asked
	}
	switch accepts := strings.ToLower(r.Header.Get("Accept-Language")); {
	case strings.HasPrefix(accepts, "ja"):
		return i18n.Japanese
	case strings.HasPrefix(accepts, "en"):
		return i18n.English
	}
	return p.lang
}

func (p *page) shell(lang, title string) view.Shell {
	return view.Shell{Lang: lang, Title: i18n.In(lang).Say(title), Static: static.Base(""), Now: time.Now(), Zone: p.zone}
}

// secure are the headers of every page. The phones and the chat are frames of
// the same origin.
func secure(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
}

// show answers GET /: the whole story, with its forecast.
func (p *page) show(w http.ResponseWriter, r *http.Request) {
	p.guide.seen(time.Now())
	v := p.view(p.language(r))
	v.Live = "/guide/live?lang=" + v.Lang
	v.Forecast = p.forecast(r.Context(), v.Lang, r.URL.Query().Get("at"))
	p.draw(w, r, guidePage(v))
}

func (p *page) draw(w http.ResponseWriter, r *http.Request, c templ.Component) {
	p.drawAs(w, r, http.StatusOK, c)
}

func (p *page) drawAs(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		p.log.ErrorContext(r.Context(), "page not drawn", "err", err)
		http.Error(w, "the page can't be drawn", http.StatusInternalServerError)
		return
	}
	secure(w)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser went away: nothing is left to do
}

// handset answers GET /phone/ume: one telephone, for a telephone.
func (p *page) handset(w http.ResponseWriter, r *http.Request) {
	for _, who := range people {
		if who.id == r.PathValue("who") {
			lang := p.language(r)
			q := url.Values{"embed": {"1"}, "lang": {lang}, "only": {who.number}}
			v := handsetView{Shell: p.shell(lang, "demo.handset"), Name: who.name(p.lang), Src: "/sim/phones?" + q.Encode(), Yours: who.id == people[you].id, names: named(lang, p.lang)}
			p.draw(w, r, handsetPage(v))
			return
		}
	}
	http.NotFound(w, r)
}

// Forecast is what the reader asked beforehand.
type Forecast struct {
	At    string // as the field has it
	Steps []view.StairStep
	Error string
}

// field is how a moment stands in a field of a form.
const field = "2006-01-02T15:04"

func (p *page) forecast(ctx context.Context, lang, asked string) (f Forecast) {
	at := nextSaturday(time.Now(), p.zone)
	f.At = at.Format(field)
	if asked != "" {
		f.At = asked
		when, err := time.ParseInLocation(field, asked, p.zone)
		if err != nil || time.Until(when).Abs() > 3*365*24*time.Hour {
			f.Error = i18n.In(lang).Say("demo.forecast.when")
			return f
		}
		at = when
	}
	steps, err := p.guide.api.forecast(ctx, lang, at, nil)
	if err != nil {
		f.Error = i18n.In(lang).Say("demo.forecast.down")
		return f
	}
	who, until, err := p.guide.api.duty(ctx, "shop", at)
	if err != nil {
		p.log.WarnContext(ctx, "schedule not read", "err", err)
	}
	say := i18n.In(lang)
	f.Steps = stair(steps, at, func(s api.Step) string {
		switch {
		case s.Data.Nth > 1:
			return say.Say("demo.why.again")
		case s.Data.Level == 1 && s.Data.User == who && !until.IsZero():
			return say.Say("demo.why.duty", "until", view.Absolute(lang, until, p.zone, p.zone))
		case s.Data.Level > 1:
			return say.Say("demo.why.next")
		case s.Data.Level == oncall.AtFallback:
			return say.Say("demo.why.fallback")
		}
		return ""
	})
	return f
}

const maxStreams = 32

// live answers GET /guide/live: each part of the page again whenever it is
// different, and a beat, by which the page knows that it is live.
func (p *page) live(w http.ResponseWriter, r *http.Request) {
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer p.streams.Add(-1)
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // a stream outlives a server's time-out, where there is one
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	lang := p.language(r)
	drawn := map[string]string{}
	alive := time.NewTicker(10 * time.Second)
	defer alive.Stop()
	for {
		_, changed := p.guide.facts()
		for _, part := range p.view(lang).parts() {
			var b bytes.Buffer
			if err := part.Draw.Render(r.Context(), &b); err != nil {
				return
			}
			if text := b.String(); drawn[part.ID] != text {
				drawn[part.ID] = text
				if _, err := fmt.Fprintf(w, "event: patch\ndata: %s\n\n", strings.ReplaceAll(text, "\n", "\ndata: ")); err != nil {
					return
				}
			}
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-alive.C:
			if _, err := fmt.Fprintf(w, "event: beat\ndata: %d\n\n", time.Now().UnixMilli()); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// away answers other devices that ask for more than Ume's telephone.
func (p *page) away(w http.ResponseWriter, r *http.Request) {
	lang := p.language(r)
	p.drawAs(w, r, http.StatusForbidden, awayPage(p.shell(lang, "demo.title"), named(lang, p.lang)))
}

// open leads to toban's own pages, signed in as the reader. That account may do
// everything: the gate lets nobody in from elsewhere.
func (p *page) open(w http.ResponseWriter, r *http.Request) {
	cookies, err := p.door.cookies(r.Context())
	if err != nil {
		p.log.WarnContext(r.Context(), "not signed in to toban's pages", "err", err)
	}
	for _, c := range cookies { // cookies know no ports: what the child set, this page may set
		http.SetCookie(w, c)
	}
	to := p.toban
	if host := r.URL.Query().Get("to"); strings.HasPrefix(host, "/") && !strings.HasPrefix(host, "//") {
		to += host
	}
	if u, err := url.Parse(to); err == nil { // under the name by which this page was reached, or the cookie is not sent
		if name := hostOf(r.Host); name != "" {
			u.Host = net.JoinHostPort(name, u.Port())
			to = u.String()
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
