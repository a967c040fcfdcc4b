package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"toban/access"
	"toban/i18n"
	"toban/oncall"
	"toban/web/view"
)

// peoplePage lists the accounts.
func (a *Web) peoplePage(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawPeople(w, r, s, http.StatusOK, view.InviteForm{Role: string(access.Responder)}, nil)
}

// drawPeople draws the accounts, with an invitation that was made just now.
func (a *Web) drawPeople(w http.ResponseWriter, r *http.Request, s *request, status int, f view.InviteForm, made *view.MadeInvite) error {
	accounts, err := a.Access.Accounts(r.Context())
	if err != nil {
		return err
	}
	waiting, err := a.Access.Invitations(r.Context())
	if err != nil {
		return err
	}
	page := view.People{Form: f, Made: made}
	names, p := s.names(), i18n.In(s.lang)
	taken := map[oncall.UserID]bool{}
	for _, one := range accounts {
		row := view.PersonRow{
			Account: one.Name, Role: string(one.Role), Since: one.CreatedAt, Disabled: one.DisabledAt, Self: one.Name == s.who.Account,
		}
		if one.User != "" {
			row.Name = names.User(p, one.User)
			taken[one.User] = true
		}
		page.Rows = append(page.Rows, row)
	}
	for _, i := range waiting {
		if i.Account == "" {
			continue
		}
		page.Waiting = append(page.Waiting, view.WaitingInvite{Account: i.Account, Role: string(i.Role), Until: i.ExpiresAt, Reset: i.Reset})
		taken[oncall.UserID(i.Account)] = true
	}
	for id := range s.dir.Users {
		if !taken[id] {
			page.Without = append(page.Without, view.Option{Value: string(id), Label: names.User(p, id)})
		}
	}
	slices.SortFunc(page.Without, func(a, b view.Option) int { return strings.Compare(a.Value, b.Value) })
	return s.draw(w, r, status, view.PeoplePage(s.managed(s.t("settings.people"), "settings"), page))
}

// invite makes a link by which somebody makes their account, and shows it, this
// once.
func (a *Web) invite(w http.ResponseWriter, r *http.Request, s *request) error {
	f := view.InviteForm{Account: form(r, "account"), Role: cmp.Or(form(r, "role"), string(access.Responder))}
	return a.drawInvite(w, r, s, f, access.Role(f.Role))
}

func (a *Web) drawInvite(w http.ResponseWriter, r *http.Request, s *request, f view.InviteForm, role access.Role) error {
	secret, err := a.Access.Invite(r.Context(), s.who, f.Account, role)
	if err != nil {
		wrong, ok := s.wrong(err)
		if !ok {
			return a.refused(w, r, s, err, "/settings/people")
		}
		f.Wrong = wrong
		return a.drawPeople(w, r, s, http.StatusUnprocessableEntity, f, nil)
	}
	made := &view.MadeInvite{Account: f.Account, URL: a.reach(r) + "/invite/" + secret, Until: s.now.Add(access.InviteFor)}
	if inv, err := a.Access.Invitation(r.Context(), secret); err == nil {
		made.Account, made.Reset, made.Until = inv.Account, inv.Reset, inv.ExpiresAt
	}
	return a.drawPeople(w, r, s, http.StatusOK, view.InviteForm{Role: string(access.Responder)}, made)
}

// changePerson changes an account: its role, its password's link, whether it may
// sign in.
func (a *Web) changePerson(w http.ResponseWriter, r *http.Request, s *request) error {
	account := r.PathValue("account")
	var err error
	key := ""
	switch r.PathValue("act") {
	case "role":
		key, err = "flash.person.role", a.Access.SetRole(r.Context(), s.who, account, access.Role(form(r, "role")))
	case "disable":
		key, err = "flash.person.disabled", a.Access.Disable(r.Context(), s.who, account)
	case "enable":
		key, err = "flash.person.enabled", a.Access.Enable(r.Context(), s.who, account)
	case "uninvite":
		key, err = "flash.person.uninvited", a.Access.Uninvite(r.Context(), s.who, account)
	case "reset":
		return a.drawInvite(w, r, s, view.InviteForm{Account: account}, "")
	default:
		return errNoPage
	}
	if err != nil {
		return a.refused(w, r, s, err, "/settings/people")
	}
	s.say(w, note{Kind: "ok", Key: key, Places: []string{"name", account}})
	return s.redirect(w, r, "/settings/people")
}

// refused goes back to a list and says there why what was asked can't be done;
// what is nobody's mistake is returned.
func (a *Web) refused(w http.ResponseWriter, r *http.Request, s *request, err error, path string) error {
	var e *oncall.Error
	if !errors.As(err, &e) || e.Kind != oncall.Conflict && e.Kind != oncall.Invalid {
		return err
	}
	s.say(w, note{Kind: "warn", Key: "flash.refused", Places: []string{"why", said(s.lang, e)}})
	return s.redirect(w, r, path)
}
