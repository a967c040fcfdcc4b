package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// Duty says who is on duty on one schedule, until when, and who is next.
type Duty struct {
	Schedule string     `json:"schedule"`
	Users    []string   `json:"users"`
	Until    *time.Time `json:"until,omitempty"`
	Next     []string   `json:"next,omitempty"`
}

// Override puts a user on duty for a span, whoever had it.
type Override struct {
	ID       string    `json:"id,omitempty" readOnly:"true"`
	Schedule string    `json:"schedule" minLength:"1" maxLength:"255"`
	User     string    `json:"user" minLength:"1" maxLength:"255"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	By       string    `json:"by,omitempty" maxLength:"255"`
	Reason   string    `json:"reason,omitempty" maxLength:"1000"`
}

type dutyOutput struct {
	Body struct {
		At   time.Time `json:"at"`
		Duty []Duty    `json:"duty"`
	}
}

func (a *API) duty(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "list-duty", Method: http.MethodGet, Path: "/api/v1/oncall", Summary: "Who is on duty",
	}, a.listDuty)
	huma.Register(h, huma.Operation{
		OperationID: "list-overrides", Method: http.MethodGet, Path: "/api/v1/overrides", Summary: "Overrides that have not ended",
	}, a.listOverrides)
	huma.Register(h, huma.Operation{
		OperationID: "create-override", Method: http.MethodPost, Path: "/api/v1/overrides", Summary: "Put a user on duty for a span", DefaultStatus: http.StatusCreated, Errors: []int{400, 404},
	}, a.createOverride)
	huma.Register(h, huma.Operation{
		OperationID: "delete-override", Method: http.MethodDelete, Path: "/api/v1/overrides/{id}", Summary: "Take an override back", DefaultStatus: http.StatusNoContent, Errors: []int{404},
	}, a.deleteOverride)
}

func (a *API) listDuty(ctx context.Context, in *struct {
	At time.Time `query:"at" doc:"the instant asked about; now when it is left out"`
},
) (*dutyOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	var out dutyOutput
	out.Body.At, out.Body.Duty = at, []Duty{}
	for id, s := range dir.Schedules {
		users, until := s.OnDuty(dir, at)
		d := Duty{Schedule: string(id), Users: names(users), Until: optional(until)}
		if !until.IsZero() {
			next, _ := s.OnDuty(dir, until)
			d.Next = names(next)
		}
		out.Body.Duty = append(out.Body.Duty, d)
	}
	slices.SortFunc(out.Body.Duty, func(a, b Duty) int { return cmp.Compare(a.Schedule, b.Schedule) })
	return &out, nil
}

type overridesOutput struct {
	Body struct {
		Overrides []Override `json:"overrides"`
	}
}

func (a *API) listOverrides(ctx context.Context, _ *struct{}) (*overridesOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	var out overridesOutput
	out.Body.Overrides = []Override{}
	for _, o := range dir.Overrides {
		if o.To.After(time.Now()) {
			out.Body.Overrides = append(out.Body.Overrides, Override{
				ID: o.ID, Schedule: string(o.Schedule), User: string(o.User), From: o.From, To: o.To, By: string(o.By), Reason: o.Reason,
			})
		}
	}
	return &out, nil
}

type overrideOutput struct{ Body Override }

func (a *API) createOverride(ctx context.Context, in *struct{ Body Override }) (*overrideOutput, error) {
	o := in.Body
	o.ID = id.New("ovr")
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		made := oncall.Override{
			ID: o.ID, Schedule: oncall.ScheduleID(o.Schedule), User: oncall.UserID(o.User), From: o.From.Truncate(time.Millisecond),
			To: o.To.Truncate(time.Millisecond), By: oncall.UserID(o.By), Reason: o.Reason,
		}
		if err := checkOverride(dir, made); err != nil {
			return err
		}
		body, err := json.Marshal(made)
		if err != nil {
			return err
		}
		return tx.PutObject(ctx, store.Object{Kind: "override", Name: o.ID, Body: body})
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return &overrideOutput{Body: o}, nil
}

func checkOverride(dir *oncall.Directory, o oncall.Override) error {
	switch {
	case dir.Schedules[o.Schedule] == nil:
		return unknown("schedule", string(o.Schedule))
	case dir.Users[o.User] == nil:
		return unknown("user", string(o.User))
	case !o.To.After(o.From):
		return &oncall.Error{Kind: oncall.Invalid, Code: "override.span", Message: "an override ends after it begins", Field: "/to"}
	}
	return nil
}

func (a *API) deleteOverride(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (*struct{}, error) {
	err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.DeleteObject(ctx, "override", in.ID) })
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return nil, nil
}

func names[T ~string](ids []T) []string {
	out := make([]string, len(ids))
	for i, n := range ids {
		out[i] = string(n)
	}
	return out
}
