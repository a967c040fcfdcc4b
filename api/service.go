package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
	"toban/store"
)

// Service is what users depend on.
type Service struct {
	Name         string            `json:"name"`
	Title        string            `json:"title,omitempty"`
	Policy       string            `json:"policy"`
	Match        []Matcher         `json:"match" doc:"all must hold; a service without any gets only what names it"`
	CatchAll     bool              `json:"catch_all" doc:"takes what nothing else matches"`
	Urgency      map[string]string `json:"urgency" doc:"of each severity"`
	SupportHours bool              `json:"support_hours" doc:"low urgency waits for them"`
	PageAfter    float64           `json:"page_after" doc:"seconds before anybody is paged"`
	NoCalls      bool              `json:"no_calls" doc:"messages only, nobody's phone rings"`
	Shadow       bool              `json:"shadow" doc:"nobody is reached; what would be is on the timeline"`
	Channel      string            `json:"channel,omitempty" doc:"of the team in the chat"`
	PerIncident  string            `json:"channel_per_incident,omitempty" doc:"which incidents get a channel of their own"`
	Integrations []string          `json:"integrations" doc:"that always mean this service"`
	Place        string            `json:"place,omitempty" doc:"file and line that manage it"`
}

// Matcher is one condition on a label.
type Matcher struct {
	Label string `json:"label"`
	Op    string `json:"op" enum:"=,!=,=~,!~"`
	Value string `json:"value"`
}

// ServiceList is one page of services.
type ServiceList struct {
	Services   []Service `json:"services"`
	NextCursor string    `json:"next_cursor,omitempty"`
}

func (a *API) services(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-services", Method: http.MethodGet, Path: "/api/v1/services", Tags: []string{tagConfiguration}, Errors: []int{400},
		Summary: "List services", Description: "In the order of the files: the first whose matchers hold takes a signal.",
	}, func(ctx context.Context, in *Paged) (*struct{ Body ServiceList }, error) {
		dir, at, err := a.configured(ctx, store.ObjectService)
		if err != nil {
			return nil, err
		}
		part, next, err := page(dir.Services, *in, func(s **oncall.Service) string { return string((*s).ID) })
		if err != nil {
			return nil, err
		}
		out := &struct{ Body ServiceList }{ServiceList{Services: []Service{}, NextCursor: next}}
		for _, s := range part {
			out.Body.Services = append(out.Body.Services, wireService(dir, s, at[string(s.ID)]))
		}
		return out, nil
	})
	register(a, h, huma.Operation{
		OperationID: "get-service", Method: http.MethodGet, Path: "/api/v1/services/{name}", Tags: []string{tagConfiguration}, Errors: []int{404},
		Summary: "One service", Description: "As it is in force.",
	}, func(ctx context.Context, in *Named) (*struct{ Body Service }, error) {
		dir, at, err := a.configured(ctx, store.ObjectService)
		if err != nil {
			return nil, err
		}
		s := dir.Service(oncall.ServiceID(in.Name))
		if s == nil {
			return nil, unknown("service", in.Name)
		}
		return &struct{ Body Service }{wireService(dir, s, at[in.Name])}, nil
	})
}

func wireService(dir *oncall.Directory, s *oncall.Service, place string) Service {
	out := Service{
		Name: string(s.ID), Title: s.Name, Policy: string(s.Policy), Match: []Matcher{}, CatchAll: s.CatchAll, Urgency: map[string]string{},
		SupportHours: s.SupportHours != nil, PageAfter: seconds(s.PageAfter), NoCalls: s.NoCalls, Shadow: s.Shadow || dir.Settings.Shadow,
		Channel: s.Chat.Channel, PerIncident: string(s.Chat.PerIncident), Integrations: []string{}, Place: place,
	}
	for _, m := range s.Match {
		op := m.Op
		if op == "" {
			op = oncall.Equal
		}
		out.Match = append(out.Match, Matcher{Label: m.Label, Op: string(op), Value: m.Value})
	}
	for _, sev := range []oncall.Severity{oncall.Critical, oncall.Failure, oncall.Warning, oncall.Info} {
		out.Urgency[string(sev)] = string(s.UrgencyOf(sev))
	}
	for _, in := range integrationsOf(dir) {
		if in.Service == s.ID {
			out.Integrations = append(out.Integrations, string(in.ID))
		}
	}
	return out
}
