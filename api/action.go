package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
)

// Action is what an action on an incident needs; each uses what is named in its
// summary.
type Action struct {
	By    string    `json:"by,omitempty" maxLength:"255" doc:"the user who acts; your own when left out. Another one takes a manager"`
	Users []string  `json:"users,omitempty" maxItems:"50" doc:"for reassign and responders: whom to page"`
	Until time.Time `json:"until,omitzero" format:"date-time" doc:"for snooze: when to ask again"`
	Text  string    `json:"text,omitempty" maxLength:"10000" doc:"for notes: the note; for policy: its name"`
	Via   string    `json:"via,omitempty" maxLength:"32" doc:"cli when the command line asks; what else is said here is not believed"`
}

type actionInput struct {
	Ref
	Body *Action
}

func (a *API) actions(h huma.API) {
	life := a.o.Life
	for _, op := range []struct {
		name, summary, more string
		do                  func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error
	}{
		{
			"acknowledge", "Take an incident", "Everything that rings stops within a second. Acknowledging again renews the time-out of its holder; one that is over, or that somebody else has (`acknowledged_by`), only gets a note.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Acknowledge(ctx, id, by, in.Via)
				return err
			},
		},
		{
			"resolve", "Say that it is over", "Resolving clears the alerts of the incident: the next repetition of its sender opens it again.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Resolve(ctx, id, by, in.Via)
				return err
			},
		},
		{
			"renew", "Still on it", "The acknowledgement counts from now, whoever says so.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Renew(ctx, id, by, in.Via)
				return err
			},
		},
		{
			"snooze", "Take it and be asked again later", "An acknowledgement with its own end, `until`, at the latest in 30 days.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Snooze(ctx, id, in.Until, by, in.Via)
				return err
			},
		},
		{
			"escalate", "Go to the next level now", "Whoever has the incident passes it on by that.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Escalate(ctx, id, by, in.Via)
				return err
			},
		},
		{
			"reassign", "Page these users first", "`users` are paged first, then the policy from level 1, whoever has the incident now.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Reassign(ctx, id, userIDs(in.Users), by, in.Via)
				return err
			},
		},
		{
			"responders", "Page these users as well", "`users` are asked to help; whoever has the incident keeps it.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.AddResponder(ctx, id, userIDs(in.Users), by, in.Via)
				return err
			},
		},
		{
			"policy", "Answer by another policy", "The response begins anew at the first level of the policy that `text` names.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.SetPolicy(ctx, id, oncall.PolicyID(in.Text), by, in.Via)
				return err
			},
		},
		{
			"notes", "Write a note", "`text` goes on the timeline. A note of whoever has the incident renews the acknowledgement.",
			func(ctx context.Context, id oncall.IncidentID, by oncall.UserID, in Action) error {
				_, err := life.Note(ctx, id, in.Text, by, in.Via)
				return err
			},
		},
	} {
		register(a, h, huma.Operation{
			OperationID: op.name + "-incident", Method: http.MethodPost, Path: "/api/v1/incidents/{id}/" + op.name,
			Summary: op.summary, Description: op.more, Tags: []string{tagIncidents}, Errors: []int{400, 404, 409},
		}, func(ctx context.Context, in *actionInput) (*incidentOutput, error) {
			id, err := a.o.Life.Find(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			var what Action
			if in.Body != nil {
				what = *in.Body
			}
			by, err := a.actor(ctx, what.By)
			if err != nil {
				return nil, err
			}
			what.Via = via(ctx, what.Via)
			if err := op.do(ctx, id, by, what); err != nil {
				return nil, err
			}
			return a.incident(ctx, string(id), Spoken{})
		})
	}
}

func userIDs(names []string) []oncall.UserID {
	out := make([]oncall.UserID, len(names))
	for i, n := range names {
		out[i] = oncall.UserID(n)
	}
	return out
}
