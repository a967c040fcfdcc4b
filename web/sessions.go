package web

import (
	"net/http"

	"toban/access"
	"toban/web/view"
)

// sessionsPage lists where the reader is signed in, for an admin where anybody
// is.
func (a *Web) sessionsPage(w http.ResponseWriter, r *http.Request, s *request) error {
	page := view.SessionsPage{Admin: s.who.Role.Includes(access.Admin)}
	page.All = page.Admin && query(r, "all") != ""
	account := s.who.Account
	if page.All {
		account = query(r, "account")
	}
	var list []access.Session
	var err error
	if account == "" {
		list, err = a.Access.AllSessions(r.Context())
	} else {
		list, err = a.Access.Sessions(r.Context(), account)
	}
	if err != nil {
		return err
	}
	for _, one := range list[:min(len(list), mostListed)] {
		page.Rows = append(page.Rows, view.SessionRow{
			Hash: one.Hash, Account: one.Account, Agent: one.Agent, Address: one.Address, Since: one.Since, Seen: one.LastSeen, Until: one.ExpiresAt, Current: one.Current,
		})
	}
	return s.draw(w, r, http.StatusOK, view.SessionsList(s.managed(s.t("settings.sessions"), "settings"), page))
}

// mostListed bounds the lists that are not cut into pages.
const mostListed = 500

// endSession ends a session, which stops working at once.
func (a *Web) endSession(w http.ResponseWriter, r *http.Request, s *request) error {
	if err := a.Access.EndSession(r.Context(), s.who, form(r, "hash")); err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.session.ended"})
	return s.redirect(w, r, listOf("/settings/sessions", r))
}

// endOthers ends all sessions of the reader but the one that asks.
func (a *Web) endOthers(w http.ResponseWriter, r *http.Request, s *request) error {
	if err := a.Access.EndSessions(r.Context(), s.who, s.who.Account); err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.sessions.ended"})
	return s.redirect(w, r, "/settings/sessions")
}

// listOf is the list that a form stood on: one's own, or everybody's.
func listOf(path string, r *http.Request) string {
	if form(r, "all") != "" {
		return path + "?all=1"
	}
	return path
}
