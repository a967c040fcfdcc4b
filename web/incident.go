package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"toban/access"
	"toban/detect/saying"
	"toban/i18n"
	"toban/incident"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// incidentRoutes are the list, one incident, and what can be done to them.
func (a *Web) incidentRoutes() []route {
	return []route{
		{http.MethodGet, "/{$}", access.Viewer, a.list},
		{http.MethodGet, "/incidents", access.Viewer, func(w http.ResponseWriter, r *http.Request, s *request) error { return s.redirect(w, r, "/") }},
		{http.MethodGet, livePath, access.Viewer, a.live},
		{http.MethodGet, "/incidents/new", access.Responder, a.newIncident},
		{http.MethodPost, "/incidents", access.Responder, a.createIncident},
		{http.MethodPost, "/incidents/act", access.Responder, a.actOnMany},
		{http.MethodGet, "/incidents/{ref}", access.Viewer, a.incident},
		{http.MethodPost, "/incidents/{ref}/{act}", access.Responder, a.act},
		{http.MethodPost, "/incidents/{ref}/policy", access.Manager, a.setPolicy},
	}
}

const (
	linesPerPage = 120
	mostAlerts   = 50
	mostReached  = 200
)

// incidentFacts is what the store says about one incident.
type incidentFacts struct {
	inc        *oncall.Incident
	response   *store.ResponseRow
	next       nextSteps
	entries    []oncall.Entry // the latest first
	alerts     []oncall.Alert
	deliveries []store.Delivery
	steps      []oncall.Step
	older      int64 // seq of the last line shown where there are more
}

// readIncident reads one incident by its number or id.
func (a *Web) readIncident(ctx context.Context, s *request, ref string, before int64) (*incidentFacts, error) {
	f := &incidentFacts{}
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		*f = incidentFacts{}
		if f.inc, err = incident.Lookup(ctx, tx, ref); err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, []oncall.IncidentID{f.inc.ID})
		if err != nil {
			return err
		}
		f.response = rows[f.inc.ID]
		if f.next, err = a.nextSteps(ctx, tx, s, []oncall.IncidentID{f.inc.ID}, rows); err != nil {
			return err
		}
		if f.entries, err = tx.TimelineBack(ctx, f.inc.ID, before, linesPerPage+1); err != nil {
			return err
		}
		if len(f.entries) > linesPerPage {
			f.entries = f.entries[:linesPerPage]
			f.older = f.entries[linesPerPage-1].Seq
		}
		if f.alerts, err = tx.Alerts(ctx, f.inc.ID, mostAlerts); err != nil {
			return err
		}
		f.deliveries, err = tx.DeliveriesAbout(ctx, f.inc.ID, mostReached)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.steps, err = a.foresee(ctx, s, f.inc, f.response)
	return f, err
}

// How far what happens next is looked at.
const (
	foreseePaging  = 6 * time.Hour
	foreseeWaiting = time.Hour
)

// foresee is what happens to an open incident if nobody does anything.
func (a *Web) foresee(ctx context.Context, s *request, inc *oncall.Incident, row *store.ResponseRow) ([]oncall.Step, error) {
	if inc.State == oncall.Resolved || row == nil {
		return nil, nil
	}
	until := s.now.Add(foreseePaging)
	switch r := row.Response; r.Phase {
	case oncall.Held:
		until = r.HoldEnd.Add(time.Second)
	case oncall.Unanswered:
		until = r.RemindAt.Add(time.Second)
	case oncall.WaitingForHours:
		until = r.Start.Add(foreseeWaiting)
	case oncall.Over:
		return nil, nil
	}
	return a.Respond.Forecast(ctx, inc.ID, oncall.Assumptions{From: s.now}, until)
}

func (a *Web) incident(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawIncident(w, r, s, r.PathValue("ref"), http.StatusOK, nil)
}

// drawIncident is the page; refill puts back what was typed into a form of it.
func (a *Web) drawIncident(w http.ResponseWriter, r *http.Request, s *request, ref string, status int, refill func(*view.IncidentPage)) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // what is no number is the beginning
	facts, err := a.readIncident(r.Context(), s, ref, before)
	if err != nil {
		return err
	}
	p := s.shell("#"+strconv.FormatInt(facts.inc.Number, 10)+" "+view.Short(i18n.In(s.lang).Title(facts.inc.Title), 60), "incidents")
	page := s.incidentPage(p, facts)
	if before == 0 {
		p.Live = liveIncident(facts.inc, s.at)
	}
	if refill != nil {
		refill(&page)
	}
	return s.draw(w, r, status, view.Incident(p, page))
}

