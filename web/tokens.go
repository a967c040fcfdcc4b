package web

import (
	"net/http"
	"strconv"
	"time"

	"toban/access"
	"toban/web/view"
)

// tokensPage lists the tokens of the reader, for an admin those of anybody.
func (a *Web) tokensPage(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawTokens(w, r, s, http.StatusOK, view.TokenForm{Role: string(access.Viewer), Expires: "90"}, nil)
}

func (a *Web) drawTokens(w http.ResponseWriter, r *http.Request, s *request, status int, f view.TokenForm, made *view.MadeToken) error {
	page := view.TokensPage{Admin: s.who.Role.Includes(access.Admin), Roles: string(s.who.Role), Form: f, Made: made}
	page.All = page.Admin && query(r, "all") != ""
	var list []access.Token
	var err error
	if page.All {
		list, err = a.Access.AllTokens(r.Context())
	} else {
		list, err = a.Access.Tokens(r.Context(), s.who.Account)
	}
	if err != nil {
		return err
	}
	for _, one := range list[:min(len(list), mostListed)] {
		row := view.TokenRow{
			Hash: one.Hash, Name: one.Name, Account: one.Account, Role: string(one.Role), Created: one.CreatedAt, Expires: one.ExpiresAt, Used: one.UsedAt,
			Revoked: one.RevokedAt, Expired: one.RevokedAt.IsZero() && !one.Valid(s.now),
		}
		if row.Account == "" {
			row.Account = s.t("tokens.installation")
		}
		page.Rows = append(page.Rows, row)
	}
	return s.draw(w, r, status, view.TokensList(s.managed(s.t("settings.tokens"), "settings"), page))
}

// makeToken makes a token and shows it, this once.
func (a *Web) makeToken(w http.ResponseWriter, r *http.Request, s *request) error {
	f := view.TokenForm{Name: form(r, "name"), Role: form(r, "role"), Expires: form(r, "expires")}
	var expires time.Time
	if f.Expires != "" {
		days, err := strconv.Atoi(f.Expires)
		if err != nil || days < 1 || days > int(access.MaxTokenLife/(24*time.Hour)) {
			f.Wrong = map[string]string{"expires": s.t("tokens.wrong.expires")}
			return a.drawTokens(w, r, s, http.StatusUnprocessableEntity, f, nil)
		}
		expires = s.now.AddDate(0, 0, days)
	}
	secret, token, err := a.Access.CreateToken(r.Context(), s.who, f.Name, access.Role(f.Role), expires)
	if err != nil {
		wrong, ok := s.wrong(err)
		if !ok {
			return a.refused(w, r, s, err, "/settings/tokens")
		}
		f.Wrong = wrong
		return a.drawTokens(w, r, s, http.StatusUnprocessableEntity, f, nil)
	}
	made := &view.MadeToken{Name: token.Name, Secret: secret, Curl: "curl -H 'Authorization: Bearer " + secret + "' '" + a.reach(r) + "/api/v1/incidents'"}
	return a.drawTokens(w, r, s, http.StatusOK, view.TokenForm{Role: string(access.Viewer), Expires: "90"}, made)
}

// revokeToken makes a token invalid at once.
func (a *Web) revokeToken(w http.ResponseWriter, r *http.Request, s *request) error {
	if err := a.Access.RevokeToken(r.Context(), s.who, form(r, "hash")); err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.token.revoked"})
	return s.redirect(w, r, listOf("/settings/tokens", r))
}
