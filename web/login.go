package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"toban/access"
	"toban/internal/peer"
	"toban/oncall"
	"toban/web/view"
)

// doorRoutes are the ways in and out.
func (a *Web) doorRoutes() []route {
	return []route{
		{http.MethodGet, "/login", open, a.login},
		{http.MethodPost, "/login", open, a.signIn},
		{http.MethodPost, "/logout", open, a.signOut},
		{http.MethodPost, "/look", open, a.look},
		{http.MethodGet, "/setup/{secret}", open, a.setUp},
		{http.MethodPost, "/setup/{secret}", open, a.accept},
		{http.MethodGet, "/invite/{secret}", open, a.setUp},
		{http.MethodPost, "/invite/{secret}", open, a.accept},
	}
}

func (a *Web) login(w http.ResponseWriter, r *http.Request, s *request) error {
	next := local(r.URL.Query().Get("next"))
	if s.known {
		return s.redirect(w, r, next)
	}
	begun, err := a.Access.Begun(r.Context())
	if err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.Login(s.shell(s.t("login.title"), ""), view.LoginPage{Next: next, Nobody: !begun}))
}

func (a *Web) signIn(w http.ResponseWriter, r *http.Request, s *request) error {
	p := view.LoginPage{Next: local(r.PostForm.Get("next")), Account: clip(r.PostForm.Get("account"))}
	secret, err := a.Access.Login(r.Context(), p.Account, r.PostForm.Get("password"), peer.Of(r), r.UserAgent())
	if err == nil {
		a.remember(w, secret)
		return s.redirect(w, r, p.Next)
	}
	e := public(err)
	var tries *access.TriesError
	switch {
	case errors.As(err, &tries):
		p.Limited = true
		p.Error = s.t("login.limited", "time", tries.Until.In(s.zone).Format(time.TimeOnly), "in", view.Span(s.lang, time.Until(tries.Until)))
		w.Header().Set("Retry-After", seconds(time.Until(tries.Until)))
	case e.Kind == oncall.Internal, e.Kind == oncall.Unavailable && e.Code != access.ErrBusy.Code:
		return err
	default:
		p.Error = said(s.lang, e)
	}
	status := http.StatusUnauthorized
	if p.Limited {
		status = http.StatusTooManyRequests
	}
	return s.draw(w, r, status, view.Login(s.shell(s.t("login.title"), ""), p))
}

// signOut ends the session here and in the store; signing out twice is no error.
func (a *Web) signOut(w http.ResponseWriter, r *http.Request, s *request) error {
	if secret := cookie(r, a.cookie()); secret != "" {
		if err := a.Access.Logout(r.Context(), secret); err != nil {
			return err
		}
		a.Hub.EndSession(s.who.Session)
	}
	a.forget(w)
	return s.redirect(w, r, "/login")
}

// look keeps in the browser how somebody without an account likes the pages.
func (a *Web) look(w http.ResponseWriter, r *http.Request, s *request) error {
	if language := known(r.PostForm.Get("language")); language != "" {
		a.setCookie(w, cookieLanguage, language, year)
	}
	switch name := r.PostForm.Get("theme"); name {
	case "light", "dark":
		a.setCookie(w, cookieTheme, name, year)
	case "system":
		a.setCookie(w, cookieTheme, "", -1)
	}
	return s.redirect(w, r, local(r.PostForm.Get("back")))
}

// clip bounds what is given back to the page it was typed into.
func clip(text string) string {
	const most = 300
	text = strings.TrimSpace(text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}
