package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/i18n"
	"toban/incident"
	"toban/oncall"
	"toban/store"
)

// Incident is the wire form of an incident.
type Incident struct {
	ID             string     `json:"id" example:"inc_01j9z0c2w4m8k6v5t3r1q7p9n0"`
	Number         int64      `json:"number" doc:"what people say; unique, not without gaps"`
	Service        string     `json:"service"`
	State          string     `json:"state" enum:"triggered,acknowledged,resolved"`
	Severity       string     `json:"severity" enum:"critical,error,warning,info"`
	Urgency        string     `json:"urgency" enum:"high,low"`
	Title          string     `json:"title"`
	Stage          string     `json:"stage"`
	Count          int64      `json:"count" doc:"signals that said so"`
	TriggeredAt    time.Time  `json:"triggered_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
	ResolvedAt     *time.Time `json:"resolved_at,omitempty"`
	NextAt         *time.Time `json:"next_at,omitempty" doc:"when the next thing happens by itself"`
	NextWhy        string     `json:"next_why,omitempty"`
}

// Creation is what is needed to create an incident by hand.
type Creation struct {
	Service  string `json:"service" doc:"the service that has the problem" minLength:"1" maxLength:"255"`
	Title    string `json:"title" minLength:"1" maxLength:"1024"`
	Severity string `json:"severity,omitempty" enum:"critical,error,warning,info" default:"critical"`
	Key      string `json:"key,omitempty" maxLength:"255" doc:"the same key on an open incident adds to it"`
	Stage    string `json:"stage,omitempty" maxLength:"64"`
	By       string `json:"by,omitempty" maxLength:"255"`
}

// Ref names an incident.
type Ref struct {
	ID string `path:"id" doc:"number or id" maxLength:"64"`
}

type incidentOutput struct{ Body Incident }

func (a *API) incidents(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "list-incidents", Method: http.MethodGet, Path: "/api/v1/incidents", Summary: "List incidents, newest first",
	}, a.listIncidents)
	huma.Register(h, huma.Operation{
		OperationID: "get-incident", Method: http.MethodGet, Path: "/api/v1/incidents/{id}", Summary: "One incident with what happens next", Errors: []int{404},
	}, func(ctx context.Context, in *Ref) (*incidentOutput, error) { return a.incident(ctx, in.ID) })
	huma.Register(h, huma.Operation{
		OperationID: "create-incident", Method: http.MethodPost, Path: "/api/v1/incidents", Summary: "Create an incident by hand", DefaultStatus: http.StatusCreated, Errors: []int{404},
	}, a.createIncident)
	huma.Register(h, huma.Operation{
		OperationID: "get-timeline", Method: http.MethodGet, Path: "/api/v1/incidents/{id}/timeline", Summary: "The timeline of an incident, oldest first", Errors: []int{404},
	}, a.timeline)
}

type listInput struct {
	State   string `query:"state" enum:"open,triggered,acknowledged,resolved,all" default:"open"`
	Service string `query:"service" maxLength:"255"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"128" doc:"next_cursor of the page before"`
}

type listOutput struct {
	Body struct {
		Incidents  []Incident `json:"incidents"`
		NextCursor string     `json:"next_cursor,omitempty"`
	}
}

// states are the words of ?state=.
var states = map[string][]oncall.State{
	"open":         {oncall.Triggered, oncall.Acknowledged},
	"triggered":    {oncall.Triggered},
	"acknowledged": {oncall.Acknowledged},
	"resolved":     {oncall.Resolved},
	"all":          nil,
}

func (a *API) listIncidents(ctx context.Context, in *listInput) (*listOutput, error) {
	filter := store.IncidentFilter{States: states[in.State], Service: oncall.ServiceID(in.Service), Limit: in.Limit}
	if err := readCursor(in.Cursor, &filter); err != nil {
		return nil, a.failed(ctx, err)
	}
	var out listOutput
	out.Body.Incidents = []Incident{}
	err := a.db.Read(ctx, func(tx *store.Tx) error {
		list, err := tx.ListIncidents(ctx, filter)
		if err != nil {
			return err
		}
		ids := make([]oncall.IncidentID, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		rows, err := tx.Responses(ctx, ids)
		if err != nil {
			return err
		}
		for i := range list {
			out.Body.Incidents = append(out.Body.Incidents, wire(&list[i], rows[list[i].ID]))
		}
		if len(list) == in.Limit {
			last := list[len(list)-1]
			out.Body.NextCursor = strconv.FormatInt(last.TriggeredAt.UnixMilli(), 10) + "." + string(last.ID)
		}
		return nil
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return &out, nil
}

// readCursor reads "<milliseconds>.<id>", the place of the last row given.
func readCursor(cursor string, f *store.IncidentFilter) error {
	if cursor == "" {
		return nil
	}
	at, id, ok := strings.Cut(cursor, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return &oncall.Error{Kind: oncall.Invalid, Code: "request.cursor", Message: "the cursor is none that this API has given", Field: "/cursor"}
	}
	f.Before, f.BeforeID = time.UnixMilli(ms), oncall.IncidentID(id)
	return nil
}

func (a *API) incident(ctx context.Context, ref string) (*incidentOutput, error) {
	var out incidentOutput
	err := a.db.Read(ctx, func(tx *store.Tx) error {
		inc, err := incident.Lookup(ctx, tx, ref)
		if err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, []oncall.IncidentID{inc.ID})
		if err != nil {
			return err
		}
		out.Body = wire(inc, rows[inc.ID])
		return nil
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return &out, nil
}

func (a *API) createIncident(ctx context.Context, in *struct{ Body Creation }) (*incidentOutput, error) {
	if in.Body.By != "" {
		if err := a.known(ctx, "/by", in.Body.By); err != nil {
			return nil, a.failed(ctx, err)
		}
	}
	sev, _ := oncall.ParseSeverity(in.Body.Severity)
	inc, err := a.life.Create(ctx, incident.ByHand{
		Service: oncall.ServiceID(in.Body.Service), Title: in.Body.Title, Severity: sev, Key: in.Body.Key,
		Stage: oncall.Stage(in.Body.Stage), By: oncall.UserID(in.Body.By), Via: "api",
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return a.incident(ctx, string(inc.ID))
}

type timelineInput struct {
	Ref
	After int64 `query:"after" minimum:"0" doc:"only lines behind this seq"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"500"`
	Spoken
}

// Spoken says in which language sentences are wanted.
type Spoken struct {
	Lang string `query:"lang" enum:"en,ja" default:"en"`
	Zone string `query:"zone" maxLength:"64" doc:"of the times in sentences: an offset such as +09:00, or an IANA name; the installation's when left out"`
}

// names are what sentences call things, in the zone asked for.
func (s Spoken) names(dir *oncall.Directory) i18n.Names {
	n := i18n.Names{Directory: dir}
	if at, err := time.Parse("-07:00", s.Zone); err == nil {
		n.Zone = at.Location()
	} else if loc, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" && s.Zone != "Local" {
		n.Zone = loc
	}
	return n
}

type timelineOutput struct {
	Body struct {
		Entries []Entry `json:"entries"`
	}
}

func (a *API) timeline(ctx context.Context, in *timelineInput) (*timelineOutput, error) {
	var out timelineOutput
	out.Body.Entries = []Entry{}
	err := a.db.Read(ctx, func(tx *store.Tx) error {
		inc, err := incident.Lookup(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		entries, err := tx.Timeline(ctx, inc.ID, in.After, in.Limit)
		for _, e := range entries {
			out.Body.Entries = append(out.Body.Entries, wireEntry(e, in.Spoken, dir))
		}
		return err
	})
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return &out, nil
}

func wire(inc *oncall.Incident, row *store.ResponseRow) Incident {
	out := Incident{
		ID: string(inc.ID), Number: inc.Number, Service: string(inc.Service), State: string(inc.State), Severity: string(inc.Severity),
		Urgency: string(inc.Urgency), Title: inc.Title, Stage: string(inc.Stage), Count: inc.Count, TriggeredAt: inc.TriggeredAt,
		AcknowledgedAt: optional(inc.AcknowledgedAt), AcknowledgedBy: string(inc.AcknowledgedBy), ResolvedAt: optional(inc.ResolvedAt),
	}
	if row != nil {
		out.NextAt, out.NextWhy = optional(row.NextAt), string(row.NextWhy)
	}
	return out
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