// incidentPage is one incident as it is seen.
func (s *request) incidentPage(p view.Shell, f *incidentFacts) view.IncidentPage {
	names := s.names()
	page := view.IncidentPage{Row: s.row(p, f.inc, f.response, f.next, "", ""), ServiceID: f.inc.Service, Stage: f.inc.Stage, Lines: view.LinesOf(p, names, f.entries)}
	page.Doing = page.Row.Doing
	page.Next, page.NextNote = view.NextOf(p, names, f.inc, page.Doing, f.steps)
	if f.older > 0 {
		page.Older = view.With(incidentPath(f.inc), "before", strconv.FormatInt(f.older, 10))
	}
	svc := s.dir.Service(f.inc.Service)
	page.Shadow = s.dir.Settings.Shadow || svc != nil && svc.Shadow
	page.Alerts, page.Says = s.alertsOf(f.alerts), s.saysOf(f.inc, f.alerts)
	var cost int64
	page.Reached, cost = s.reached(f.deliveries)
	page.Summary = view.SummaryOf(f.inc, page.Reached, view.Money(s.lang, cost, s.dir.Settings.Spend.Currency))
	if s.known && s.who.Role.Includes(access.Responder) {
		page.Users = append([]view.Option{{Value: "", Label: s.t("hands.choose")}}, people(s)...)
		if s.who.User == "" && s.who.Role.Includes(access.Manager) {
			page.Voices = people(s)
		}
	}
	if s.known && s.who.Role.Includes(access.Manager) {
		page.Policies = []view.Option{{Value: "", Label: s.t("hands.choose")}}
		for _, id := range slices.Sorted(maps.Keys(s.dir.Policies)) {
			page.Policies = append(page.Policies, view.Option{Value: string(id), Label: cmp.Or(s.dir.Policies[id].Name, string(id))})
		}
	}
	return page
}

// mostLabels is how many labels of an alert are shown.
const mostLabels = 40

func (s *request) alertsOf(alerts []oncall.Alert) []view.AlertView {
	all := make([]view.AlertView, 0, len(alerts))
	for i := range alerts {
		x := &alerts[i]
		v := view.AlertView{
			Key: view.Short(x.Fingerprint, 120), Firing: x.State == oncall.Firing, Severity: x.Severity, Count: x.Count, First: x.StartsAt, Last: x.LastAt,
			Labels: pairs(x.Labels), Notes: pairs(x.Annotations),
		}
		if s.known && ownMonitor(x) {
			v.Monitor = oncall.MonitorID(x.Labels["monitor"])
		}
		all = append(all, v)
	}
	return all
}

// ownMonitor reports whether an alert is of one of toban's own monitors, by how
// these say it.
func ownMonitor(x *oncall.Alert) bool {
	kind := oncall.MonitorKind(x.Labels["kind"])
	return x.Labels["monitor"] != "" && (kind.Probes() || kind.Rules() || kind == oncall.MonitorHeartbeat || kind == oncall.MonitorMetric)
}

// mostSays is how much of what an alert says is shown below the title.
const mostSays = 500

// saysOf is the summary of the alert that was said last of those that fire; ""
// where that is the title. What monitors say in English is said in the reader's
// language by its reason.
func (s *request) saysOf(inc *oncall.Incident, alerts []oncall.Alert) string {
	var last *oncall.Alert
	for i := range alerts {
		if x := &alerts[i]; x.State == oncall.Firing && x.Annotations["summary"] != "" && (last == nil || x.LastAt.After(last.LastAt)) {
			last = x
		}
	}
	if last == nil {
		return ""
	}
	says := oncall.Flatten(last.Annotations["summary"])
	switch reason := last.Annotations["reason"]; {
	case says == inc.Title:
		return ""
	case reason != "" && ownMonitor(last) && s.dir.Settings.Language == i18n.English:
		says = saying.Words{Language: s.lang}.Summary(reason, says)
	}
	return view.Short(says, mostSays)
}

func pairs(m map[string]string) []view.Hidden {
	var all []view.Hidden
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(all) == mostLabels {
			break
		}
		all = append(all, view.Hidden{Name: view.Short(name, 80), Value: view.Short(m[name], 500)})
	}
	return all
}

// reached is the way of every call and message, and what they cost together.
func (s *request) reached(deliveries []store.Delivery) (all []view.Reached, micros int64) {
	p, names := i18n.In(s.lang), s.names()
	for i := range deliveries {
		d := &deliveries[i]
		v := view.Reached{Method: d.Channel, At: d.ClaimedAt, Outcome: d.Outcome, Live: d.EndedAt.IsZero()}
		if d.User != "" {
			v.Who = names.User(p, d.User)
		}
		v.Stages = s.stages(d)
		if d.CostMicros > 0 {
			v.Cost = view.Money(s.lang, d.CostMicros, s.dir.Settings.Spend.Currency)
		}
		micros += d.CostMicros
		all = append(all, v)
	}
	return all, micros
}

// stages is how far a delivery has come, in words.
func (s *request) stages(d *store.Delivery) []string {
	out := []string{s.t("reached.queued")}
	if !d.SentAt.IsZero() {
		out = append(out, s.t("reached.sent"))
	}
	switch {
	case d.State == store.DeliveryRinging:
		out = append(out, s.t("reached.ringing"))
	case d.State == store.DeliveryAnswered:
		out = append(out, s.t("reached.answered"))
	case d.State == store.DeliveryEnded && d.Outcome == oncall.Sent:
		if d.SentAt.IsZero() {
			out = append(out, s.t("reached.sent"))
		}
	case d.State == store.DeliveryEnded:
		out = append(out, i18n.In(s.lang).Or(string(d.Outcome), "outcome."+string(d.Outcome)))
	}
	if !d.CancelAt.IsZero() && d.EndedAt.IsZero() {
		out = append(out, s.t("reached.hangup"))
	}
	return out
}
