package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/web/view"
)

// overridePage asks who takes a span, and shows what that changes. It asks by
// GET, so that a preview can be passed on.
func (a *Web) overridePage(w http.ResponseWriter, r *http.Request, s *request) error {
	schedule, err := s.schedule(r)
	if err != nil {
		return err
	}
	return a.drawOverride(w, r, s, schedule, func(name string) string { return query(r, name) }, nil)
}

// drawOverride draws the form as it was filled in, with what is wrong with it or
// what it would change.
func (a *Web) drawOverride(w http.ResponseWriter, r *http.Request, s *request, schedule *oncall.Schedule, value func(string) string, failed error) error {
	zone := schedule.Location()
	f := view.OverrideForm{
		Schedule: schedule.ID, Zone: zone.String(), Users: s.userOptions(schedule),
		User: value("user"), From: value("from"), To: value("to"), Reason: value("reason"),
	}
	if f.User == "" && s.who.User != "" {
		f.User = string(s.who.User)
	}
	status := http.StatusOK
	if f.From != "" || f.To != "" {
		o, wrong := s.override(schedule, zone, f)
		if len(wrong) == 0 {
			if _, err := a.Edit.PreviewOverride(r.Context(), o); err != nil {
				failed = err
			} else {
				f.Preview = view.OverridePreviewOf(s.shell("", ""), s.dir, schedule, o)
			}
		}
		f.Wrong = wrong
	}
	if failed != nil {
		wrong, ok := s.wrong(failed)
		if !ok {
			return failed
		}
		f.Wrong = wrong
	}
	if len(f.Wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return s.draw(w, r, status, view.OverridePage(s.managed(s.t("override.title"), "schedules"), f))
}

// override reads the form.
func (s *request) override(schedule *oncall.Schedule, zone *time.Location, f view.OverrideForm) (o oncall.Override, wrong map[string]string) {
	wrong = map[string]string{}
	o = oncall.Override{Schedule: schedule.ID, User: oncall.UserID(f.User), By: s.who.User, Reason: f.Reason}
	var ok bool
	if o.From, ok = localTime(f.From, zone); !ok {
		wrong["from"] = s.t("override.wrong.time")
	}
	if o.To, ok = localTime(f.To, zone); !ok {
		wrong["to"] = s.t("override.wrong.time")
	}
	if s.dir.Users[o.User] == nil {
		wrong["user"] = s.t("override.wrong.user")
	}
	return o, wrong
}

// saveOverride makes an override.
func (a *Web) saveOverride(w http.ResponseWriter, r *http.Request, s *request) error {
	schedule, err := s.schedule(r)
	if err != nil {
		return err
	}
	f := view.OverrideForm{User: form(r, "user"), From: form(r, "from"), To: form(r, "to"), Reason: form(r, "reason")}
	value := func(name string) string { return form(r, name) }
	o, wrong := s.override(schedule, schedule.Location(), f)
	if len(wrong) > 0 {
		return a.drawOverride(w, r, s, schedule, value, nil)
	}
	made, err := a.Edit.CreateOverride(r.Context(), o)
	if err != nil {
		return a.drawOverride(w, r, s, schedule, value, err)
	}
	path := view.SchedulePath(schedule.ID)
	s.say(w, note{
		Kind: "ok", Key: "flash.override.saved", Places: []string{"who", s.names().User(i18n.In(s.lang), o.User)},
		Undo: path + "/overrides/" + made.ID + "/delete",
	})
	return s.redirect(w, r, view.With(path, "from", o.From.In(s.zone).Format(time.DateOnly)))
}

// deleteOverride takes an override back.
func (a *Web) deleteOverride(w http.ResponseWriter, r *http.Request, s *request) error {
	schedule, err := s.schedule(r)
	if err != nil {
		return err
	}
	id := r.PathValue("override")
	if !slices.ContainsFunc(s.dir.Overrides, func(o oncall.Override) bool { return o.ID == id && o.Schedule == schedule.ID }) {
		return errNoPage
	}
	if _, err := a.Edit.DeleteOverride(r.Context(), id); err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.override.deleted"})
	return s.redirect(w, r, view.SchedulePath(schedule.ID))
}

// userOptions are all people, those of the schedule first.
func (s *request) userOptions(schedule *oncall.Schedule) []view.Option {
	own := map[oncall.UserID]bool{}
	for _, layer := range schedule.Layers {
		for _, id := range layer.Users {
			own[id] = true
		}
	}
	all := make([]oncall.UserID, 0, len(s.dir.Users))
	for id := range s.dir.Users {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b oncall.UserID) int {
		if own[a] != own[b] {
			if own[a] {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a), string(b))
	})
	options := make([]view.Option, 0, len(all))
	for _, id := range all {
		options = append(options, view.Option{Value: string(id), Label: s.names().User(i18n.In(s.lang), id)})
	}
	return options
}
