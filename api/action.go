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
	By    string    `json:"by" minLength:"1" maxLength:"255" doc:"the user who acts"`
	Users []string  `json:"users,omitempty" maxItems:"50"`
	Until time.Time `json:"until,omitzero" format:"date-time"`
	Text  string    `json:"text,omitempty" maxLength:"10000"`
	Via   string    `json:"via,omitempty" maxLength:"32"`
}

type actionInput struct {
	Ref
	Body Action
}

func (a *API) actions(h huma.API) {
	for _, op := range []struct {
		name, summary string
		do            func(ctx context.Context, id oncall.IncidentID, in Action) error
	}{
		{"acknowledge", "Take an incident; everything stops at once", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Acknowledge(ctx, id, oncall.UserID(in.By), in.Via)
			return err
		}},
		{"resolve", "Say that it is over", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Resolve(ctx, id, oncall.UserID(in.By), in.Via)
			return err
		}},
		{"renew", "Still on it: the acknowledgement begins anew", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Renew(ctx, id, oncall.UserID(in.By), in.Via)
			return err
		}},
		{"snooze", "An acknowledgement with its own end (until)", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Snooze(ctx, id, in.Until, oncall.UserID(in.By), in.Via)
			return err
		}},
		{"escalate", "Go to the next level now", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Escalate(ctx, id, oncall.UserID(in.By), in.Via)
			return err
		}},
		{"reassign", "Page these users first, then the policy from level 1 (users)", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Reassign(ctx, id, userIDs(in.Users), oncall.UserID(in.By), in.Via)
			return err
		}},
		{"responders", "Page these users as well (users)", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.AddResponder(ctx, id, userIDs(in.Users), oncall.UserID(in.By), in.Via)
			return err
		}},
		{"policy", "Answer by another policy, from its first level (text: its name)", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.SetPolicy(ctx, id, oncall.PolicyID(in.Text), oncall.UserID(in.By), in.Via)
			return err
		}},
		{"notes", "Write a note on the timeline (text); the holder's note renews the acknowledgement", func(ctx context.Context, id oncall.IncidentID, in Action) error {
			_, err := a.life.Note(ctx, id, in.Text, oncall.UserID(in.By), in.Via)
			return err
		}},
	} {
		huma.Register(h, huma.Operation{
			OperationID: op.name + "-incident", Method: http.MethodPost, Path: "/api/v1/incidents/{id}/" + op.name, Summary: op.summary, Errors: []int{400, 404, 409},
		}, func(ctx context.Context, in *actionInput) (*incidentOutput, error) {
			id, err := a.life.Find(ctx, in.ID)
			if err != nil {
				return nil, a.failed(ctx, err)
			}
			if in.Body.Via == "" {
				in.Body.Via = "api"
			}
			if err := a.known(ctx, "/by", in.Body.By); err != nil {
				return nil, a.failed(ctx, err)
			}
			if err := op.do(ctx, id, in.Body); err != nil {
				return nil, a.failed(ctx, err)
			}
			return a.incident(ctx, string(id))
		})
	}
}

// known refuses a name that is no user's: a holder who does not exist would
// silence an incident and could be asked nothing.
func (a *API) known(ctx context.Context, field string, users ...string) error {
	dir, err := a.directory(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if dir.Users[oncall.UserID(u)] == nil {
			return &oncall.Error{Kind: oncall.Invalid, Code: "user.unknown", Message: "there is no user named " + u, Field: field}
		}
	}
	return nil
}

func userIDs(names []string) []oncall.UserID {
	out := make([]oncall.UserID, len(names))
	for i, n := range names {
		out[i] = oncall.UserID(n)
	}
	return out
}
