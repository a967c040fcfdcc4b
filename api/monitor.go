package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/detect"
	"toban/detect/standing"
	"toban/oncall"
	"toban/store"
)

// Monitor is one thing that toban watches by itself, and how it stands.
type Monitor struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Kind        string          `json:"kind" enum:"http,ping,tcp,dns,certificate,grpc,heartbeat,promql,metric"`
	Target      string          `json:"target" doc:"what is asked: a target, an expression, the plan of a heartbeat"`
	State       string          `json:"state" enum:"down,unknown,up,paused"`
	Since       *time.Time      `json:"since,omitempty"`
	Doubt       bool            `json:"doubt" doc:"the last check failed, and it is not believed yet; a heartbeat is late"`
	Reason      string          `json:"reason,omitempty" doc:"why it is down or in doubt, as a word"`
	Message     string          `json:"message,omitempty" doc:"the same as a sentence"`
	LastAt      *time.Time      `json:"last_at,omitempty" doc:"of the last check or report, as far as the node that answers knows"`
	Took        float64         `json:"took,omitempty" doc:"seconds that it took"`
	Certificate *time.Time      `json:"certificate_ends,omitempty" doc:"the first end in the chain that the target showed"`
	Problem     string          `json:"problem,omitempty" doc:"why it can't be watched"`
	Uptime      *MonitorUptime  `json:"uptime,omitempty" doc:"how much of the time it was up; in a list only when it is asked for"`
	Every       float64         `json:"every,omitempty" doc:"seconds"`
	Severity    string          `json:"severity" enum:"critical,error,warning,info"`
	Service     string          `json:"service,omitempty" doc:"that its alerts go to"`
	Places      []MonitorPlace  `json:"places" doc:"what each location says"`
	Expression  string          `json:"expression" doc:"the PromQL that means the same"`
	Written     json.RawMessage `json:"written" doc:"as somebody wrote it, without secrets; what PUT takes. Values of the target's query are there for managers alone"`
	Place       string          `json:"place,omitempty" doc:"file and line that manage it"`
	PingURL     string          `json:"ping_url,omitempty" doc:"of a heartbeat, for managers: who knows it can say that the job has run"`
	Expected    *time.Time      `json:"expected,omitempty" doc:"when a heartbeat's next report is"`
	Deadline    *time.Time      `json:"deadline,omitempty" doc:"when it is down without one"`
}

// MonitorUptime is how much of what is known of a span a monitor was up, from 0 to
// 1. A span of which no more is known than of a shorter one is left out.
type MonitorUptime struct {
	Since   *time.Time `json:"since,omitempty" doc:"when it began to be watched; none = more than 90 days ago"`
	Day     *float64   `json:"day,omitempty" doc:"of the last 24 hours"`
	Month   *float64   `json:"month,omitempty" doc:"of the last 30 days"`
	Quarter *float64   `json:"quarter,omitempty" doc:"of the last 90 days"`
}

// MonitorPlace is what one location says of a monitor.
type MonitorPlace struct {
	Location string     `json:"location"`
	State    string     `json:"state" enum:"down,unknown,up"`
	Since    *time.Time `json:"since,omitempty"`
	LastAt   *time.Time `json:"last_at,omitempty"`
	Muted    bool       `json:"muted" doc:"its own network is broken, so it has no say"`
	Reason   string     `json:"reason,omitempty" doc:"of its last failure"`
}

