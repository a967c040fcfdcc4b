package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/access"
	"toban/i18n"
	"toban/internal/link"
	"toban/internal/peer"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// signedRoutes are the pages of signed links (R19): one incident without a
// login. Looking at one changes nothing, whoever looks; the two actions are
// posted.
func (a *Web) signedRoutes() []route {
	return []route{
		{http.MethodGet, "/i/{token}", open, a.signed},
		{http.MethodGet, "/i/{token}/live", open, a.signedView},
		{http.MethodGet, "/i/{token}/{act}", open, func(w http.ResponseWriter, r *http.Request, s *request) error {
			return s.redirect(w, r, link.Path(r.PathValue("token"))) // the address of an action, opened again
		}},
		{http.MethodPost, "/i/{token}/{act}", open, a.signedAct},
	}
}

// How often a link may be used in a minute, and how often an address may come
// with one that is none of ours.
const (
	linkReads = 120
	linkActs  = 20
	badLinks  = 60
)

var errOften = &oncall.Error{Kind: oncall.Limited, Code: "link.too_often", Message: "this link is used too often; try again in a minute"}

// readLink reads the link of a request and makes its user the reader.
func (a *Web) readLink(r *http.Request, s *request) (link.Link, error) {
	l, err := a.Links.Read(r.PathValue("token"), s.now)
	if err != nil {
		if ok, _ := a.strange.allow(peer.Network(peer.Of(r)), badLinks, s.now); !ok {
			return l, errOften
		}
		return l, err
	}
	most := linkReads
	if !isRead(r) {
		most = linkActs
	}
	if ok, _ := a.limited.allow(r.Method+" "+string(l.Incident)+" "+string(l.User), most, s.now); !ok {
		return l, errOften
	}
	user := s.dir.Users[l.User]
	if user == nil {
		l.User = "" // nobody of that name any more: it is asked who it is
	}
	if !s.known && user != nil {
		s.lang = first(known(cookie(r, cookieLanguage)), known(user.Language), s.lang)
		if zone, err := time.LoadLocation(user.Zone); err == nil && user.Zone != "" && user.Zone != "Local" {
			s.zone = zone
		}
	}
	return l, nil
}

func (a *Web) signed(w http.ResponseWriter, r *http.Request, s *request) error {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the permission
	w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	l, err := a.readLink(r, s)
	if err != nil {
		return a.signedOver(w, r, s, err)
	}
	return a.drawSigned(w, r, s, l, http.StatusOK, "")
}

func (a *Web) drawSigned(w http.ResponseWriter, r *http.Request, s *request, l link.Link, status int, wrong string) error {
	at := a.Hub.Position()
	page, err := a.signedPage(r.Context(), s, l, r.PathValue("token"))
	if err != nil {
		return err
	}
	page.Wrong = wrong
	if wantsJSON(r) {
		return sendJSON(w, r, status, signedState(page, "", ""))
	}
	p := s.shell("#"+strconv.FormatInt(page.Row.Number, 10)+" "+view.Short(page.Row.Title, 60), "")
	p.Live = link.Path(r.PathValue("token")) + "/live?after=" + strconv.FormatInt(at, 10)
	return s.draw(w, r, status, view.Signed(p, page))
}

// signedOver is the page of a link that is none, or is none any more.
func (a *Web) signedOver(w http.ResponseWriter, r *http.Request, s *request, err error) error {
	e := public(err)
	if wantsJSON(r) || e.Code != link.ErrExpired.Code && e.Code != link.ErrInvalid.Code {
		return err
	}
	status := http.StatusNotFound
	if e.Code == link.ErrExpired.Code {
		status = http.StatusGone
	}
	return s.draw(w, r, status, view.SignedOver(s.shell(s.t("signed.title"), ""), view.SignedGone{Expired: status == http.StatusGone, Code: e.Code}))
}

// mostSigned is how many steps of what happens next a signed page shows.
const mostSigned = 3

