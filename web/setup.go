package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/access"
	"toban/i18n"
	"toban/internal/peer"
	"toban/oncall"
	"toban/web/view"
)

// setUp is the page of a one-time link. Looking at it uses nothing up.
func (a *Web) setUp(w http.ResponseWriter, r *http.Request, s *request) error {
	inv, err := a.Access.Invitation(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	return a.drawSetUp(w, r, s, inv, http.StatusOK, nil)
}

// accept makes the account and signs in.
func (a *Web) accept(w http.ResponseWriter, r *http.Request, s *request) error {
	secret := r.PathValue("secret")
	inv, err := a.Access.Invitation(r.Context(), secret)
	if err != nil {
		return err
	}
	account := inv.Account
	if account == "" {
		account = cmp.Or(strings.TrimSpace(r.PostForm.Get("account")), r.PostForm.Get("person"))
	}
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		return a.drawSetUp(w, r, s, inv, http.StatusBadRequest, map[string]string{"again": s.t("setup.again.wrong")})
	}
	session, err := a.Access.Accept(r.Context(), secret, account, password, peer.Of(r), r.UserAgent())
	if e := public(err); err != nil && e.Kind == oncall.Invalid {
		field := "password"
		if strings.HasPrefix(e.Field, "/account") || strings.HasPrefix(e.Code, "access.name") {
			field = "account"
		}
		return a.drawSetUp(w, r, s, inv, http.StatusBadRequest, map[string]string{field: said(s.lang, e)})
	}
	if err != nil {
		return err
	}
	a.remember(w, session)
	if inv.Reset {
		return s.redirect(w, r, "/")
	}
	name, err := access.Name(account)
	if err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.account", Places: []string{"name", name}})
	return s.redirect(w, r, "/welcome")
}

func (a *Web) drawSetUp(w http.ResponseWriter, r *http.Request, s *request, inv access.Invitation, status int, wrong map[string]string) error {
	p := view.WelcomePage{
		Path: r.URL.Path, First: strings.HasPrefix(r.URL.Path, "/setup/"), Fixed: inv.Account, Existing: inv.Reset,
		Expires: inv.ExpiresAt, Wrong: wrong, Account: clip(r.PostForm.Get("account")), Person: r.PostForm.Get("person"),
	}
	if inv.Account == "" {
		p.People = people(s)
		if isRead(r) && len(p.People) > 0 { // else what was chosen stays
			p.Person = p.People[0].Value
		}
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is a secret
	return s.draw(w, r, status, view.Welcome(s.shell(s.t("setup.title"), ""), p))
}

// people are the users of the configuration, by what they are called.
func people(s *request) []view.Option {
	p, names := i18n.In(s.lang), s.names()
	all := make([]view.Option, 0, len(s.dir.Users))
	for id := range s.dir.Users {
		all = append(all, view.Option{Value: string(id), Label: names.User(p, id)})
	}
	slices.SortFunc(all, func(a, b view.Option) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
	return all
}

// seconds is a wait as Retry-After has it.
func seconds(d time.Duration) string { return strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))) }
