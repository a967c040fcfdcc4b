package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Duty says who is on duty on one schedule, until when, and who is next.
type Duty struct {
	Schedule string     `json:"schedule"`
	Users    []string   `json:"users" doc:"nobody in a gap"`
	Until    *time.Time `json:"until,omitempty" doc:"left out when nothing changes for a year or so"`
	Next     []string   `json:"next,omitempty"`
}

// DutyList is who is on duty at a time.
type DutyList struct {
	At         time.Time `json:"at"`
	Duty       []Duty    `json:"duty"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

func (a *API) duty(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-duty", Method: http.MethodGet, Path: "/api/v1/oncall", Tags: []string{tagDuty}, Errors: []int{400},
		Summary: "Who is on duty", Description: "On each schedule, by name, with until when and who is next.",
	}, a.listDuty)
}

func (a *API) listDuty(ctx context.Context, in *struct {
	At time.Time `query:"at" doc:"the instant asked about; now when it is left out"`
	Paged
},
) (*struct{ Body DutyList }, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	if err := soon(at); err != nil {
		return nil, err
	}
	ids := names(slices.Sorted(maps.Keys(dir.Schedules)))
	part, next, err := page(ids, in.Paged, func(id *string) string { return *id })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body DutyList }{DutyList{At: at, Duty: []Duty{}, NextCursor: next}}
	for _, id := range part {
		out.Body.Duty = append(out.Body.Duty, dutyOf(dir, dir.Schedules[scheduleID(id)], at))
	}
	return out, nil
}
