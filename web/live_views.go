package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/web/live"
	"toban/web/view"
)

const livePath = "/live"

// liveList is where the stream of a list is; a further page has only its counts
// live, because what is new does not belong there.
func liveList(l listQuery, at int64) string {
	q := l.values()
	q.Set("view", "list")
	if l.cursor != "" {
		q = url.Values{"view": {"counts"}}
	}
	q.Set("after", strconv.FormatInt(at, 10))
	return livePath + "?" + q.Encode()
}

// liveIncident is where the stream of one incident is.
func liveIncident(inc *oncall.Incident, at int64) string {
	q := url.Values{"view": {"incident"}, "ref": {string(inc.ID)}, "after": {strconv.FormatInt(at, 10)}}
	return livePath + "?" + q.Encode()
}

// liveCounts is where the stream of the counts alone is, for every other page.
func (s *request) liveCounts() string {
	return livePath + "?view=counts&after=" + strconv.FormatInt(s.at, 10)
}

// live is the stream of a page.
func (a *Web) live(w http.ResponseWriter, r *http.Request, s *request) error {
	q := r.URL.Query()
	v := live.View{Account: s.who.Account, Session: s.who.Session, Holds: a.holds(r, s.who)}
	switch q.Get("view") {
	case "list":
		a.listView(&v, s, readList(q))
	case "incident":
		if err := a.incidentView(r.Context(), &v, s, q.Get("ref")); err != nil {
			return err
		}
	case "oncall", "welcome", "service":
		a.manageView(&v, s, q)
	case "monitors", "monitor":
		if err := a.monitorView(&v, s, q); err != nil {
			return err
		}
	case "schedules", "schedule":
		a.scheduleView(&v, s, q)
	default:
		v.Key, v.Topics = s.viewKey("counts"), concernsIncidents
		v.Render = func(ctx context.Context, _ []store.Change) ([]live.Patch, error) {
			s, err := s.again(ctx)
			if err != nil {
				return nil, err
			}
			return patches(ctx, s.countParts()...)
		}
	}
	a.Hub.Serve(w, r, v)
	return nil
}

// holds is whether a session is still what it was when its stream began: it may
// have been ended elsewhere, or its account has another role. What can't be found
// out at this moment changes nothing.
func (a *Web) holds(r *http.Request, was access.Principal) func(context.Context) bool {
	secret := cookie(r, a.cookie())
	return func(ctx context.Context) bool {
		is, err := a.Access.Session(ctx, secret)
		if err != nil {
			return !isUnauthenticated(err)
		}
		return is.Role == was.Role && is.User == was.User
	}
}

// viewKey names what is the same for all who look at it: what is drawn depends
// on nothing else.
func (s *request) viewKey(parts ...string) string {
	zone := s.zone.String()
	return strings.Join(append([]string{string(s.who.User), string(s.who.Role), s.lang, zone, s.base}, parts...), "|")
}

func concernsIncidents(c store.Change) bool {
	return c.Topic == store.TopicIncident || c.Topic == store.TopicIncidents || c.Topic == store.TopicDirectory
}

// countParts are the counts of the shell.
func (s *request) countParts() []templ.Component {
	p := s.shell("", "")
	return []templ.Component{view.CountBadge(p, "counts"), view.CountBadge(p, "counts-foot")}
}

// patches draws elements.
func patches(ctx context.Context, parts ...templ.Component) ([]live.Patch, error) {
	var b bytes.Buffer
	for _, part := range parts {
		if err := part.Render(ctx, &b); err != nil {
			return nil, err
		}
	}
	return []live.Patch{{HTML: b.String()}}, nil
}

// ---- the list

// rowsAtOnce is how many changed rows are sent one by one; more is the list.
const rowsAtOnce = 25

