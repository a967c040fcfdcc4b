package web

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"toban/access"
	"toban/config"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/web/view"
)

// How many incidents stand beside a service.
const (
	mostOpen   = 1000 // are looked through for the list of services
	fewOpen    = 20
	fewRecents = 10
)

func isOpen() []oncall.State { return []oncall.State{oncall.Triggered, oncall.Acknowledged} }

// servicesPage lists the services with what is open on them.
func (a *Web) servicesPage(w http.ResponseWriter, r *http.Request, s *request) error {
	var from map[string]view.Origin
	var open []oncall.Incident
	err := a.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if from, err = origins(r.Context(), tx, store.ObjectService); err != nil {
			return err
		}
		open, err = tx.ListIncidents(r.Context(), store.IncidentFilter{States: isOpen(), Limit: mostOpen})
		return err
	})
	if err != nil {
		return err
	}
	p := s.managed(s.t("service.list"), "services")
	return s.draw(w, r, http.StatusOK, view.ServicesPage(p, view.ServiceRowsOf(s.dir, open, from)))
}

// servicePage is one service.
func (a *Web) servicePage(w http.ResponseWriter, r *http.Request, s *request) error {
	return a.drawService(w, r, s, nil)
}

// drawService draws a service, with a key that was made just now.
func (a *Web) drawService(w http.ResponseWriter, r *http.Request, s *request, made *view.MadeKey) error {
	svc := s.dir.Service(oncall.ServiceID(r.PathValue("id")))
	if svc == nil {
		return errNoPage
	}
	p := s.managed(s.t("service.title", "name", svc.Name), "services", "view", "service", "ref", string(svc.ID))
	page, err := a.readService(r.Context(), s, p, svc)
	if err != nil {
		return err
	}
	page.Made = made
	return s.draw(w, r, http.StatusOK, view.ServicePage(p, page))
}

// readService is a service with what is open on it and what feeds it.
func (a *Web) readService(ctx context.Context, s *request, p view.Shell, svc *oncall.Service) (page view.Service, err error) {
	var open, recent []oncall.Incident
	var from, feeds, kept map[string]view.Origin
	var keys []store.Key
	err = a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if open, err = tx.ListIncidents(ctx, store.IncidentFilter{States: isOpen(), Service: svc.ID, Limit: fewOpen}); err != nil {
			return err
		}
		if recent, err = tx.ListIncidents(ctx, store.IncidentFilter{States: []oncall.State{oncall.Resolved}, Service: svc.ID, Limit: fewRecents}); err != nil {
			return err
		}
		if from, err = origins(ctx, tx, store.ObjectService); err != nil {
			return err
		}
		if feeds, err = origins(ctx, tx, store.ObjectIntegration); err != nil {
			return err
		}
		if kept, err = origins(ctx, tx, config.KindKey); err != nil {
			return err
		}
		keys, err = tx.Keys(ctx, "")
		return err
	})
	if err != nil {
		return page, err
	}
	rows := make([]view.KeyOf, 0, len(keys))
	for _, k := range keys {
		rows = append(rows, view.KeyOf{KeyRow: view.KeyRow{Hash: k.Hash, At: k.CreatedAt, Revoked: k.RevokedAt}, Integration: k.Integration})
	}
	inFile := make(map[string]bool, len(kept))
	for name := range kept {
		inFile[name] = true
	}
	page = view.ServiceOf(p, s.dir, svc, open, recent, view.FeedsOf(s.dir, svc.ID, rows, inFile, feeds), from[string(svc.ID)])
	page.MayKey = s.who.Role.Includes(access.Manager)
	return page, nil
}

// makeKey makes a key of an integration and shows it, this once: the answer is
// the page itself, because an address would keep the secret.
func (a *Web) makeKey(w http.ResponseWriter, r *http.Request, s *request) error {
	svc := s.dir.Service(oncall.ServiceID(r.PathValue("id")))
	in := s.dir.Integrations[oncall.IntegrationID(form(r, "integration"))]
	if svc == nil || in == nil || in.Service != "" && in.Service != svc.ID {
		return errNoPage
	}
	key, err := a.Edit.CreateKey(r.Context(), in.ID)
	if err != nil {
		return err
	}
	made := view.MadeKeyOf(s.shell("", ""), in, svc, a.reach(r), key.Secret)
	if made.TakesAlerts {
		made.Pages = s.pages(in, svc)
	}
	return a.drawService(w, r, s, made)
}

// pages says whom a test alert of severity info pages that is sent now: that is
// what the command beside a new key sends.
func (s *request) pages(in *oncall.Integration, svc *oncall.Service) string {
	steps, _ := respond.Rehearse(s.dir, respond.Rehearsal{Service: svc, Severity: oncall.Info, At: s.now})
	who, at := view.FirstReached(s.lang, s.names(), steps)
	if who == "" || svc.Shadow || s.dir.Settings.Shadow {
		return s.t("service.made.nobody")
	}
	key := "service.made.now"
	if at.Sub(s.now) >= time.Minute {
		key = "service.made.later"
	}
	if stage := s.dir.Stages[cmp.Or(in.Stage, oncall.Production)]; stage != nil && stage.Simulated {
		key += ".simulated"
	}
	return s.t(key, "who", who, "time", view.Absolute(s.lang, at, s.zone, s.zone))
}

// revokeKey makes a key invalid.
func (a *Web) revokeKey(w http.ResponseWriter, r *http.Request, s *request) error {
	svc := s.dir.Service(oncall.ServiceID(r.PathValue("id")))
	if svc == nil {
		return errNoPage
	}
	key, err := a.Edit.RevokeKey(r.Context(), oncall.IntegrationID(form(r, "integration")), form(r, "hash"))
	if err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.key.revoked", Places: []string{"name", string(key.Integration)}})
	return s.redirect(w, r, view.ServicePath(svc.ID)+"#feeds")
}

// reach is the address that a sender or program uses: the one that is
// configured, else the one by which this page was reached.
func (a *Web) reach(r *http.Request) string {
	if external := a.External(); external != "" {
		return external
	}
	scheme := "http"
	if a.Secure || r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