// MonitorList is one page of monitors.
type MonitorList struct {
	Monitors   []Monitor `json:"monitors"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

// errNoMonitors is the answer of an API that watches nothing.
var errNoMonitors = &oncall.Error{Kind: oncall.Unavailable, Code: "monitor.unavailable", Message: "this toban does not watch anything"}

func (a *API) monitors(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-monitors", Method: http.MethodGet, Path: "/api/v1/monitors", Tags: []string{tagMonitors}, Errors: []int{400},
		Summary: "List monitors", Description: "With how they stand, in the order of the files; those that were made at run time follow.",
	}, a.listMonitors)
	register(a, h, huma.Operation{
		OperationID: "get-monitor", Method: http.MethodGet, Path: "/api/v1/monitors/{name}", Tags: []string{tagMonitors}, Errors: []int{404},
		Summary: "One monitor", Description: "How it stands, and what each location says.",
	}, func(ctx context.Context, in *Named) (*struct{ Body Monitor }, error) {
		m, err := a.monitorNow(ctx, oncall.MonitorID(in.Name))
		return &struct{ Body Monitor }{m}, err
	})
	register(a, h, huma.Operation{
		OperationID: "put-monitor", Method: http.MethodPut, Path: "/api/v1/monitors/{name}", Tags: []string{tagMonitors},
		MaxBodyBytes: maxMonitor, Errors: []int{400, 409},
		Summary:     "Make or change a monitor",
		Description: "The body is what stands behind its name in the section monitors of a file. One that a file manages is changed there.",
	}, func(ctx context.Context, in *struct {
		Named
		Body json.RawMessage
	},
	) (*struct{ Body Monitor }, error) {
		if a.o.Monitors == nil {
			return nil, errNoMonitors
		}
		m, err := a.o.Edit.PutMonitor(ctx, in.Name, in.Body)
		if err != nil {
			return nil, err
		}
		a.follow(ctx)
		out, err := a.monitorNow(ctx, m.ID)
		return &struct{ Body Monitor }{out}, err
	})
	register(a, h, huma.Operation{
		OperationID: "delete-monitor", Method: http.MethodDelete, Path: "/api/v1/monitors/{name}", Tags: []string{tagMonitors}, Errors: []int{404, 409},
		Summary: "Delete a monitor", Description: "An open alert of it ends. The answer is the monitor as it was.",
	}, func(ctx context.Context, in *Named) (*struct{ Body Monitor }, error) {
		was, err := a.monitorNow(ctx, oncall.MonitorID(in.Name))
		if err != nil {
			return nil, err
		}
		_, err = a.o.Edit.DeleteMonitor(ctx, oncall.MonitorID(in.Name))
		if err != nil {
			return nil, err
		}
		was.PingURL = ""
		a.follow(ctx)
		return &struct{ Body Monitor }{was}, nil
	})
	a.monitorPast(h)
}

// follow lets what was changed be watched at once; it is anyway, a moment later.
func (a *API) follow(ctx context.Context) {
	if err := a.o.Monitors.Follow(ctx); err != nil {
		a.o.Log.WarnContext(ctx, "a changed monitor is watched a moment later", "err", err)
	}
}

// maxMonitor is how many bytes describe a monitor.
const maxMonitor = 64 << 10

func (a *API) listMonitors(ctx context.Context, in *struct {
	Paged
	State   string `query:"state" enum:"down,unknown,up,paused" doc:"only those"`
	Kind    string `query:"kind" enum:"http,ping,tcp,dns,certificate,grpc,heartbeat,promql,metric" doc:"only those"`
	Service string `query:"service" maxLength:"255" doc:"only those whose alerts go there"`
	Text    string `query:"text" maxLength:"200" doc:"in the name, the title or the target"`
	Uptime  bool   `query:"uptime" doc:"with their uptime"`
},
) (*struct{ Body MonitorList }, error) {
	if a.o.Monitors == nil {
		return nil, errNoMonitors
	}
	dir, at, err := a.configured(ctx, store.ObjectMonitor)
	if err != nil {
		return nil, err
	}
	all, err := a.o.Monitors.All(ctx)
	if err != nil {
		return nil, err
	}
	text := strings.ToLower(in.Text)
	all = slices.DeleteFunc(all, func(s standing.Standing) bool {
		m := s.Monitor
		return in.State != "" && in.State != string(s.State) || in.Kind != "" && in.Kind != string(m.Kind) ||
			in.Service != "" && in.Service != serviceOf(dir, m) ||
			text != "" && !strings.Contains(strings.ToLower(m.Name+"\n"+string(m.ID)+"\n"+standing.Asked(m)), text)
	})
	part, next, err := page(all, in.Paged, func(s *standing.Standing) string { return string(s.Monitor.ID) })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body MonitorList }{MonitorList{Monitors: []Monitor{}, NextCursor: next}}
	for i := range part {
		out.Body.Monitors = append(out.Body.Monitors, a.wireMonitor(ctx, dir, &part[i], at[string(part[i].Monitor.ID)]))
	}
	if in.Uptime {
		err = a.uptimes(ctx, dir, part, out.Body.Monitors)
	}
	return out, err
}

// uptimes says of monitors how much of the time they were up; wired has them in
// the same order.
func (a *API) uptimes(ctx context.Context, dir *oncall.Directory, of []standing.Standing, wired []Monitor) error {
	ids := make([]oncall.MonitorID, len(of))
	for i := range of {
		ids[i] = of[i].Monitor.ID
	}
	now := time.Now()
	past, err := a.o.Monitors.Histories(ctx, ids, now, dir.Settings.Location())
	if err != nil {
		return err
	}
	share := func(f standing.Figure) *float64 {
		if !f.Known {
			return nil
		}
		return &f.Share
	}
	for i := range of {
		h := past[ids[i]].Joined(&of[i], now)
		day, month, quarter := h.Figures(now)
		if u := (MonitorUptime{Since: moment(h.Since), Day: share(day), Month: share(month), Quarter: share(quarter)}); u != (MonitorUptime{}) {
			wired[i].Uptime = &u
		}
	}
	return nil
}

// monitorNow is a monitor as it stands.
func (a *API) monitorNow(ctx context.Context, id oncall.MonitorID) (Monitor, error) {
	if a.o.Monitors == nil {
		return Monitor{}, errNoMonitors
	}
	dir, at, err := a.configured(ctx, store.ObjectMonitor)
	if err != nil {
		return Monitor{}, err
	}
	of, err := a.o.Monitors.One(ctx, id)
	if err != nil {
		return Monitor{}, err
	}
	out := []Monitor{a.wireMonitor(ctx, dir, &of, at[string(id)])}
	err = a.uptimes(ctx, dir, []standing.Standing{of}, out)
	return out[0], err
}

func serviceOf(dir *oncall.Directory, m *oncall.Monitor) string {
	svc := dir.Service(m.Service)
	if svc == nil {
		svc, _ = dir.Route(detect.Labels(m))
	}
	if svc == nil {
		return ""
	}
	return string(svc.ID)
}

func (a *API) wireMonitor(ctx context.Context, dir *oncall.Directory, s *standing.Standing, place string) Monitor {
	m := s.Monitor
	out := Monitor{
		Name: string(m.ID), Title: m.Name, Kind: string(m.Kind), Target: standing.Asked(m), State: string(s.State), Since: moment(s.Since),
		Doubt: s.Doubt, Reason: s.Reason, Message: s.Message, LastAt: moment(s.Last), Took: seconds(s.Took.Round(time.Microsecond)),
		Certificate: moment(s.Ends), Problem: s.Problem, Every: seconds(m.Every), Severity: string(m.Severity), Service: serviceOf(dir, m),
		Places: []MonitorPlace{}, Expression: m.Expression(), Written: json.RawMessage(m.ShownWritten()), Place: place,
	}
	who, known := access.From(ctx)
	manages := known && who.Role.Includes(access.Manager)
	if manages {
		out.Written = json.RawMessage(m.Written)
	}
	if !json.Valid(out.Written) {
		out.Written = json.RawMessage("{}")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Places)) {
		p := s.Places[name]
		last := p.At
		if heard := s.Heard[name].At; heard.After(last) {
			last = heard
		}
		out.Places = append(out.Places, MonitorPlace{Location: name, State: string(p.Now()), Since: moment(p.Since), LastAt: moment(last), Muted: p.Muted, Reason: p.Reason})
	}
	if s.Beat != nil {
		out.Expected, out.Deadline = moment(s.Beat.Expected), moment(s.Beat.Deadline)
	}
	if manages && a.o.External != nil {
		if path, _ := a.o.Monitors.Address(m); path != "" {
			out.PingURL = strings.TrimRight(a.o.External(), "/") + path
		}
	}
	return out
}

// moment is a time as the API has it, nil for none.
func moment(t time.Time) *time.Time { return optional(t.UTC().Truncate(time.Millisecond)) }
