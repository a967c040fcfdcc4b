package web

import (
	"context"
	"net/http"
	"net/url"
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

// listQuery is what the address of a list asks for.
type listQuery struct {
	show                          string
	service, urgency, state, text string
	cursor                        string
}

func readList(q url.Values) listQuery {
	l := listQuery{
		show: q.Get("show"), service: clip(q.Get("service")), urgency: q.Get("urgency"), state: q.Get("state"),
		text: clip(q.Get("q")), cursor: clip(q.Get("cursor")),
	}
	if l.show != showMine && l.show != showAll {
		l.show = showOpen
	}
	if l.urgency != string(oncall.High) && l.urgency != string(oncall.Low) {
		l.urgency = ""
	}
	switch oncall.State(l.state) {
	case oncall.Triggered, oncall.Acknowledged:
	case oncall.Resolved:
		if l.show != showAll {
			l.state = ""
		}
	default:
		l.state = ""
	}
	return l
}

// values is the query that asks for the same.
func (l listQuery) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"service": l.service, "urgency": l.urgency, "state": l.state, "q": l.text, "cursor": l.cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if l.show != showOpen {
		q.Set("show", l.show)
	}
	return q
}

func (l listQuery) path() string {
	if q := l.values().Encode(); q != "" {
		return "/?" + q
	}
	return "/"
}

func (l listQuery) showing(show string) string {
	l.show, l.cursor = show, ""
	if show != showAll && l.state == string(oncall.Resolved) {
		l.state = ""
	}
	return l.path()
}

func (l listQuery) narrow() bool { return l.service+l.urgency+l.state+l.text != "" }

// incidentList is what the store says about a list.
type incidentList struct {
	groups    map[string][]oncall.Incident
	order     []string
	responses map[oncall.IncidentID]*store.ResponseRow
	counts    store.OpenCount
	mine      int
	next      string // cursor
	searched  time.Time
	last      time.Time
}

// list is the first page of everybody: what is open, and who has it.
func (a *Web) list(w http.ResponseWriter, r *http.Request, s *request) error {
	q := readList(r.URL.Query())
	at := a.Hub.Position()
	found, err := a.readIncidents(r.Context(), s, q)
	if err != nil {
		return err
	}
	p := s.shell(s.t("incidents.title"), "incidents")
	p.Duty = s.duty()
	p.Live = liveList(q, at)
	return s.draw(w, r, http.StatusOK, view.Incidents(p, a.listPage(s, q, found)))
}

// readIncidents reads a list with the responses of what is in it.
func (a *Web) readIncidents(ctx context.Context, s *request, q listQuery) (l *incidentList, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		l = &incidentList{groups: map[string][]oncall.Incident{}}
		if l.counts, err = tx.CountOpen(ctx, s.who.User); err != nil {
			return err
		}
		switch {
		case q.show == showAll:
			err = l.readAll(ctx, tx, q)
		case q.show == showMine:
			err = l.readMine(ctx, tx, q, s.who.User)
		default:
			err = l.readOpen(ctx, tx, q, s)
		}
		if err != nil {
			return err
		}
		newest, err := tx.ListIncidents(ctx, store.IncidentFilter{Limit: 1})
		if err != nil {
			return err
		}
		if len(newest) > 0 {
			l.last = newest[0].TriggeredAt
		}
		if l.responses != nil {
			return nil
		}
		l.responses, err = tx.Responses(ctx, l.open())
		return err
	})
	return l, err
}

// open are the incidents whose response is shown.
func (l *incidentList) open() (ids []oncall.IncidentID) {
	for _, group := range l.groups {
		for i := range group {
			if group[i].State != oncall.Resolved {
				ids = append(ids, group[i].ID)
			}
		}
	}
	return ids
}

func (q listQuery) search() store.IncidentSearch {
	return store.IncidentSearch{Service: oncall.ServiceID(q.service), Urgency: oncall.Urgency(q.urgency), Text: strings.TrimPrefix(q.text, "#"), Limit: perPage}
}

