package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/oncall"
	"toban/store"
)

// Policy is who is paged for a service, in which order.
type Policy struct {
	Name     string   `json:"name"`
	Title    string   `json:"title,omitempty"`
	Levels   []Level  `json:"levels"`
	Rounds   int      `json:"rounds" doc:"of a low-urgency response; high urgency repeats until somebody has it"`
	Fallback Target   `json:"fallback" doc:"the last rung, which always reaches somebody"`
	Timeout  float64  `json:"acknowledgement_timeout" doc:"seconds for which an acknowledgement holds"`
	Services []string `json:"services" doc:"that use it"`
	Place    string   `json:"place,omitempty" doc:"file and line that manage it"`
}

// Level is one rung of a policy.
type Level struct {
	Targets    []Target `json:"targets"`
	Strategy   string   `json:"strategy" enum:"all,in_order,round_robin"`
	Wait       float64  `json:"wait" doc:"seconds that the level may take"`
	Each       float64  `json:"each,omitempty" doc:"seconds that one target may take; its part of wait when left out"`
	OnNoAnswer string   `json:"on_no_answer" enum:"next,again"`
}

// Target is who is paged.
type Target struct {
	Kind string `json:"kind" enum:"user,schedule,pager"`
	Name string `json:"name"`
}

// PolicyList is one page of policies.
type PolicyList struct {
	Policies   []Policy `json:"policies"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func (a *API) policies(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-policies", Method: http.MethodGet, Path: "/api/v1/policies", Tags: []string{tagConfiguration}, Errors: []int{400},
		Summary: "List escalation policies by name", Description: "As they are in force; they are changed in their files.",
	}, func(ctx context.Context, in *Paged) (*struct{ Body PolicyList }, error) {
		dir, at, err := a.configured(ctx, store.ObjectPolicy)
		if err != nil {
			return nil, err
		}
		ids := slices.Sorted(maps.Keys(dir.Policies))
		part, next, err := page(ids, *in, func(id *oncall.PolicyID) string { return string(*id) })
		if err != nil {
			return nil, err
		}
		out := &struct{ Body PolicyList }{PolicyList{Policies: []Policy{}, NextCursor: next}}
		for _, id := range part {
			out.Body.Policies = append(out.Body.Policies, wirePolicy(dir, dir.Policies[id], at[string(id)]))
		}
		return out, nil
	})
	register(a, h, huma.Operation{
		OperationID: "get-policy", Method: http.MethodGet, Path: "/api/v1/policies/{name}", Tags: []string{tagConfiguration}, Errors: []int{404},
		Summary: "One escalation policy", Description: "With the services that use it. What it would do at a time says the forecast of one of them.",
	}, func(ctx context.Context, in *Named) (*struct{ Body Policy }, error) {
		dir, at, err := a.configured(ctx, store.ObjectPolicy)
		if err != nil {
			return nil, err
		}
		p := dir.Policies[oncall.PolicyID(in.Name)]
		if p == nil {
			return nil, unknown("policy", in.Name)
		}
		return &struct{ Body Policy }{wirePolicy(dir, p, at[in.Name])}, nil
	})
}

func wirePolicy(dir *oncall.Directory, p *oncall.Policy, place string) Policy {
	out := Policy{
		Name: string(p.ID), Title: p.Name, Levels: []Level{}, Rounds: p.Rounds, Fallback: wireTarget(p.Fallback),
		Timeout: p.AcknowledgementTimeout.Seconds(), Services: []string{}, Place: place,
	}
	for _, l := range p.Levels {
		level := Level{Targets: []Target{}, Strategy: string(l.Strategy), Wait: seconds(l.Wait), Each: seconds(l.Each), OnNoAnswer: string(l.OnNoAnswer)}
		for _, t := range l.Targets {
			level.Targets = append(level.Targets, wireTarget(t))
		}
		out.Levels = append(out.Levels, level)
	}
	for _, s := range dir.Services {
		if s.Policy == p.ID {
			out.Services = append(out.Services, string(s.ID))
		}
	}
	return out
}

func wireTarget(t oncall.Target) Target { return Target{Kind: string(t.Kind), Name: t.Name} }

func seconds(d time.Duration) float64 { return d.Seconds() }
