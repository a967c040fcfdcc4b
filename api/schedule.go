package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
	"toban/store"
)

// Schedule is who is on duty over time, as it is written down.
type Schedule struct {
	Name     string  `json:"name"`
	Zone     string  `json:"zone" doc:"IANA"`
	Holidays string  `json:"holidays,omitempty" doc:"country whose holidays its weekdays leave out"`
	Layers   []Layer `json:"layers" doc:"the later cover the earlier"`
	Group    string  `json:"group,omitempty" doc:"chat group that follows who is on duty"`
	Topic    string  `json:"topic,omitempty" doc:"chat channel whose topic does"`
	Place    string  `json:"place,omitempty" doc:"file and line that manage it"`
	Now      Duty    `json:"now"`
}

// Layer is users taking turns.
type Layer struct {
	Name    string   `json:"name"`
	Users   []string `json:"users"`
	Every   string   `json:"every,omitempty" doc:"such as 1 week; left out when it is always the first user"`
	Handoff string   `json:"handoff,omitempty" doc:"time of day at which a turn begins"`
	Limited bool     `json:"limited" doc:"it holds in some hours only"`
}

// Shift is a span of one user on duty.
type Shift struct {
	User     string    `json:"user"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Layer    string    `json:"layer,omitempty"`
	Override bool      `json:"override,omitempty"`
}

// Gap is a span in which nobody is on duty.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// ScheduleList is one page of schedules.
type ScheduleList struct {
	Schedules  []Schedule `json:"schedules"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

// Rota is a schedule with its shifts and gaps in a span.
type Rota struct {
	Schedule
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Shifts     []Shift   `json:"shifts"`
	Gaps       []Gap     `json:"gaps" doc:"of the whole span, the first thousand; with the first page only"`
	NextCursor string    `json:"next_cursor,omitempty" doc:"of the shifts"`
}

// Named names an object of the configuration.
type Named struct {
	Name string `path:"name" maxLength:"255"`
}

func (a *API) schedules(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-schedules", Method: http.MethodGet, Path: "/api/v1/schedules", Tags: []string{tagDuty}, Errors: []int{400},
		Summary: "List schedules by name", Description: "With who is on duty now.",
	}, a.listSchedules)
	register(a, h, huma.Operation{
		OperationID: "get-schedule", Method: http.MethodGet, Path: "/api/v1/schedules/{name}", Tags: []string{tagDuty}, Errors: []int{400, 404},
		Summary: "A schedule with its shifts and gaps", Description: "In the span from `from` to `to`, at most 400 days; overrides are in it.",
	}, a.getSchedule)
}

// scheduleID reads a name from a request.
func scheduleID(name string) oncall.ScheduleID { return oncall.ScheduleID(name) }

// places is where the objects of a kind are written, by name.
func places(ctx context.Context, tx *store.Tx, kind string) (map[string]string, error) {
	objects, err := tx.Objects(ctx, kind)
	if err != nil {
		return nil, err
	}
	at := make(map[string]string, len(objects))
	for _, o := range objects {
		if o.File != "" {
			at[o.Name] = o.File + ":" + strconv.Itoa(o.Line)
		}
	}
	return at, nil
}

// configured is the directory, and where its objects of a kind are written.
func (a *API) configured(ctx context.Context, kind string) (dir *oncall.Directory, at map[string]string, err error) {
	err = a.o.DB.Read(ctx, func(tx *store.Tx) error {
		if dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		at, err = places(ctx, tx, kind)
		return err
	})
	return dir, at, err
}

func (a *API) listSchedules(ctx context.Context, in *Paged) (*struct{ Body ScheduleList }, error) {
	dir, at, err := a.configured(ctx, store.ObjectSchedule)
	if err != nil {
		return nil, err
	}
	ids := slices.Sorted(maps.Keys(dir.Schedules))
	part, next, err := page(ids, *in, func(id *oncall.ScheduleID) string { return string(*id) })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body ScheduleList }{ScheduleList{Schedules: []Schedule{}, NextCursor: next}}
	for _, id := range part {
		out.Body.Schedules = append(out.Body.Schedules, wireSchedule(dir, dir.Schedules[id], at[string(id)], time.Now()))
	}
	return out, nil
}