// readAll is everything, the newest first. A number finds its incident.
func (l *incidentList) readAll(ctx context.Context, tx *store.Tx, q listQuery) error {
	l.order = []string{showAll}
	search := q.search()
	if q.state != "" {
		search.States = []oncall.State{oncall.State(q.state)}
	}
	_, before, beforeID, err := readCursor(q.cursor)
	if err != nil {
		return err
	}
	search.Before, search.BeforeID = before, beforeID
	if n, err := strconv.ParseInt(search.Text, 10, 64); err == nil && n > 0 && q.cursor == "" {
		switch inc, err := tx.IncidentByNumber(ctx, n); {
		case err == nil:
			l.groups[showAll] = []oncall.Incident{*inc}
			return nil
		case public(err).Kind != oncall.NotFound:
			return err
		}
	}
	found, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.groups[showAll] = found.Incidents
	l.follow(found, "")
	if found.More && len(found.Incidents) < search.Limit {
		l.searched = found.Last
	}
	return nil
}

// readOpen is what is open: first what nobody has, then what somebody has, and
// on the first page what was resolved today.
func (l *incidentList) readOpen(ctx context.Context, tx *store.Tx, q listQuery, s *request) error {
	l.order = []string{string(oncall.Triggered), string(oncall.Acknowledged)}
	group, before, beforeID, err := readCursor(q.cursor)
	if err != nil {
		return err
	}
	if err := l.readOpenGroups(ctx, tx, q, group, before, beforeID); err != nil {
		return err
	}
	if q.cursor != "" || q.state != "" {
		return nil
	}
	search := q.search()
	search.States, search.Limit = []oncall.State{oncall.Resolved}, resolvedToday
	search.ResolvedSince = midnight(s.now, s.zone)
	found, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.order = append(l.order, string(oncall.Resolved))
	l.groups[string(oncall.Resolved)] = found.Incidents
	return nil
}

func (l *incidentList) readOpenGroups(ctx context.Context, tx *store.Tx, q listQuery, group string, before time.Time, beforeID oncall.IncidentID) error {
	left := perPage
	for _, state := range []oncall.State{oncall.Triggered, oncall.Acknowledged} {
		if q.state != "" && q.state != string(state) || group == string(oncall.Acknowledged) && state == oncall.Triggered {
			continue
		}
		search := q.search()
		search.States, search.Limit = []oncall.State{state}, left
		if group == string(state) {
			search.Before, search.BeforeID = before, beforeID
		}
		found, err := tx.SearchIncidents(ctx, search)
		if err != nil {
			return err
		}
		l.groups[string(state)] = found.Incidents
		if left -= len(found.Incidents); found.More {
			l.follow(found, string(state))
			return nil
		}
		if left <= 0 {
			if state == oncall.Triggered && q.state == "" {
				l.next = string(oncall.Acknowledged) // from its beginning
			}
			return nil
		}
	}
	return nil
}

// readMine is what a user has, and what a user is being asked about.
func (l *incidentList) readMine(ctx context.Context, tx *store.Tx, q listQuery, user oncall.UserID) error {
	l.order = []string{string(oncall.Triggered), string(oncall.Acknowledged)}
	if user == "" {
		return nil
	}
	search := q.search()
	search.States, search.Limit = []oncall.State{oncall.Triggered}, mineOf
	asked, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	search.States, search.Holder, search.Limit = []oncall.State{oncall.Acknowledged}, user, 2*perPage
	held, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.groups[string(oncall.Triggered)], l.groups[string(oncall.Acknowledged)] = asked.Incidents, held.Incidents
	if l.responses, err = tx.Responses(ctx, l.open()); err != nil {
		return err
	}
	l.groups[string(oncall.Triggered)] = slices.DeleteFunc(asked.Incidents, func(inc oncall.Incident) bool {
		row := l.responses[inc.ID]
		return row == nil || !asks(&row.Response, user)
	})
	if q.state != "" {
		for _, name := range l.order {
			if name != q.state {
				delete(l.groups, name)
			}
		}
	}
	return nil
}

