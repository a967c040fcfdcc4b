package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
	"toban/respond"
)

// Step is one line of a forecast.
type Step struct {
	At    time.Time `json:"at"`
	In    float64   `json:"in" doc:"seconds from the start"`
	Kind  string    `json:"kind"`
	Actor string    `json:"actor,omitempty"`
	Text  string    `json:"text" doc:"the line as a sentence, in the language asked for"`
	Data  Data      `json:"data"`
}

// Forecast is what will happen, or would, if people meet calls as assumed.
type Forecast struct {
	From  time.Time `json:"from"`
	Steps []Step    `json:"steps"`
}

type forecastOutput struct{ Body Forecast }

// Assumed is what a forecast takes for granted, and how far it looks.
type Assumed struct {
	Given []string `query:"given,explode" maxItems:"100" doc:"how people meet calls, such as matsu=busy or take=no answer,1 after 20s; nobody answers otherwise"`
	Hours float64  `query:"hours" minimum:"0.001" maximum:"744" default:"2" doc:"how far to look"`
	Spoken
}

func (a *API) forecast(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "rehearse", Method: http.MethodGet, Path: "/api/v1/forecast", Tags: []string{tagDuty}, Errors: []int{400, 404},
		Summary:     "What would happen if a service broke at a time",
		Description: "It is the same function that drives a real response; nobody is reached and nothing is written. Nobody answers unless `given` says so.",
	}, a.rehearse)
	register(a, h, huma.Operation{
		OperationID: "forecast-incident", Method: http.MethodGet, Path: "/api/v1/incidents/{id}/forecast", Tags: []string{tagIncidents}, Errors: []int{400, 404},
		Summary: "What will happen to an incident", Description: "If nobody does anything but what `given` assumes.",
	}, a.forecastIncident)
}

func (a *API) rehearse(ctx context.Context, in *struct {
	Assumed
	Service  string    `query:"service" required:"true" maxLength:"255" example:"checkout"`
	Severity string    `query:"severity" enum:"critical,error,warning,info" default:"critical"`
	At       time.Time `query:"at" doc:"when it breaks; now when it is left out"`
},
) (*forecastOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	assume, err := Assumptions(in.Given, dir)
	if err != nil {
		return nil, err
	}
	svc := dir.Service(oncall.ServiceID(in.Service))
	if svc == nil {
		return nil, unknown("service", in.Service)
	}
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	if err := soon(at); err != nil {
		return nil, err
	}
	sev, _ := oncall.ParseSeverity(in.Severity)
	list, _ := respond.Rehearse(dir, respond.Rehearsal{Service: svc, Severity: sev, At: at, Assume: assume, Until: at.Add(hours(in.Hours))})
	return steps(at, list, in.Spoken, dir), nil
}

// soon refuses a time that no calendar of people is about.
func soon(at time.Time) error {
	const years = 10 * 366 * 24 * time.Hour
	if d := time.Until(at); d > years || d < -years {
		return invalid("/at", "request.time", "the time has to lie within ten years from now")
	}
	return nil
}

func (a *API) forecastIncident(ctx context.Context, in *struct {
	Ref
	Assumed
},
) (*forecastOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	assume, err := Assumptions(in.Given, dir)
	if err != nil {
		return nil, err
	}
	id, err := a.o.Life.Find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	list, err := a.o.Respond.Forecast(ctx, id, assume, now.Add(hours(in.Hours)))
	if err != nil {
		return nil, err
	}
	return steps(now, list, in.Spoken, dir), nil
}

// Assumptions reads "user=reaction,reaction".
func Assumptions(given []string, dir *oncall.Directory) (oncall.Assumptions, error) {
	assume := oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{}}
	for _, g := range given {
		user, list, ok := strings.Cut(g, "=")
		if !ok {
			return assume, invalid("/given", "forecast.given", "given is user=reaction, such as matsu=busy")
		}
		if dir.Users[oncall.UserID(user)] == nil {
			return assume, invalid("/given", "user.unknown", "there is no user named "+user)
		}
		reactions, err := oncall.ParseReactions(list)
		if err != nil {
			return assume, err
		}
		assume.Calls[oncall.UserID(user)] = append(assume.Calls[oncall.UserID(user)], reactions...)
	}
	return assume, nil
}

func hours(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }

func steps(from time.Time, list []oncall.Step, s Spoken, dir *oncall.Directory) *forecastOutput {
	var out forecastOutput
	out.Body.From, out.Body.Steps = from, Steps(list, s, dir)
	return &out
}

// Steps is the wire form of a forecast, with its sentences in a language and
// the names of a directory.
func Steps(list []oncall.Step, spoken Spoken, dir *oncall.Directory) []Step {
	out := make([]Step, 0, len(list))
	for _, s := range list {
		e := wireEntry(s.Entry, spoken, dir)
		out = append(out, Step{At: s.At, In: s.In.Seconds(), Kind: e.Kind, Actor: e.Actor, Text: e.Text, Data: e.Data})
	}
	return out
}
