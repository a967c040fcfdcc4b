package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// manageRoutes are the pages around duty and administration.
func (a *Web) manageRoutes() []route {
	return []route{
		{"GET", "/oncall", access.Viewer, a.onCallPage},
		{"GET", "/oncall/page", access.Responder, a.pagingForm},
		{"POST", "/oncall/page", access.Responder, a.pageSomebody},
		{"GET", "/policies", access.Viewer, a.policiesPage},
		{"GET", "/policies/{id}", access.Viewer, a.policyPage},
		{"GET", "/schedules", access.Viewer, a.schedulesPage},
		{"GET", "/schedules/{id}", access.Viewer, a.schedulePage},
		{"GET", "/schedules/{id}/override", access.Responder, a.overridePage},
		{"POST", "/schedules/{id}/overrides", access.Responder, a.saveOverride},
		{"POST", "/schedules/{id}/overrides/{override}/delete", access.Responder, a.deleteOverride},
		{"GET", "/services", access.Viewer, a.servicesPage},
		{"GET", "/services/{id}", access.Viewer, a.servicePage},
		{"POST", "/services/{id}/keys", access.Manager, a.makeKey},
		{"POST", "/services/{id}/keys/revoke", access.Manager, a.revokeKey},
		{"GET", "/settings", access.Viewer, a.settingsPage},
		{"GET", "/settings/people", access.Admin, a.peoplePage},
		{"POST", "/settings/people", access.Admin, a.invite},
		{"POST", "/settings/people/{account}/{act}", access.Admin, a.changePerson},
		{"GET", "/settings/sessions", access.Viewer, a.sessionsPage},
		{"POST", "/settings/sessions/end", access.Viewer, a.endSession},
		{"POST", "/settings/sessions/end-others", access.Viewer, a.endOthers},
		{"GET", "/settings/tokens", access.Responder, a.tokensPage},
		{"POST", "/settings/tokens", access.Responder, a.makeToken},
		{"POST", "/settings/tokens/revoke", access.Responder, a.revokeToken},
		{"GET", "/settings/audit", access.Manager, a.auditPage},
		{"GET", "/settings/about", access.Viewer, a.aboutPage},
		{"GET", "/welcome", access.Responder, a.welcomePage},
		{"POST", "/welcome/drill", access.Responder, a.startDrill},
		{"POST", "/welcome/later", access.Responder, a.welcomeLater},
	}
}

// origins are where the objects of a kind are written, by name.
func origins(ctx context.Context, tx *store.Tx, kind string) (map[string]view.Origin, error) {
	objects, err := tx.Objects(ctx, kind)
	if err != nil {
		return nil, err
	}
	by := make(map[string]view.Origin, len(objects))
	for i := range objects {
		by[objects[i].Name] = view.Origin{File: objects[i].File, Line: objects[i].Line}
	}
	return by, nil
}

// originsOf is origins in a look of its own.
func (a *Web) originsOf(ctx context.Context, kind string) (by map[string]view.Origin, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) error {
		by, err = origins(ctx, tx, kind)
		return err
	})
	return by, err
}

// wrong says at which field of a form an error belongs; ok is false for one that
// is not about the form.
func (s *request) wrong(err error) (by map[string]string, ok bool) {
	var e *oncall.Error
	if !errors.As(err, &e) || e.Kind != oncall.Invalid && e.Kind != oncall.Conflict && e.Kind != oncall.NotFound || e.Field == "" {
		return nil, false
	}
	return map[string]string{strings.TrimPrefix(e.Field, "/"): said(s.lang, e)}, true
}

// localTime reads a moment as a form has it, by the clock of zone; what a
// program writes is read, too.
func localTime(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, sane(t)
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil && sane(t)
}

// sane reports whether a moment is one that anybody can mean.
func sane(t time.Time) bool { return t.Year() >= 2000 && t.Year() <= 2200 }

// limited is the value of a form or query, cut to what anybody needs.
func limited(text string) string {
	const most = 1000
	return strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), most)], ""))
}

// query is a value of the address.
func query(r *http.Request, name string) string { return limited(r.URL.Query().Get(name)) }

// form is a value of what was sent.
func form(r *http.Request, name string) string { return limited(r.PostForm.Get(name)) }