func (a *Web) signedPage(ctx context.Context, s *request, l link.Link, token string) (view.SignedPage, error) {
	page := view.SignedPage{Token: token, Expires: l.Expires}
	var inc *oncall.Incident
	var row *store.ResponseRow
	var next nextSteps
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if inc, err = tx.IncidentUnlocked(ctx, l.Incident); err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, []oncall.IncidentID{inc.ID})
		if err != nil {
			return err
		}
		row = rows[inc.ID]
		next, err = a.nextSteps(ctx, tx, s, []oncall.IncidentID{inc.ID}, rows)
		return err
	})
	if err != nil {
		return page, err
	}
	steps, err := a.foresee(ctx, s, inc, row)
	if err != nil {
		return page, err
	}
	p, names := s.shell("", ""), s.names()
	page.Row = s.row(p, inc, row, next, "", "")
	page.Doing = page.Row.Doing
	page.Next, _ = view.NextOf(p, names, inc, page.Doing, steps)
	page.Next = page.Next[:min(len(page.Next), mostSigned)]
	if l.User != "" {
		page.Who = names.User(i18n.In(s.lang), l.User)
		page.Mine = inc.State == oncall.Acknowledged && inc.AcknowledgedBy == l.User
	} else {
		page.Voices = s.voices(row)
	}
	return page, nil
}

// voices are all users, those that the response is about first.
func (s *request) voices(row *store.ResponseRow) []view.Option {
	all := people(s)
	if row == nil {
		return all
	}
	likely := func(o view.Option) bool { return row.Response.Asked(oncall.UserID(o.Value)) }
	slices.SortStableFunc(all, func(a, b view.Option) int {
		switch x, y := likely(a), likely(b); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return all
}

// signedAct acknowledges or escalates in the name of the link's user; with a
// channel's link the reader says who it is.
func (a *Web) signedAct(w http.ResponseWriter, r *http.Request, s *request) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	l, err := a.readLink(r, s)
	if err != nil {
		return a.signedOver(w, r, s, err)
	}
	x := action{verb: r.PathValue("act"), id: l.Incident, by: l.User, via: access.ViaLink}
	if x.verb == "act" {
		x.verb = form(r, "act")
	}
	if form(r, "via") == string(oncall.Push) {
		x.via = string(oncall.Push)
	}
	if x.verb == "look" {
		return a.look(w, r, s)
	}
	if x.verb != "acknowledge" && x.verb != "escalate" {
		return errNoPage
	}
	if x.by == "" {
		if x.by, err = s.voice(form(r, "who")); err != nil {
			if wantsJSON(r) {
				return err
			}
			return a.drawSigned(w, r, s, l, http.StatusBadRequest, s.t("signed.ask.wrong"))
		}
	}
	began := now()
	inc, err := a.do(r.Context(), x)
	if err != nil && public(err).Kind == oncall.Conflict && !wantsJSON(r) {
		return a.drawSigned(w, r, s, l, http.StatusConflict, said(s.lang, public(err)))
	}
	if err != nil {
		return err
	}
	n := s.told(x, inc, began)
	if wantsJSON(r) {
		page, err := a.signedPage(r.Context(), s, l, r.PathValue("token"))
		if err != nil {
			return err
		}
		return sendJSON(w, r, http.StatusOK, signedState(page, strings.TrimPrefix(n.Key, "flash."), s.t(n.Key, n.Places...)))
	}
	s.say(w, n)
	return s.redirect(w, r, link.Path(r.PathValue("token")))
}

// signedWire is the state of an incident for a script that has its link, such as
// the worker behind a notification.
type signedWire struct {
	Number  int64     `json:"number"`
	Title   string    `json:"title"`
	Service string    `json:"service"`
	State   string    `json:"state"`
	Urgency string    `json:"urgency"`
	Since   time.Time `json:"since"`
	Holder  string    `json:"holder,omitempty"`
	Mine    bool      `json:"mine"`
	Done    string    `json:"done,omitempty"` // "acknowledge", "taken", "late", "escalate"
	Text    string    `json:"text,omitempty"` // the same in words
}

func signedState(p view.SignedPage, done, text string) signedWire {
	return signedWire{
		Number: p.Row.Number, Title: p.Row.Title, Service: p.Row.Service, State: string(p.Row.State), Urgency: string(p.Row.Urgency),
		Since: p.Row.Since, Holder: p.Row.Holder, Mine: p.Mine, Done: done, Text: text,
	}
}

func sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return send(w, r, status, append(body, '\n'))
}
