package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/incident"
	"toban/internal/id"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// The ways to look at the list.
const (
	showMine = "mine"
	showOpen = "open"
	showAll  = "all"
)

const (
	perPage       = 50
	resolvedToday = 20
	// mineOf is among how many open incidents those are looked for that a user is
	// being asked about.
	mineOf = 200
)

// list is the first page of everybody: what is open, and who has it.
func (a *Web) list(w http.ResponseWriter, r *http.Request, s *request) error {
	q := readList(r.URL.Query())
	found, err := a.readIncidents(r.Context(), s, q)
	if err != nil {
		return err
	}
	p := s.shell(s.t("incidents.title"), "incidents")
	p.Duty = s.duty()
	p.Live = liveList(q, s.at)
	return s.draw(w, r, http.StatusOK, view.Incidents(p, a.listPage(s, q, found)))
}

// midnight is when the day of now began in zone.
func midnight(now time.Time, zone *time.Location) time.Time {
	now = now.In(zone)
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
}

// listPage is a list as it is seen.
func (a *Web) listPage(s *request, q listQuery, l *incidentList) view.IncidentsPage {
	p := s.shell("", "")
	page := view.IncidentsPage{
		Segment: q.show, Searched: l.searched, Last: l.last, Week: l.week, Services: len(s.dir.Services), Back: q.path(),
		Filter: view.IncidentFilter{Service: q.service, Urgency: q.urgency, State: q.state, Text: q.text, Services: serviceOptions(s.dir)},
	}
	page.Segments = s.segments(q)
	for _, name := range l.order {
		group := view.IncidentGroup{ID: name}
		for i := range l.groups[name] {
			inc := &l.groups[name][i]
			group.Rows = append(group.Rows, s.row(p, inc, l.responses[inc.ID], l.steps, name, page.Back))
		}
		page.Groups = append(page.Groups, group)
	}
	if l.next != "" {
		q.cursor = l.next
		page.Next = q.path()
	}
	return page
}

// segments are the ways to look at the list.
func (s *request) segments(q listQuery) []view.Tab {
	return []view.Tab{
		{Label: s.t("incidents.show.mine"), Path: q.showing(showMine), Count: s.counts.Mine, Active: q.show == showMine},
		{Label: s.t("incidents.show.open"), Path: q.showing(showOpen), Count: s.counts.Triggered + s.counts.Acknowledged, Active: q.show == showOpen},
		{Label: s.t("incidents.show.all"), Path: q.showing(showAll), Active: q.show == showAll},
	}
}

// row is one incident of a list.
func (s *request) row(p view.Shell, inc *oncall.Incident, response *store.ResponseRow, next nextSteps, group, back string) view.IncidentRow {
	names := s.names()
	row := view.IncidentRow{
		ID: inc.ID, Number: inc.Number, Title: i18n.In(s.lang).Title(inc.Title), Service: names.Service(inc.Service), State: inc.State, Severity: inc.Severity,
		Urgency: inc.Urgency, Since: inc.TriggeredAt, Count: inc.Count, Group: group, Back: back,
	}
	row.Doing = view.DoingOf(p, names, inc, responseOf(response), next.of(inc.ID))
	if inc.State == oncall.Acknowledged {
		row.Holder = names.Actor(i18n.In(s.lang), string(inc.AcknowledgedBy))
		row.Mine = inc.AcknowledgedBy == s.who.User && s.who.User != ""
	}
	return row
}

func serviceOptions(dir *oncall.Directory) []view.Option {
	all := make([]view.Option, 0, len(dir.Services))
	for _, svc := range dir.Services {
		name := svc.Name
		if name == "" {
			name = string(svc.ID)
		}
		all = append(all, view.Option{Value: string(svc.ID), Label: name})
	}
	return all
}

// ---- making one

func (a *Web) newIncident(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawCreate(w, r, s, http.StatusOK, view.CreatePage{
		Service: clip(r.URL.Query().Get("service")), Severity: string(oncall.Critical), Key: id.New("form"),
	})
}

func (a *Web) drawCreate(w http.ResponseWriter, r *http.Request, s *request, status int, p view.CreatePage) error {
	p.Services, p.Calls = serviceOptions(s.dir), s.calls(p.Service)
	return s.draw(w, r, status, view.CreateIncident(s.shell(s.t("create.title"), "incidents"), p))
}

// mostCalls bounds the services of which the form of a new incident says whom
// they call.
const mostCalls = 8

// calls are whom a critical incident of each service would call now, that of the
// chosen service first.
func (s *request) calls(chosen string) (all []view.CreateCall) {
	services := slices.Clone(s.dir.Services)
	if i := slices.IndexFunc(services, func(svc *oncall.Service) bool { return string(svc.ID) == chosen }); i > 0 {
		services = slices.Insert(slices.Delete(services, i, i+1), 0, s.dir.Services[i])
	}
	for _, svc := range services[:min(len(services), mostCalls)] {
		policy := s.dir.Policies[svc.Policy]
		if policy == nil {
			continue
		}
		if first := s.rehearse(svc, policy, oncall.Critical, "", s.now, oncall.Assumptions{}).First; first != "" {
			all = append(all, view.CreateCall{Service: cmp.Or(svc.Name, string(svc.ID)), First: first})
		}
	}
	return all
}

func (a *Web) createIncident(w http.ResponseWriter, r *http.Request, s *request) error {
	f := r.PostForm
	p := view.CreatePage{Service: clip(f.Get("service")), Title: clip(f.Get("title")), Severity: f.Get("severity"), Key: clip(f.Get("key"))}
	inc, err := a.Life.Create(r.Context(), incident.ByHand{
		Service: oncall.ServiceID(p.Service), Title: p.Title, Severity: oncall.Severity(p.Severity), Key: p.Key, By: s.who.User, Via: viaWeb,
	})
	if e := public(err); err != nil && e.Kind == oncall.Invalid {
		p.Wrong = map[string]string{strings.TrimPrefix(e.Field, "/"): said(s.lang, e)}
		return a.drawCreate(w, r, s, http.StatusBadRequest, p)
	}
	if err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.created", Places: []string{"number", strconv.FormatInt(inc.Number, 10)}})
	return s.redirect(w, r, incidentPath(inc))
}

func incidentPath(inc *oncall.Incident) string {
	return "/incidents/" + strconv.FormatInt(inc.Number, 10)
}
