package respond

import (
	"toban/oncall"
	"toban/store"
)

// Propose makes the response that inc gets if it is opened, with its first step
// due at once, and the entries its timeline begins with. It is pure.
func Propose(dir *oncall.Directory, svc *oncall.Service, inc *oncall.Incident) (*store.ResponseRow, []oncall.Entry) {
	revision := ""
	if p := policyOf(dir, svc); p != nil {
		revision = p.Revision
	}
	r := oncall.NewResponse(inc, revision)
	row := &store.ResponseRow{Response: r}
	row.NextAt, row.NextWhy = r.Next()
	return row, []oncall.Entry{{
		Incident: inc.ID, Seq: 1, At: inc.TriggeredAt, Kind: oncall.EntryTriggered,
		Data: oncall.EntryData{Title: inc.Title, Severity: inc.Severity, Urgency: inc.Urgency, Service: inc.Service},
	}}
}

// policyOf returns the policy of a service, else of the catch-all service. It
// is nil only for a directory that no check has let through; such a response is
// broken at its first step, not silent.
func policyOf(dir *oncall.Directory, svc *oncall.Service) *oncall.Policy {
	for _, s := range []*oncall.Service{svc, catchAll(dir)} {
		if s == nil {
			continue
		}
		if p := dir.Policies[s.Policy]; p != nil {
			return p
		}
	}
	return nil
}
