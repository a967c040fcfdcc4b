package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// MonitorCheck is one look at a target, with what came back.
type MonitorCheck struct {
	Up       bool            `json:"up"`
	At       time.Time       `json:"at" doc:"when it began"`
	Took     float64         `json:"took" doc:"seconds"`
	Reason   string          `json:"reason,omitempty" doc:"why not, as a word"`
	Message  string          `json:"message,omitempty" doc:"the same as a sentence"`
	Phases   []MonitorPhase  `json:"phases" doc:"in the order in which they happened"`
	Evidence MonitorEvidence `json:"evidence"`
}

// MonitorPhase is a part of a check.
type MonitorPhase struct {
	Name string  `json:"name" doc:"resolve, connect, tls, processing, transfer, …"`
	Took float64 `json:"took" doc:"seconds"`
}

// MonitorEvidence is what was tried and what came back. Secrets of the request are
// not in it.
type MonitorEvidence struct {
	Tried    []string `json:"tried" doc:"each address, redirect and query in turn, with what became of it"`
	Status   string   `json:"status,omitempty"`
	Headers  []string `json:"headers" doc:"of the answer"`
	Body     string   `json:"body,omitempty" doc:"its beginning"`
	BodySize int64    `json:"body_size,omitempty" doc:"bytes, as far as it was read"`
	Chain    []string `json:"chain" doc:"subject, issuer and end of each certificate"`
}

// MonitorFailure is a check that failed.
type MonitorFailure struct {
	ID       string          `json:"id"`
	Location string          `json:"location"`
	At       time.Time       `json:"at"`
	Reason   string          `json:"reason"`
	Message  string          `json:"message"`
	Evidence MonitorEvidence `json:"evidence"`
}

// MonitorFailureList are the last failures of a monitor.
type MonitorFailureList struct {
	Failures []MonitorFailure `json:"failures" doc:"the newest first"`
}

// MonitorDay is how a monitor stood on one day of the installation's calendar.
// What is in none of the three was not watched.
type MonitorDay struct {
	Date     string  `json:"date" format:"date"`
	Location string  `json:"location,omitempty" doc:"none = as a whole"`
	Up       float64 `json:"up" doc:"seconds"`
	Down     float64 `json:"down" doc:"seconds"`
	Unknown  float64 `json:"unknown" doc:"seconds"`
	Checks   int64   `json:"checks"`
	Failures int64   `json:"failures"`
}

// MonitorDayList are days of a monitor.
type MonitorDayList struct {
	Days []MonitorDay `json:"days" doc:"the oldest first"`
}

// Ping is a report of a job.
type Ping struct {
	N       int64     `json:"n" doc:"counted from 1"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" enum:"success,start,fail,log,ignored"`
	Exit    *int      `json:"exit,omitempty" doc:"the exit status, where it was said"`
	Run     string    `json:"run,omitempty" doc:"which run it is about"`
	Took    float64   `json:"took,omitempty" doc:"seconds since the run's start"`
	Address string    `json:"address" doc:"of the sender"`
	Agent   string    `json:"agent,omitempty" doc:"what the sender calls itself"`
	Body    string    `json:"body,omitempty"`
}

// PingList are the last pings of a heartbeat.
type PingList struct {
	Pings []Ping `json:"pings" doc:"the newest first"`
}