func (a *Web) listView(v *live.View, s *request, q listQuery) {
	q.cursor = ""
	v.Key = s.viewKey("list", q.path())
	v.Topics = concernsIncidents
	v.Next = func(ctx context.Context, behind time.Time) time.Time { // with the day, "resolved today" changes
		return a.nextOfSchedule(ctx, "", s.zone, behind)
	}
	v.Render = func(ctx context.Context, changes []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		var ids []oncall.IncidentID
		whole := q.text != "" // what a text finds, the store alone says
		for _, c := range changes {
			if id := oncall.IncidentID(c.Ref); c.Topic != store.TopicIncident {
				whole = true
			} else if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if whole || len(ids) > rowsAtOnce {
			return a.wholeList(ctx, s, q)
		}
		return a.changedRows(ctx, s, q, ids)
	}
}

// wholeList draws the list anew.
func (a *Web) wholeList(ctx context.Context, s *request, q listQuery) ([]live.Patch, error) {
	found, err := a.readIncidents(ctx, s, q)
	if err != nil {
		return nil, err
	}
	p, page := s.shell("", ""), a.listPage(s, q, found)
	p.Duty = s.duty()
	return patches(ctx, append(s.countParts(), view.DutyStrip(p), view.IncidentSegments(p, page), view.IncidentList(p, page))...)
}

// changedRows draws the rows that have changed, and takes away those that the
// list no longer has.
func (a *Web) changedRows(ctx context.Context, s *request, q listQuery, ids []oncall.IncidentID) (out []live.Patch, err error) {
	var found map[oncall.IncidentID]*oncall.Incident
	var responses map[oncall.IncidentID]*store.ResponseRow
	var steps nextSteps
	var none incidentList
	err = a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if found, err = tx.IncidentsUnlocked(ctx, ids); err != nil {
			return err
		}
		if none.last, none.week, err = readLately(ctx, tx, s, q); err != nil {
			return err
		}
		if responses, err = tx.Responses(ctx, ids); err != nil {
			return err
		}
		steps, err = a.nextSteps(ctx, tx, s, ids, responses)
		return err
	})
	if err != nil {
		return nil, err
	}
	p := s.shell("", "")
	page := a.listPage(s, q, &none)
	parts := append(s.countParts(), view.IncidentSegments(p, page), view.IncidentsNone(p, page))
	for _, id := range ids {
		inc := found[id]
		if inc == nil {
			continue
		}
		group := s.groupOf(q, inc, responses[id])
		if group == "" {
			out = append(out, live.Remove("inc-"+string(id)))
			continue
		}
		parts = append(parts, view.IncidentLine(p, s.row(p, inc, responses[id], steps, group, q.path())))
	}
	drawn, err := patches(ctx, parts...)
	return append(out, drawn...), err
}

// nextHandover is when somebody else is on duty next, behind a time. What can't be
// read at this moment is asked for again before long.
func (a *Web) nextHandover(ctx context.Context, behind time.Time) (at time.Time) {
	err := a.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err == nil {
			at = dir.NextHandover(behind)
		}
		return err
	})
	if err != nil {
		a.Log.WarnContext(ctx, "the next hand-over is not known", "err", err)
	}
	return at
}

// groupOf is the group of a list that an incident belongs to; "" for none.
func (s *request) groupOf(q listQuery, inc *oncall.Incident, row *store.ResponseRow) string {
	switch {
	case q.service != "" && q.service != string(inc.Service),
		q.urgency != "" && q.urgency != string(inc.Urgency),
		q.state != "" && q.state != string(inc.State):
		return ""
	case q.show == showAll:
		return showAll
	case inc.State == oncall.Resolved:
		if q.show == showOpen && q.state == "" && !inc.ResolvedAt.Before(midnight(s.now, s.zone)) {
			return string(oncall.Resolved)
		}
		return ""
	case q.show == showMine && !inc.Concerns(responseOf(row), s.who.User):
		return ""
	}
	return string(inc.State)
}

// ---- one incident

func (a *Web) incidentView(ctx context.Context, v *live.View, s *request, ref string) error {
	id, err := a.Life.Find(ctx, ref)
	if err != nil {
		return err
	}
	v.Key = s.viewKey("incident", string(id))
	v.Topics = func(c store.Change) bool {
		return c.Topic == store.TopicIncident && c.Ref == string(id) || c.Topic == store.TopicIncidents || c.Topic == store.TopicDirectory
	}
	v.Render = func(ctx context.Context, _ []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		facts, err := a.readIncident(ctx, s, string(id), 0)
		if err != nil {
			return nil, err
		}
		p := s.shell("", "")
		page := s.incidentPage(p, facts)
		parts := append(s.countParts(),
			view.IncidentHead(p, page), view.IncidentActions(p, page), view.IncidentNext(p, page), view.IncidentSummary(p, page),
			view.IncidentLines(p, page), view.IncidentReached(p, page), view.IncidentAlerts(p, page))
		if facts.inc.State == oncall.Resolved { // what was chosen in its forms stays while it is open
			parts = append(parts, view.IncidentHands(p, page))
		}
		return patches(ctx, parts...)
	}
	return nil
}

// ---- one incident by its signed link

func (a *Web) signedView(w http.ResponseWriter, r *http.Request, s *request) error {
	l, err := a.readLink(r, s)
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	v := live.View{
		Key: s.viewKey("signed", token), Account: "link/" + string(l.Incident), Until: l.Expires,
		Topics: func(c store.Change) bool { return c.Ref == string(l.Incident) || c.Topic == store.TopicIncidents },
	}
	v.Render = func(ctx context.Context, _ []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		page, err := a.signedPage(ctx, s, l, token)
		if err != nil {
			return nil, err
		}
		return patches(ctx, view.SignedIncident(s.shell("", ""), page))
	}
	a.Hub.Serve(w, r, v)
	return nil
}
