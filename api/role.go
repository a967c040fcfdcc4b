package api

import "toban/access"

// roles says which role each operation takes. One that is not here is denied to
// all.
func roles() map[string]access.Role {
	return map[string]access.Role{
		"list-incidents":       access.Viewer,
		"get-incident":         access.Viewer,
		"get-timeline":         access.Viewer,
		"list-alerts":          access.Viewer,
		"forecast-incident":    access.Viewer,
		"rehearse":             access.Viewer,
		"list-duty":            access.Viewer,
		"list-overrides":       access.Viewer,
		"list-schedules":       access.Viewer,
		"get-schedule":         access.Viewer,
		"list-policies":        access.Viewer,
		"get-policy":           access.Viewer,
		"list-services":        access.Viewer,
		"get-service":          access.Viewer,
		"list-users":           access.Viewer,
		"get-user":             access.Viewer,
		"list-integrations":    access.Viewer,
		"get-me":               access.Viewer,
		"get-status":           access.Viewer,
		"create-incident":      access.Responder,
		"acknowledge-incident": access.Responder,
		"resolve-incident":     access.Responder,
		"renew-incident":       access.Responder,
		"snooze-incident":      access.Responder,
		"escalate-incident":    access.Responder,
		"reassign-incident":    access.Responder,
		"responders-incident":  access.Responder,
		"notes-incident":       access.Responder,
		"preview-override":     access.Responder,
		"create-override":      access.Responder,
		"delete-override":      access.Responder,
		"policy-incident":      access.Manager,
		"list-keys":            access.Manager,
		"create-key":           access.Manager,
		"revoke-key":           access.Manager,
		"list-audit":           access.Manager,
		"list-tokens":          access.Responder,
		"create-token":         access.Responder,
		"revoke-token":         access.Responder,
		"apply-configuration":  access.Admin,
		"export-configuration": access.Admin,
	}
}