func (a *API) monitorPast(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "check-monitor", Method: http.MethodPost, Path: "/api/v1/monitors/{name}/check", Tags: []string{tagMonitors}, Errors: []int{400, 404},
		Summary: "Ask a target now", Description: "Says all that came back, within the monitor's time-out. It asks from here; other locations answer at their next turn. The state is decided by its own checks.",
	}, func(ctx context.Context, in *Named) (*struct{ Body MonitorCheck }, error) {
		if a.o.Monitors == nil {
			return nil, errNoMonitors
		}
		res, err := a.o.Monitors.Check(ctx, oncall.MonitorID(in.Name))
		if err != nil {
			return nil, err
		}
		return &struct{ Body MonitorCheck }{wireCheck(res)}, nil
	})
	register(a, h, huma.Operation{
		OperationID: "list-monitor-days", Method: http.MethodGet, Path: "/api/v1/monitors/{name}/days", Tags: []string{tagMonitors}, Errors: []int{404},
		Summary: "How a monitor stood day by day", Description: "Of monitors that ask a target; 400 days are kept. With several locations each has days of its own, too.",
	}, a.monitorDays)
	register(a, h, huma.Operation{
		OperationID: "list-monitor-failures", Method: http.MethodGet, Path: "/api/v1/monitors/{name}/failures", Tags: []string{tagMonitors}, Errors: []int{404},
		Summary: "The last failures of a monitor", Description: "With what was tried and what came back: the last 20, not each of a row.",
	}, func(ctx context.Context, in *Named) (*struct{ Body MonitorFailureList }, error) {
		if _, err := a.monitorNow(ctx, oncall.MonitorID(in.Name)); err != nil {
			return nil, err
		}
		list, err := a.o.Monitors.Failures(ctx, oncall.MonitorID(in.Name))
		out := MonitorFailureList{Failures: []MonitorFailure{}}
		for i := range list {
			var e probe.Evidence
			_ = json.Unmarshal(list[i].Evidence, &e) // what can't be read is not there
			out.Failures = append(out.Failures, MonitorFailure{
				ID: list[i].ID, Location: list[i].Location, At: list[i].At, Reason: list[i].Reason, Message: list[i].Message, Evidence: wireEvidence(&e),
			})
		}
		return &struct{ Body MonitorFailureList }{out}, err
	})
	register(a, h, huma.Operation{
		OperationID: "list-pings", Method: http.MethodGet, Path: "/api/v1/monitors/{name}/pings", Tags: []string{tagMonitors}, Errors: []int{404},
		Summary: "The last pings of a heartbeat", Description: "With what they had with them; 100 are kept.",
	}, a.pings)
}

func (a *API) monitorDays(ctx context.Context, in *struct {
	Named
	Days int `query:"days" minimum:"1" maximum:"400" default:"90" doc:"how many, up to today"`
},
) (*struct{ Body MonitorDayList }, error) {
	if _, err := a.monitorNow(ctx, oncall.MonitorID(in.Name)); err != nil {
		return nil, err
	}
	dir, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.o.Monitors.DayRows(ctx, oncall.MonitorID(in.Name), in.Days, time.Now(), dir.Settings.Location())
	out := MonitorDayList{Days: []MonitorDay{}}
	for _, d := range rows {
		out.Days = append(out.Days, MonitorDay{
			Date: time.Unix(d.Day*24*60*60, 0).UTC().Format(time.DateOnly), Location: d.Location,
			Up: seconds(d.Up), Down: seconds(d.Down), Unknown: seconds(d.Unknown), Checks: d.Checks, Failures: d.Failures,
		})
	}
	return &struct{ Body MonitorDayList }{out}, err
}

func (a *API) pings(ctx context.Context, in *struct {
	Named
	Limit  int   `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"how many at most"`
	Before int64 `query:"before" minimum:"0" doc:"only those before the n-th"`
},
) (*struct{ Body PingList }, error) {
	if _, err := a.monitorNow(ctx, oncall.MonitorID(in.Name)); err != nil {
		return nil, err
	}
	list, err := a.o.Monitors.Pings(ctx, oncall.MonitorID(in.Name), in.Before, in.Limit)
	out := PingList{Pings: []Ping{}}
	for i := range list {
		out.Pings = append(out.Pings, wirePing(&list[i]))
	}
	return &struct{ Body PingList }{out}, err
}

func wirePing(p *store.Ping) Ping {
	return Ping{N: p.N, At: p.At, Kind: string(p.Kind), Exit: p.Exit, Run: p.Run, Took: seconds(p.Took), Address: p.Address, Agent: p.Agent, Body: p.Body}
}

func wireCheck(r *probe.Result) MonitorCheck {
	out := MonitorCheck{
		Up: r.Up, At: r.Start.UTC().Truncate(time.Millisecond), Took: seconds(r.Duration.Round(time.Microsecond)), Reason: string(r.Reason), Message: r.Message,
		Phases: []MonitorPhase{}, Evidence: wireEvidence(r.Evidence),
	}
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, MonitorPhase{Name: p.Name, Took: seconds(p.Duration.Round(time.Microsecond))})
	}
	return out
}

func wireEvidence(e *probe.Evidence) MonitorEvidence {
	if e == nil {
		e = &probe.Evidence{}
	}
	list := func(all []string) []string {
		if all == nil {
			return []string{}
		}
		return all
	}
	return MonitorEvidence{Tried: list(e.Tried), Status: e.Status, Headers: list(e.Headers), Body: e.Body, BodySize: e.BodySize, Chain: list(e.Chain)}
}
