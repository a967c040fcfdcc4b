package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"toban/access"
	"toban/config"
	"toban/detect/standing"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// How much of a monitor's past a page has.
const (
	monitorIncidents = 10
	monitorPings     = 30
)

// quickBody is a monitor of one field, with the defaults of everything else.
func quickBody(kind oncall.MonitorKind, target string, private bool) ([]byte, error) {
	body := map[string]any{string(kind): target}
	if private {
		body["private"] = true
	}
	return json.Marshal(body)
}

// monitorPage is one monitor.
func (a *Web) monitorPage(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawMonitor(w, r, s, nil)
}

// drawMonitor draws a monitor, with a check by hand that was made just now.
func (a *Web) drawMonitor(w http.ResponseWriter, r *http.Request, s *request, checked *view.MonitorCheck) error {
	if a.Monitors == nil {
		return errNoPage
	}
	id := oncall.MonitorID(r.PathValue("id"))
	stream := []string{"view", "monitor", "ref", string(id)}
	if span := query(r, "latency"); span != "" {
		stream = append(stream, "latency", span)
	}
	p := s.managed("", "monitors", stream...)
	page, err := a.readMonitor(r.Context(), s, p, id)
	if err != nil {
		return err
	}
	p.Title = s.t("monitor.title", "name", page.Row.Name)
	if page.Checked = checked; checked != nil {
		checked.Elsewhere = view.Elsewhere(page.Of)
	}
	if page.Latency, err = a.latencyOf(r, p, page.Of, page.Row.Watched); err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.MonitorPage(p, page))
}

// readMonitor is a monitor with all that its page says.
func (a *Web) readMonitor(ctx context.Context, s *request, p view.Shell, id oncall.MonitorID) (page view.Monitor, err error) {
	var f view.MonitorFacts
	if f.Standing, err = a.standingOf(ctx, id); err != nil {
		return page, err
	}
	m := f.Standing.Monitor
	past, err := a.Monitors.Histories(ctx, []oncall.MonitorID{id}, s.now, s.calendar())
	if err != nil {
		return page, err
	}
	f.Past = past[id]
	if m.Kind.Probes() {
		if f.Failures, err = a.Monitors.Failures(ctx, id); err != nil {
			return page, err
		}
	}
	if f.Incidents, err = a.Monitors.Incidents(ctx, s.dir, m, monitorIncidents); err != nil {
		return page, err
	}
	manages := s.who.Role.Includes(access.Manager)
	if m.Kind == oncall.MonitorHeartbeat {
		if f.Pings, err = a.Monitors.Pings(ctx, id, 0, monitorPings); err != nil {
			return page, err
		}
		if manages { // who knows the address can say that the job has run
			f.URL, f.Slug = a.pingURLs(m)
		}
	}
	from, err := a.originsOf(ctx, store.ObjectMonitor)
	if err != nil {
		return page, err
	}
	f.Origin, f.Service = from[string(id)], s.serviceFor(m)
	written := *m
	if !manages { // the target may have a token in its query
		written.Written = m.ShownWritten()
	}
	if f.YAML, err = config.MonitorYAML(&written); err != nil {
		return page, err
	}
	page = view.MonitorOf(p, s.dir, f)
	page.MayCheck = s.who.Role.Includes(access.Responder)
	page.MayEdit = manages && f.Origin.File == ""
	return page, nil
}

// standingOf is how a monitor stands; one that was made just now is known to the
// store before it is watched.
func (a *Web) standingOf(ctx context.Context, id oncall.MonitorID) (standing.Standing, error) {
	of, err := a.Monitors.One(ctx, id)
	var e *oncall.Error
	if errors.As(err, &e) && e.Kind == oncall.NotFound {
		if a.Monitors.Follow(ctx) == nil {
			return a.Monitors.One(ctx, id)
		}
	}
	return of, err
}

// pingURLs are the whole addresses of a heartbeat.
func (a *Web) pingURLs(m *oncall.Monitor) (address, bySlug string) {
	base := strings.TrimRight(a.External(), "/")
	path, slug := a.Monitors.Address(m)
	if path != "" {
		address = base + path
	}
	if slug != "" {
		bySlug = base + slug
	}
	return address, bySlug
}

// checkMonitor asks the target now; the answer is the page with what came back.
func (a *Web) checkMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	res, err := a.Monitors.Check(r.Context(), oncall.MonitorID(r.PathValue("id")))
	if e := public(err); err != nil && (e.Kind == oncall.Invalid || e.Kind == oncall.Limited) {
		return a.drawMonitor(w, r, s, &view.MonitorCheck{At: s.now, Failed: said(s.lang, e)})
	} else if err != nil {
		return err
	}
	s.now = now()
	return a.drawMonitor(w, r, s, view.CheckOf(s.shell("", ""), res))
}

// monitorNamed is a monitor of the configuration.
func (a *Web) monitorNamed(ctx context.Context, id oncall.MonitorID) (*oncall.Monitor, error) {
	if a.Monitors == nil {
		return nil, errNoPage
	}
	of, err := a.standingOf(ctx, id)
	return of.Monitor, err
}

// pauseMonitor stops asking.
func (a *Web) pauseMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.setPaused(w, r, s, true)
}

// resumeMonitor asks again.
func (a *Web) resumeMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.setPaused(w, r, s, false)
}

func (a *Web) setPaused(w http.ResponseWriter, r *http.Request, s *request, paused bool) error {
	m, err := a.monitorNamed(r.Context(), oncall.MonitorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	body, err := pausedBody(m, paused)
	if err != nil {
		return err
	}
	if _, err := a.Edit.PutMonitor(r.Context(), string(m.ID), body); err != nil {
		return err
	}
	key := "flash.monitor.resumed"
	if paused {
		key = "flash.monitor.paused"
	}
	return a.changed(w, r, s, note{Kind: "ok", Key: key, Places: []string{"name", m.Name}}, view.MonitorPath(m.ID))
}

// pausedBody is a monitor as it is written, paused or not.
func pausedBody(m *oncall.Monitor, paused bool) ([]byte, error) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(m.Written), &body); err != nil {
		return nil, err
	}
	delete(body, "paused")
	if paused {
		body["paused"] = json.RawMessage("true")
	}
	return json.Marshal(body)
}

// deleteMonitor removes a monitor; its open alerts end.
func (a *Web) deleteMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	was, err := a.Edit.DeleteMonitor(r.Context(), oncall.MonitorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.changed(w, r, s, note{Kind: "ok", Key: "flash.monitor.deleted", Places: []string{"name", was.Name}}, "/monitors")
}

// changed says what was done, once it is watched so.
func (a *Web) changed(w http.ResponseWriter, r *http.Request, s *request, n note, path string) error {
	if err := a.Monitors.Follow(r.Context()); err != nil {
		a.Log.WarnContext(r.Context(), "a changed monitor is watched a moment later", "err", err)
	}
	s.say(w, n)
	return s.redirect(w, r, path)
}

// monitorTick is how often a page of monitors is drawn again by itself.
const monitorTick = 5 * time.Second
