package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/incident"
	"toban/oncall"
	"toban/store"
)

// Incident is the wire form of an incident.
type Incident struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number" doc:"what people say; unique, not without gaps"`
	Service        string     `json:"service"`
	State          string     `json:"state" enum:"triggered,acknowledged,resolved"`
	Severity       string     `json:"severity" enum:"critical,error,warning,info" doc:"the worst of its alerts so far"`
	Urgency        string     `json:"urgency" enum:"high,low" doc:"high wakes people"`
	Title          string     `json:"title"`
	Stage          string     `json:"stage" doc:"production, or a stage of the gateway"`
	Count          int64      `json:"count" doc:"signals that said so"`
	TriggeredAt    time.Time  `json:"triggered_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty" doc:"the user who has it"`
	ResolvedAt     *time.Time `json:"resolved_at,omitempty"`
	NextAt         *time.Time `json:"next_at,omitempty" doc:"when toban itself looks again, at the latest: people see next_step"`
	NextWhy        string     `json:"next_why,omitempty" doc:"what that is, such as level, round, lapse"`
	NextStep       *Step      `json:"next_step,omitempty" doc:"what people notice next if nobody does anything: the first such line of the forecast; none where nothing happens by itself"`
}

// Creation is what is needed to create an incident by hand.
type Creation struct {
	Service  string `json:"service" doc:"the service that has the problem" minLength:"1" maxLength:"255"`
	Title    string `json:"title" minLength:"1" maxLength:"1024"`
	Severity string `json:"severity,omitempty" enum:"critical,error,warning,info" default:"critical"`
	Urgency  string `json:"urgency,omitempty" enum:"high,low" doc:"as the service has it for the severity when left out"`
	Key      string `json:"key,omitempty" maxLength:"200" doc:"the same key on an open incident adds to it"`
	Stage    string `json:"stage,omitempty" maxLength:"64" doc:"production when left out"`
	By       string `json:"by,omitempty" maxLength:"255" doc:"the user who creates it; your own when left out"`
}

// Ref names an incident.
type Ref struct {
	ID string `path:"id" doc:"its number or id" maxLength:"64" example:"42"`
}

type incidentOutput struct{ Body Incident }

func (a *API) incidents(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "get-incident", Method: http.MethodGet, Path: "/api/v1/incidents/{id}", Tags: []string{tagIncidents}, Errors: []int{404},
		Summary: "One incident", Description: "With who has it, and when the next thing happens by itself.",
	}, func(ctx context.Context, in *struct {
		Ref
		Spoken
	},
	) (*incidentOutput, error) {
		return a.incident(ctx, in.ID, in.Spoken)
	})
	register(a, h, huma.Operation{
		OperationID: "create-incident", Method: http.MethodPost, Path: "/api/v1/incidents", Tags: []string{tagIncidents},
		DefaultStatus: http.StatusCreated, Errors: []int{400},
		Summary:     "Create an incident by hand",
		Description: "It takes the way of every signal: it is deduplicated by its key and pages as an alert would.",
	}, a.createIncident)
}

func (a *API) incident(ctx context.Context, ref string, spoken Spoken) (*incidentOutput, error) {
	var out incidentOutput
	err := a.o.DB.Read(ctx, func(tx *store.Tx) error {
		inc, err := incident.Lookup(ctx, tx, ref)
		if err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, []oncall.IncidentID{inc.ID})
		if err != nil {
			return err
		}
		list := []Incident{wire(inc, rows[inc.ID])}
		err = a.foresee(ctx, tx, list, rows, spoken)
		out.Body = list[0]
		return err
	})
	return &out, err
}

func (a *API) createIncident(ctx context.Context, in *struct{ Body Creation }) (*incidentOutput, error) {
	p, _ := access.From(ctx)
	by := p.User // an account that is no user may tell of a problem, too: nobody will be asked about it
	if in.Body.By != "" {
		var err error
		if by, err = a.actor(ctx, in.Body.By); err != nil {
			return nil, err
		}
	}
	sev, _ := oncall.ParseSeverity(in.Body.Severity)
	inc, err := a.o.Life.Create(ctx, incident.ByHand{
		Service: oncall.ServiceID(in.Body.Service), Title: in.Body.Title, Severity: sev, Urgency: oncall.Urgency(in.Body.Urgency), Key: in.Body.Key,
		Stage: oncall.Stage(in.Body.Stage), By: by, Via: via(ctx, ""),
	})
	if err != nil {
		return nil, err
	}
	return a.incident(ctx, string(inc.ID), Spoken{})
}

// foresee says of each incident what people notice next.
func (a *API) foresee(ctx context.Context, tx *store.Tx, list []Incident, rows map[oncall.IncidentID]*store.ResponseRow, spoken Spoken) error {
	now := time.Now()
	next, err := a.o.Respond.NextSteps(ctx, tx, rows, now)
	if err != nil || len(next) == 0 {
		return err
	}
	dir, err := tx.Directory(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if step, ok := next[oncall.IncidentID(list[i].ID)]; ok {
			list[i].NextStep = &Steps([]oncall.Step{step}, spoken, dir)[0]
		}
	}
	return nil
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
