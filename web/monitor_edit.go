package web

import (
	"context"
	"net/http"
	"strings"

	"toban/config"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// maxMonitorText is how much of a monitor's text is taken from a form.
const maxMonitorText = 64 << 10

// codeReference is the code of a secret that may not be referred to from afar.
const codeReference = "configuration.reference"

// newMonitorPage is where a monitor is written.
func (a *Web) newMonitorPage(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	kind, text := monitorExample(oncall.MonitorKind(query(r, "kind")))
	f := view.MonitorForm{Kind: kind, YAML: text, Name: query(r, "name")}
	return s.draw(w, r, http.StatusOK, view.MonitorFormPage(s.managed(s.t("monitors.new"), "monitors"), f))
}

// saveNewMonitor makes a monitor; it takes no name that there is.
func (a *Web) saveNewMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	f := view.MonitorForm{Name: form(r, "name"), YAML: monitorText(r)}
	taken, err := a.hasMonitor(r.Context(), f.Name)
	if err != nil {
		return err
	}
	if f.Name == "" || taken {
		key := "monitor.name.empty"
		if taken {
			key = "monitor.name.taken"
		}
		f.Wrong = map[string]string{"name": s.t(key)}
		return a.drawMonitorForm(w, r, s, f)
	}
	return a.putMonitor(w, r, s, f.Name, f)
}

// editMonitorPage is where a monitor is changed.
func (a *Web) editMonitorPage(w http.ResponseWriter, r *http.Request, s *request) error {
	m, err := a.monitorNamed(r.Context(), oncall.MonitorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	text, err := config.MonitorYAML(m)
	if err != nil {
		return err
	}
	p := s.managed(s.t("monitor.edit.title", "name", string(m.ID)), "monitors")
	return s.draw(w, r, http.StatusOK, view.MonitorFormPage(p, view.MonitorForm{ID: m.ID, YAML: text}))
}

// saveMonitor changes a monitor.
func (a *Web) saveMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	m, err := a.monitorNamed(r.Context(), oncall.MonitorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return a.putMonitor(w, r, s, string(m.ID), view.MonitorForm{ID: m.ID, YAML: monitorText(r)})
}

// monitorText is the text of the form, as its author had it.
func monitorText(r *http.Request) string {
	text := r.PostForm.Get("yaml")
	text = strings.ToValidUTF8(text[:min(len(text), maxMonitorText+1)], "")
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// putMonitor writes a monitor down, or draws the form with what is wrong.
func (a *Web) putMonitor(w http.ResponseWriter, r *http.Request, s *request, name string, f view.MonitorForm) error {
	problems, err := a.monitorProblems(r.Context(), s, name, f.YAML)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		f.Problems = problems
		f.Wrong = map[string]string{"yaml": s.t("monitor.yaml.wrong")}
		return a.drawMonitorForm(w, r, s, f)
	}
	m, err := a.Edit.PutMonitor(r.Context(), name, []byte(f.YAML))
	if e := public(err); err != nil && (e.Kind == oncall.Invalid || e.Code == codeReference) {
		problem := view.ProblemOf(s.shell("", ""), 0, e.Message)
		if e.Code == codeReference {
			problem = view.MonitorProblem{Text: said(s.lang, e), English: e.Message} // which has the values
		}
		f.Problems = []view.MonitorProblem{problem}
		f.Wrong = map[string]string{"yaml": s.t("monitor.yaml.wrong")}
		return a.drawMonitorForm(w, r, s, f)
	} else if err != nil {
		return err
	}
	if f.ID == "" {
		a.tellFirst(w, r, s, m)
		return s.redirect(w, r, view.MonitorPath(m.ID))
	}
	return a.changed(w, r, s, note{Kind: "ok", Key: "flash.monitor.saved", Places: []string{"name", m.Name}}, view.MonitorPath(m.ID))
}

func (a *Web) drawMonitorForm(w http.ResponseWriter, r *http.Request, s *request, f view.MonitorForm) error {
	title := s.t("monitors.new")
	if f.ID != "" {
		title = s.t("monitor.edit.title", "name", string(f.ID))
	}
	return s.draw(w, r, http.StatusUnprocessableEntity, view.MonitorFormPage(s.managed(title, "monitors"), f))
}

// monitorProblems are what is wrong with the text of a monitor, line by line.
func (a *Web) monitorProblems(ctx context.Context, s *request, name, text string) (all []view.MonitorProblem, err error) {
	if len(text) > maxMonitorText {
		return []view.MonitorProblem{{Text: s.t("monitor.yaml.long")}}, nil
	}
	var locations []*oncall.Location
	err = a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		_, locations, err = tx.Monitors(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	places := make([]string, len(locations))
	for i, l := range locations {
		places[i] = l.Name
	}
	m, problems := config.ReadMonitor(name, []byte(text), s.dir, places)
	if m != nil {
		return nil, nil
	}
	for _, p := range problems {
		if p.Severity == config.Error {
			all = append(all, view.ProblemOf(s.shell("", ""), p.Line, p.Message))
		}
	}
	return all, nil
}

// hasMonitor reports whether there is a monitor of that name.
func (a *Web) hasMonitor(ctx context.Context, name string) (has bool, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) error {
		all, _, err := tx.Monitors(ctx)
		has = false
		for _, m := range all {
			has = has || string(m.ID) == name
		}
		return err
	})
	return has, err
}
