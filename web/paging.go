package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"toban/access"
	"toban/i18n"
	"toban/incident"
	"toban/internal/id"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// mostAbout is how many open incidents can be chosen from when somebody is paged.
const mostAbout = 50

// pagingForm asks whom to page, about what. Looking at it pages nobody.
func (a *Web) pagingForm(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawPaging(w, r, s, http.StatusOK, view.Paging{
		User: query(r, "user"), Incident: query(r, "incident"), Service: query(r, "service"), Key: id.New("form"),
	})
}

func (a *Web) drawPaging(w http.ResponseWriter, r *http.Request, s *request, status int, v view.Paging) error {
	var open []oncall.Incident
	err := a.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		open, err = tx.ListIncidents(r.Context(), store.IncidentFilter{States: isOpen(), Limit: mostAbout})
		return err
	})
	if err != nil {
		return err
	}
	names := s.names()
	for i := range open {
		inc := &open[i]
		number := strconv.FormatInt(inc.Number, 10)
		v.Incidents = append(v.Incidents, view.Option{Value: number, Label: "#" + number + " " + view.Short(i18n.In(s.lang).Title(inc.Title), 60) + " · " + names.Service(inc.Service)})
	}
	v.People, v.Services = people(s), serviceOptions(s.dir)
	if v.Service == "" {
		for _, svc := range s.dir.Services {
			if svc.CatchAll {
				v.Service = string(svc.ID)
			}
		}
	}
	if s.who.User == "" && s.who.Role.Includes(access.Manager) {
		v.Voices = people(s)
	}
	return s.draw(w, r, status, view.PagingPage(s.managed(s.t("paging.title"), "oncall"), v))
}

var errReason = &oncall.Error{Kind: oncall.Invalid, Code: "incident.title", Field: "/title", Message: "say in a few words what it is about"}

// pageSomebody pages one person by hand (R17).
func (a *Web) pageSomebody(w http.ResponseWriter, r *http.Request, s *request) error {
	v := view.Paging{
		User: form(r, "user"), Incident: form(r, "incident"), Service: form(r, "service"), Reason: form(r, "reason"),
		Voice: form(r, "who"), Key: form(r, "key"),
	}
	by, err := s.who.Actor(s.dir, oncall.UserID(v.Voice))
	if err == nil && v.Reason == "" {
		err = errReason
	}
	var inc *oncall.Incident
	switch {
	case err != nil:
	case v.Incident != "":
		inc, err = a.callForHelp(r.Context(), v, by)
	default:
		inc, err = a.Life.Create(r.Context(), incident.ByHand{
			Service: oncall.ServiceID(v.Service), Title: v.Reason, Severity: oncall.Critical, Urgency: oncall.High,
			First: oncall.UserID(v.User), Key: v.Key, By: by, Via: viaWeb,
		})
	}
	if wrong := s.wrongPaging(err); wrong != nil {
		v.Wrong = wrong
		return a.drawPaging(w, r, s, http.StatusBadRequest, v)
	}
	if err != nil {
		return err
	}
	key := "flash.paged"
	if v.Incident != "" {
		key = "flash.responders"
	}
	user := s.names().User(i18n.In(s.lang), oncall.UserID(v.User))
	s.say(w, note{Kind: "ok", Key: key, Places: []string{"number", strconv.FormatInt(inc.Number, 10), "user", user}})
	return s.redirect(w, r, incidentPath(inc))
}

// callForHelp pages somebody for an incident that is open, and writes the reason
// onto its timeline.
func (a *Web) callForHelp(ctx context.Context, v view.Paging, by oncall.UserID) (*oncall.Incident, error) {
	ref, err := a.Life.Find(ctx, v.Incident)
	if err != nil {
		return nil, err
	}
	if _, err := a.Life.AddResponder(ctx, ref, []oncall.UserID{oncall.UserID(v.User)}, by, viaWeb); err != nil {
		return nil, err
	}
	return a.Life.Note(ctx, ref, v.Reason, by, viaWeb)
}

// wrongPaging says at which field of the form an error belongs; nil for one that
// belongs to none.
func (s *request) wrongPaging(err error) map[string]string {
	if err == nil {
		return nil
	}
	e := public(err)
	field, _, _ := strings.Cut(strings.TrimPrefix(e.Field, "/"), "/")
	switch {
	case e.Kind == oncall.Conflict || e.Kind == oncall.NotFound:
		field = "incident" // it is over by now, or never was
	case e.Kind != oncall.Invalid:
		return nil
	}
	names := map[string]string{"title": "reason", "text": "reason", "users": "user", "user": "user", "service": "service", "by": "who", "incident": "incident"}
	if field = names[field]; field == "" {
		return nil
	}
	return map[string]string{field: said(s.lang, e)}
}
