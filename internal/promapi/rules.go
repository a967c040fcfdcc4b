package promapi

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Rule is an alerting rule and how its evaluation goes.
type Rule struct {
	Group    string        // in which it is
	Interval time.Duration // of its evaluations
	Name     string
	Health   string    // ok, err, or unknown before the first evaluation
	Error    string    // of the last evaluation
	At       time.Time // of the last evaluation; zero = there was none
	Took     time.Duration
}

// Rules are the alerting rules that are evaluated.
func (c *Client) Rules(ctx context.Context) (all []Rule, err error) {
	var got struct {
		Groups []struct {
			Name     string  `json:"name"`
			Interval float64 `json:"interval"`
			Rules    []struct {
				Name           string    `json:"name"`
				Health         string    `json:"health"`
				LastError      string    `json:"lastError"`
				LastEvaluation time.Time `json:"lastEvaluation"`
				EvaluationTime float64   `json:"evaluationTime"`
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := c.ask(ctx, http.MethodGet, "/api/v1/rules", url.Values{"type": {"alert"}, "exclude_alerts": {"true"}}, &got); err != nil {
		return nil, err
	}
	for _, g := range got.Groups {
		for _, r := range g.Rules {
			all = append(all, Rule{
				Group: g.Name, Interval: span(g.Interval), Name: r.Name, Health: r.Health, Error: r.LastError, At: r.LastEvaluation, Took: span(r.EvaluationTime),
			})
		}
	}
	return all, nil
}

// span is a number of seconds.
func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
