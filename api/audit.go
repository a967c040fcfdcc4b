package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/store"
)

// AuditEntry is one change: who, what, before, after.
type AuditEntry struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor" doc:"an account, or toban itself"`
	Via    string    `json:"via,omitempty" doc:"page, api, cli or link"`
	Action string    `json:"action" doc:"such as created, changed, deleted, revoked, applied"`
	Kind   string    `json:"kind" doc:"of what was changed"`
	Name   string    `json:"name" doc:"which one"`
	Before any       `json:"before,omitempty" doc:"left out when it was not there; secrets are masked"`
	After  any       `json:"after,omitempty" doc:"left out when it is gone; secrets are masked"`
}

// AuditList is one page of the audit log.
type AuditList struct {
	Entries    []AuditEntry `json:"entries"`
	NextCursor string       `json:"next_cursor,omitempty"`
}

func (a *API) audit(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: []string{tagAccess}, Errors: []int{400},
		Summary: "The audit log, newest first", Description: "Every change of what is not an incident, kept for ever; incidents have their timelines.",
	}, a.listAudit)
}

func (a *API) listAudit(ctx context.Context, in *struct {
	Kind   string `query:"kind" maxLength:"64" doc:"only of this kind, such as override"`
	Name   string `query:"name" maxLength:"255" doc:"only of what has this name"`
	Actor  string `query:"actor" maxLength:"255" doc:"only what this account did"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
},
) (*struct{ Body AuditList }, error) {
	out := &struct{ Body AuditList }{}
	err := a.o.DB.Read(ctx, func(tx *store.Tx) error {
		list, err := tx.Audit(ctx, store.AuditFilter{Kind: in.Kind, Name: in.Name, Actor: in.Actor, Before: in.Cursor, Limit: in.Limit + 1})
		if err != nil {
			return err
		}
		out.Body = AuditList{Entries: []AuditEntry{}}
		for _, e := range list[:min(in.Limit, len(list))] {
			out.Body.Entries = append(out.Body.Entries, AuditEntry{
				ID: e.ID, At: e.At, Actor: e.Actor, Via: e.Via, Action: e.Action, Kind: e.Kind, Name: e.Name, Before: document(e.Before), After: document(e.After),
			})
		}
		if len(list) > in.Limit {
			out.Body.NextCursor = list[in.Limit-1].ID
		}
		return nil
	})
	return out, err
}

// document is JSON as it stands; nothing for none.
func document(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