const (
	longestSpan = 400 * 24 * time.Hour
	maxGaps     = 1000
)

func (a *API) getSchedule(ctx context.Context, in *struct {
	Named
	From   time.Time `query:"from" doc:"now when it is left out"`
	To     time.Time `query:"to" doc:"two weeks later when it is left out"`
	Limit  int       `query:"limit" minimum:"1" maximum:"2000" default:"500" doc:"how many shifts at most"`
	Cursor string    `query:"cursor" maxLength:"16" doc:"next_cursor of the page before"`
},
) (*struct{ Body Rota }, error) {
	dir, at, err := a.configured(ctx, store.ObjectSchedule)
	if err != nil {
		return nil, err
	}
	s := dir.Schedules[scheduleID(in.Name)]
	if s == nil {
		return nil, unknown("schedule", in.Name)
	}
	now := time.Now()
	from, to, err := span(in.From, in.To, now)
	if err != nil {
		return nil, err
	}
	skip, err := offset(in.Cursor, 100_000)
	if err != nil {
		return nil, err
	}
	all := s.Shifts(dir, from, to)
	out := Rota{Schedule: wireSchedule(dir, s, at[in.Name], now), From: from, To: to, Gaps: []Gap{}}
	out.Shifts = wireShifts(all[min(skip, len(all)):min(skip+in.Limit, len(all))])
	if skip+in.Limit < len(all) {
		out.NextCursor = strconv.Itoa(skip + in.Limit)
	}
	if skip == 0 {
		for _, g := range s.Gaps(dir, from, to) {
			if len(out.Gaps) < maxGaps {
				out.Gaps = append(out.Gaps, Gap{g.From, g.To})
			}
		}
	}
	return &struct{ Body Rota }{out}, nil
}

// span completes a span of time and refuses one that is too long to compute.
func span(from, to, now time.Time) (time.Time, time.Time, error) {
	if from.IsZero() {
		from = now.UTC().Truncate(time.Minute)
	}
	if to.IsZero() {
		to = from.AddDate(0, 0, 14)
	}
	switch {
	case !to.After(from):
		return from, to, invalid("/to", "request.time", "the span ends after it begins")
	case to.Sub(from) > longestSpan:
		return from, to, invalid("/to", "request.time", "a span is at most 400 days long; ask for the rest in another request")
	}
	return from, to, soon(from)
}

func wireSchedule(dir *oncall.Directory, s *oncall.Schedule, place string, now time.Time) Schedule {
	out := Schedule{
		Name: string(s.ID), Zone: s.Zone, Holidays: s.Holidays, Layers: []Layer{}, Group: s.Chat.Group, Topic: s.Chat.Topic,
		Place: place, Now: dutyOf(dir, s, now),
	}
	for _, l := range s.Layers {
		layer := Layer{Name: l.Name, Users: names(l.Users), Limited: l.During != nil}
		if l.Rotate != nil {
			layer.Every = strconv.Itoa(l.Rotate.Every) + " " + string(l.Rotate.Unit)
			layer.Handoff = clock(l.Rotate.Handoff)
		}
		out.Layers = append(out.Layers, layer)
	}
	return out
}

// dutyOf is who is on duty on a schedule at a time.
func dutyOf(dir *oncall.Directory, s *oncall.Schedule, at time.Time) Duty {
	users, until := s.OnDuty(dir, at)
	d := Duty{Schedule: string(s.ID), Users: names(users), Until: optional(until)}
	if !until.IsZero() {
		next, _ := s.OnDuty(dir, until)
		d.Next = names(next)
	}
	return d
}

func wireShifts(list []oncall.Shift) []Shift {
	out := make([]Shift, 0, len(list))
	for _, s := range list {
		out = append(out, Shift{User: string(s.User), From: s.From, To: s.To, Layer: s.Layer, Override: s.Override})
	}
	slices.SortStableFunc(out, func(a, b Shift) int { return cmp.Compare(a.From.UnixMilli(), b.From.UnixMilli()) })
	return out
}

// clock writes a time of day.
func clock(c oncall.Clock) string {
	two := func(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }
	return two(int(c)/60) + ":" + two(int(c)%60)
}
