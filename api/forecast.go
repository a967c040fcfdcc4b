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

type forecastOutput struct {
	Body struct {
		From  time.Time `json:"from"`
		Steps []Step    `json:"steps"`
	}
}

// Assumed is what a forecast takes for granted, and how far it looks.
type Assumed struct {
	Given []string `query:"given,explode" maxItems:"100" doc:"how people meet calls, such as matsu=busy or take=no answer,1 after 20s; nobody answers otherwise"`
	Hours float64  `query:"hours" minimum:"0.001" maximum:"744" default:"2" doc:"how far to look"`
	Spoken
}

func (a *API) forecast(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "rehearse", Method: http.MethodGet, Path: "/api/v1/forecast", Summary: "What would happen if a service broke at a time", Errors: []int{400, 404},
	}, a.rehearse)
	huma.Register(h, huma.Operation{
		OperationID: "forecast-incident", Method: http.MethodGet, Path: "/api/v1/incidents/{id}/forecast", Summary: "What will happen to an incident if nobody does anything", Errors: []int{400, 404},
	}, a.forecastIncident)
}

func (a *API) rehearse(ctx context.Context, in *struct {
	Assumed
	Service  string    `query:"service" required:"true" maxLength:"255"`
	Severity string    `query:"severity" enum:"critical,error,warning,info" default:"critical"`
	At       time.Time `query:"at" doc:"now when it is left out"`
},
) (*forecastOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	assume, err := Assumptions(in.Given, dir)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	svc := dir.Service(oncall.ServiceID(in.Service))
	if svc == nil {
		return nil, a.failed(ctx, unknown("service", in.Service))
	}
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	sev, _ := oncall.ParseSeverity(in.Severity)
	return steps(at, respond.Rehearse(dir, svc, sev, at, assume, at.Add(hours(in.Hours))), in.Spoken, dir), nil
}

func (a *API) forecastIncident(ctx context.Context, in *struct {
	Ref
	Assumed
},
) (*forecastOutput, error) {
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	assume, err := Assumptions(in.Given, dir)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	id, err := a.life.Find(ctx, in.ID)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	now := time.Now()
	list, err := a.respond.Forecast(ctx, id, assume, now.Add(hours(in.Hours)))
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return steps(now, list, in.Spoken, dir), nil
}

// Assumptions reads "user=reaction,reaction".
func Assumptions(given []string, dir *oncall.Directory) (oncall.Assumptions, error) {
	assume := oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{}}
	for _, g := range given {
		user, list, ok := strings.Cut(g, "=")
		if !ok {
			return assume, &oncall.Error{Kind: oncall.Invalid, Code: "forecast.given", Message: "given is user=reaction, such as matsu=busy", Field: "/given"}
		}
		if dir.Users[oncall.UserID(user)] == nil {
			return assume, &oncall.Error{Kind: oncall.Invalid, Code: "user.unknown", Message: "there is no user named " + user, Field: "/given"}
		}
		for text := range strings.SplitSeq(list, ",") {
			r, err := oncall.ParseReaction(text)
			if err != nil {
				return assume, err
			}
			assume.Calls[oncall.UserID(user)] = append(assume.Calls[oncall.UserID(user)], r)
		}
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
