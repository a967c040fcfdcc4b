package web

import (
	"net/http"
	"strconv"

	"toban/notify"
	"toban/web/view"
)

// settingsPage leads to everything that is set.
func (a *Web) settingsPage(w http.ResponseWriter, r *http.Request, s *request) error {
	return s.draw(w, r, http.StatusOK, view.SettingsPage(s.managed(s.t("settings.title"), "settings")))
}

// aboutPage says what this toban is, and how its providers do.
func (a *Web) aboutPage(w http.ResponseWriter, r *http.Request, s *request) error {
	page := view.About{
		Version: a.Version, Engine: s.t("about.engine." + a.DB.Engine()), Node: a.DB.Node(), Shadow: s.dir.Settings.Shadow,
		Since:         a.started,
		Configuration: s.t("about.configuration.n", "n", strconv.FormatInt(s.dir.Version, 10)),
		Objects: []view.Count{
			{Label: s.t("about.users"), N: len(s.dir.Users)},
			{Label: s.t("nav.services"), N: len(s.dir.Services)},
			{Label: s.t("nav.schedules"), N: len(s.dir.Schedules)},
			{Label: s.t("nav.policies"), N: len(s.dir.Policies)},
			{Label: s.t("about.integrations"), N: len(s.dir.Integrations)},
		},
	}
	if a.Health != nil {
		for _, h := range a.Health() {
			page.Providers = append(page.Providers, providerRow(h))
		}
	}
	return s.draw(w, r, http.StatusOK, view.AboutPage(s.managed(s.t("settings.about"), "settings"), page))
}

func providerRow(h notify.Health) view.ProviderRow {
	return view.ProviderRow{
		Name: h.Provider, Sent: h.Sent, Refused: h.Refused, Throttled: h.Throttled, Failed: h.Failed, Undone: h.Undone, Sending: int64(h.Sending),
		LastSent: h.LastSent, LastError: h.LastError, LastCode: h.LastCode, Slowest: h.Slowest,
	}
}
