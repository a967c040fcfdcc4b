package web

import (
	"context"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/web/live"
	"toban/web/view"
)

// managed is the shell of a page around duty and administration, with what of it
// is live as pairs of the stream's query; none = the counts alone. The stream
// begins where the reading of the page has begun, so that nothing is missed.
func (s *request) managed(title, active string, query ...string) view.Shell {
	p := s.shell(title, active)
	q := url.Values{"view": {"counts"}, "after": {strconv.FormatInt(s.at, 10)}}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	p.Live = livePath + "?" + q.Encode()
	return p
}

// manageView is the stream of who is on duty, of the first-run list or of one
// service.
func (a *Web) manageView(v *live.View, s *request, q url.Values) {
	name, ref := q.Get("view"), q.Get("ref")
	v.Key, v.Topics, v.Next = s.viewKey(name, s.who.Account, ref, strconv.FormatBool(s.near)), concernsIncidents, a.nextHandover
	v.Render = func(ctx context.Context, _ []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		parts, err := a.manageParts(ctx, s, name, ref)
		if err != nil {
			return nil, err
		}
		return patches(ctx, append(s.countParts(), parts...)...)
	}
}

// manageParts are the live parts of a page, as the page itself draws them.
func (a *Web) manageParts(ctx context.Context, s *request, name, ref string) ([]templ.Component, error) {
	p := s.shell("", "")
	switch {
	case name == "oncall":
		page, err := a.readDuty(ctx, s, p)
		return []templ.Component{view.OnCallSchedules(p, page), view.OnCallPolicies(p, page)}, err
	case name == "welcome" && s.who.Role.Includes(access.Responder):
		page, err := a.readFirstRun(ctx, s)
		return []templ.Component{view.FirstRunProgress(p, page), view.FirstRunList(p, page)}, err
	case name == "service":
		svc := s.dir.Service(oncall.ServiceID(ref))
		if svc == nil {
			return nil, nil
		}
		page, err := a.readService(ctx, s, p, svc)
		return []templ.Component{view.ServiceState(p, page), view.ServiceOpen(p, page)}, err
	}
	return nil, nil
}