// asks reports whether a response has asked a user, and still may.
func asks(r *oncall.Response, user oncall.UserID) bool {
	if slices.Contains(r.Paged, user) || slices.Contains(r.First, user) {
		return true
	}
	return slices.ContainsFunc(r.Pages, func(p oncall.Page) bool { return p.User == user })
}

// follow keeps where the next page begins.
func (l *incidentList) follow(found *store.Found, group string) {
	if !found.More {
		return
	}
	l.next = strconv.FormatInt(found.Last.UnixMilli(), 10) + "." + string(found.LastID)
	if group != "" {
		l.next = group + "." + l.next
	}
}

var errCursor = &oncall.Error{Kind: oncall.Invalid, Code: "request.cursor", Message: "the cursor is none that this list has given", Field: "/cursor"}

// readCursor reads "[state.]<milliseconds>.<id>", or a state alone for its
// beginning.
func readCursor(cursor string) (group string, before time.Time, id oncall.IncidentID, err error) {
	if cursor == "" {
		return "", time.Time{}, "", nil
	}
	head, rest, _ := strings.Cut(cursor, ".")
	if head == string(oncall.Triggered) || head == string(oncall.Acknowledged) {
		group = head
		if rest == "" {
			return group, time.Time{}, "", nil
		}
		head, rest, _ = strings.Cut(rest, ".")
	}
	ms, err := strconv.ParseInt(head, 10, 64)
	if err != nil || rest == "" {
		return "", time.Time{}, "", errCursor
	}
	return group, time.UnixMilli(ms), oncall.IncidentID(rest), nil
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
		Segment: q.show, Searched: l.searched, Last: l.last, Services: len(s.dir.Services), Back: q.path(),
		Filter: view.IncidentFilter{Service: q.service, Urgency: q.urgency, State: q.state, Text: q.text, Services: serviceOptions(s.dir)},
	}
	page.Segments = s.segments(q, l.counts)
	for _, name := range l.order {
		group := view.IncidentGroup{ID: name}
		for i := range l.groups[name] {
			inc := &l.groups[name][i]
			group.Rows = append(group.Rows, s.row(p, inc, l.responses[inc.ID], name, page.Back))
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
func (s *request) segments(q listQuery, counts store.OpenCount) []view.Tab {
	return []view.Tab{
		{Label: s.t("incidents.show.mine"), Path: q.showing(showMine), Count: counts.Held, Active: q.show == showMine},
		{Label: s.t("incidents.show.open"), Path: q.showing(showOpen), Count: counts.Triggered + counts.Acknowledged, Active: q.show == showOpen},
		{Label: s.t("incidents.show.all"), Path: q.showing(showAll), Active: q.show == showAll},
	}
}

// row is one incident of a list.
func (s *request) row(p view.Shell, inc *oncall.Incident, response *store.ResponseRow, group, back string) view.IncidentRow {
	names := s.names()
	row := view.IncidentRow{
		ID: inc.ID, Number: inc.Number, Title: inc.Title, Service: names.Service(inc.Service), State: inc.State, Severity: inc.Severity,
		Urgency: inc.Urgency, Since: inc.TriggeredAt, Count: inc.Count, Group: group, Back: back,
	}
	var r *oncall.Response
	if response != nil {
		r = &response.Response
	}
	row.Doing = view.DoingOf(p, names, inc, r)
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
	p.Services = serviceOptions(s.dir)
	return s.draw(w, r, status, view.CreateIncident(s.shell(s.t("create.title"), "incidents"), p))
}

func (a *Web) createIncident(w http.ResponseWriter, r *http.Request, s *request) error {
	f := r.PostForm
	p := view.CreatePage{Service: clip(f.Get("service")), Title: clip(f.Get("title")), Severity: f.Get("severity"), Key: clip(f.Get("key"))}
	inc, err := a.Life.Create(r.Context(), incident.ByHand{
		Service: oncall.ServiceID(p.Service), Title: p.Title, Severity: oncall.Severity(p.Severity), Key: p.Key, By: s.actor(), Via: viaWeb,
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
