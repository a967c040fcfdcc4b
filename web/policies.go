package web

import (
	"cmp"
	"net/http"

	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// policiesPage lists the policies.
func (a *Web) policiesPage(w http.ResponseWriter, r *http.Request, s *request) error {
	from, err := a.originsOf(r.Context(), store.ObjectPolicy)
	if err != nil {
		return err
	}
	p := s.managed(s.t("policy.list"), "policies")
	return s.draw(w, r, http.StatusOK, view.PoliciesPage(p, view.PolicyRowsOf(p, s.dir, from)))
}

// policyPage is one policy and what it would do.
func (a *Web) policyPage(w http.ResponseWriter, r *http.Request, s *request) error {
	policy := s.dir.Policies[oncall.PolicyID(r.PathValue("id"))]
	if policy == nil {
		return errNoPage
	}
	from, err := a.originsOf(r.Context(), store.ObjectPolicy)
	if err != nil {
		return err
	}
	p := s.managed(cmp.Or(policy.Name, string(policy.ID)), "policies")
	page := view.PolicyOf(p, s.dir, policy, from[string(policy.ID)])
	var users []*oncall.Service
	for _, svc := range s.dir.Services {
		if svc.Policy == policy.ID {
			users = append(users, svc)
		}
	}
	page.Rehearsal = s.rehearsal(r, view.PolicyPath(policy.ID), users, policy)
	return s.draw(w, r, http.StatusOK, view.PolicyPage(p, page))
}
