package web

import (
	"context"

	"toban/access"
	"toban/detect/standing"
	"toban/web/view"
)

// monitorStep is done when a monitor has a result.
func (a *Web) monitorStep(ctx context.Context, s *request) (view.FirstStep, error) {
	step := view.FirstStep{ID: "monitor", State: "open", Text: s.t("welcome.monitor.text")}
	all, err := a.Monitors.All(ctx)
	if err != nil {
		return step, err
	}
	for i := range all {
		m := &all[i]
		if m.State != standing.Up && m.State != standing.Down || m.Last.IsZero() {
			continue
		}
		step.State, step.At, step.Text = "done", m.Last, s.t("welcome.monitor.done", "name", m.Monitor.Name)
		step.Path, step.Label = view.MonitorPath(m.Monitor.ID), s.t("welcome.monitor.see")
		return step, nil
	}
	switch {
	case len(all) > 0:
		step.Text = s.t("welcome.monitor.waiting")
		step.Path, step.Label = "/monitors", s.t("welcome.monitor.see")
	case !s.who.Role.Includes(access.Manager):
		step.Text = s.t("welcome.monitor.ask")
	default:
		step.Path, step.Label = "/monitors", s.t("welcome.monitor.add")
	}
	return step, nil
}
