package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// auditPage is who changed what, the latest first.
func (a *Web) auditPage(w http.ResponseWriter, r *http.Request, s *request) error {
	const most = 50
	f := store.AuditFilter{Kind: query(r, "kind"), Name: query(r, "name"), Actor: query(r, "actor"), Before: query(r, "before"), Limit: most + 1}
	var list []store.AuditEntry
	err := a.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Audit(r.Context(), f)
		return err
	})
	if err != nil {
		return err
	}
	page := view.AuditPage{Kind: f.Kind, Actor: f.Actor, Object: f.Name, Kinds: s.kinds(f.Kind)}
	if len(list) > most {
		list = list[:most]
		q := url.Values{"before": {list[most-1].ID}}
		for name, value := range map[string]string{"kind": f.Kind, "name": f.Name, "actor": f.Actor} {
			if value != "" {
				q.Set(name, value)
			}
		}
		page.Next = "/settings/audit?" + q.Encode()
	}
	for i := range list {
		page.Rows = append(page.Rows, s.auditRow(&list[i]))
	}
	return s.draw(w, r, http.StatusOK, view.AuditList(s.managed(s.t("settings.audit"), "settings"), page))
}

// readable is a value of a change, moments by the reader's clock.
func (s *request) readable(value string) string {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return value
	}
	t = t.In(s.zone)
	return view.Date(s.lang, t, true) + " " + t.Format(time.TimeOnly)
}

func (s *request) auditRow(e *store.AuditEntry) view.AuditRow {
	p := i18n.In(s.lang)
	row := view.AuditRow{
		ID: e.ID, At: e.At, Actor: s.names().Actor(p, e.Actor), Via: p.Or(e.Via, "via."+e.Via), Action: view.ActionWords(s.lang, e.Kind, e.Action),
		Name: e.Name, Lines: view.Diff(string(e.Before), string(e.After)),
	}
	for i := range row.Lines {
		line := &row.Lines[i]
		line.Before, line.After = s.readable(line.Before), s.readable(line.After)
	}
	switch e.Kind {
	case store.ObjectPolicy:
		row.Path = view.PolicyPath(oncall.PolicyID(e.Name))
	case store.ObjectSchedule:
		row.Path = view.SchedulePath(oncall.ScheduleID(e.Name))
	case store.ObjectService:
		row.Path = view.ServicePath(oncall.ServiceID(e.Name))
	case store.ObjectOverride:
		var o oncall.Override
		if err := json.Unmarshal([]byte(cmp.Or(string(e.After), string(e.Before), "{}")), &o); err == nil && o.Schedule != "" {
			row.Name = string(o.Schedule) + " · " + s.names().User(p, o.User)
			row.Path = view.SchedulePath(o.Schedule)
		}
	}
	return row
}

// kinds are what can be changed, and one that was asked for beside them.
func (s *request) kinds(asked string) []view.Option {
	all := []view.Option{{Value: "", Label: s.t("audit.kind.all")}}
	known := asked == ""
	for _, kind := range []string{"account", "session", "token", store.ObjectOverride, "integration_key", "configuration"} {
		all = append(all, view.Option{Value: kind, Label: s.t("audit.kind." + kind)})
		known = known || kind == asked
	}
	if !known {
		all = append(all, view.Option{Value: asked, Label: asked})
	}
	return all
}
