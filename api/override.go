package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/config/edit"
	"toban/oncall"
)

// Override puts a user on duty for a span, whoever had it.
type Override struct {
	ID       string    `json:"id,omitempty" readOnly:"true"`
	Schedule string    `json:"schedule" minLength:"1" maxLength:"255"`
	User     string    `json:"user" minLength:"1" maxLength:"255" doc:"who takes it"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	By       string    `json:"by,omitempty" maxLength:"255" doc:"who arranged it; your own user when left out"`
	Reason   string    `json:"reason,omitempty" maxLength:"1000"`
}

// OverrideList is one page of overrides.
type OverrideList struct {
	Overrides  []Override `json:"overrides"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

// Preview is what an override would change within its span.
type Preview struct {
	Before  []Shift      `json:"before"`
	After   []Shift      `json:"after"`
	Changes []DutyChange `json:"changes" doc:"who would be on duty for longer or shorter"`
}

// DutyChange is how long somebody is on duty, in seconds.
type DutyChange struct {
	User   string  `json:"user"`
	Before float64 `json:"before" doc:"seconds"`
	After  float64 `json:"after" doc:"seconds"`
}

func (a *API) overrides(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-overrides", Method: http.MethodGet, Path: "/api/v1/overrides", Tags: []string{tagDuty}, Errors: []int{400},
		Summary: "Overrides that have not ended", Description: "In the order in which they were made: of two that overlap the later one holds.",
	}, a.listOverrides)
	register(a, h, huma.Operation{
		OperationID: "create-override", Method: http.MethodPost, Path: "/api/v1/overrides", Tags: []string{tagDuty},
		DefaultStatus: http.StatusCreated, Errors: []int{400, 404, 409},
		Summary: "Put a user on duty for a span", Description: "Whoever had it, for 366 days at most. Incidents that are being answered follow at once.",
	}, func(ctx context.Context, in *struct{ Body Override }) (*struct{ Body Override }, error) {
		o, err := a.asked(ctx, in.Body)
		if err == nil {
			o, err = a.o.Edit.CreateOverride(ctx, o)
		}
		return &struct{ Body Override }{wireOverride(o)}, err
	})
	register(a, h, huma.Operation{
		OperationID: "preview-override", Method: http.MethodPost, Path: "/api/v1/overrides/preview", Tags: []string{tagDuty}, Errors: []int{400, 404, 409},
		Summary: "What an override would change", Description: "The shifts of its span before and after; nothing is written.",
	}, func(ctx context.Context, in *struct{ Body Override }) (*struct{ Body Preview }, error) {
		o, err := a.asked(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		p, err := a.o.Edit.PreviewOverride(ctx, o)
		return &struct{ Body Preview }{wirePreview(p)}, err
	})
	register(a, h, huma.Operation{
		OperationID: "delete-override", Method: http.MethodDelete, Path: "/api/v1/overrides/{id}", Tags: []string{tagDuty}, Errors: []int{404, 409},
		Summary: "Take an override back", Description: "Who had the span before has it again. The answer is the override as it was.",
	}, func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64" doc:"of the override" example:"ovr_01jc8k2v3w9y7x5q4r6s1t0abc"`
	},
	) (*struct{ Body Override }, error) {
		was, err := a.o.Edit.DeleteOverride(ctx, in.ID)
		return &struct{ Body Override }{wireOverride(was)}, err
	})
}

// asked is an override as it was asked for, in the name of somebody who may.
func (a *API) asked(ctx context.Context, o Override) (oncall.Override, error) {
	out := oncall.Override{
		Schedule: oncall.ScheduleID(o.Schedule), User: oncall.UserID(o.User), From: o.From, To: o.To, Reason: o.Reason,
	}
	if o.By == "" {
		return out, nil
	}
	by, err := a.actor(ctx, o.By)
	out.By = by
	return out, err
}

func (a *API) listOverrides(ctx context.Context, in *struct {
	Paged
	Schedule string `query:"schedule" maxLength:"255" doc:"only of this one"`
},
) (*struct{ Body OverrideList }, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	var open []Override
	for _, o := range dir.Overrides {
		if o.To.After(time.Now()) && (in.Schedule == "" || in.Schedule == string(o.Schedule)) {
			open = append(open, wireOverride(o))
		}
	}
	part, next, err := page(open, in.Paged, func(o *Override) string { return o.ID })
	return &struct{ Body OverrideList }{OverrideList{Overrides: part, NextCursor: next}}, err
}

func wireOverride(o oncall.Override) Override {
	return Override{ID: o.ID, Schedule: string(o.Schedule), User: string(o.User), From: o.From, To: o.To, By: string(o.By), Reason: o.Reason}
}

func wirePreview(p edit.Preview) Preview {
	out := Preview{Before: wireShifts(p.Before), After: wireShifts(p.After), Changes: []DutyChange{}}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, DutyChange{User: string(c.User), Before: c.Before.Seconds(), After: c.After.Seconds()})
	}
	return out
}
