package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"toban/api"
)

// client reads what the child knows, over its socket.
type client struct{ http *http.Client }

func newClient(socket string) *client {
	return &client{&http.Client{Timeout: 5 * time.Second, Transport: api.Over(socket)}}
}

func (c *client) get(ctx context.Context, path string, q url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://toban/api/v1"+path+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// forecast asks what would happen if the checkout broke at a moment.
func (c *client) forecast(ctx context.Context, lang string, at time.Time, given []string) ([]api.Step, error) {
	var out struct {
		Steps []api.Step `json:"steps"`
	}
	q := url.Values{"service": {"checkout"}, "lang": {lang}, "given": given, "hours": {"0.3"}, "at": {at.UTC().Format(time.RFC3339)}, "zone": {zone}}
	return out.Steps, c.get(ctx, "/forecast", q, &out)
}

// duty is who a schedule has on duty at a moment, and until when.
func (c *client) duty(ctx context.Context, schedule string, at time.Time) (user string, until time.Time, err error) {
	var out api.Rota
	q := url.Values{"from": {at.UTC().Format(time.RFC3339)}, "to": {at.AddDate(0, 0, 14).UTC().Format(time.RFC3339)}}
	if err := c.get(ctx, "/schedules/"+schedule, q, &out); err != nil || len(out.Shifts) == 0 {
		return "", time.Time{}, err
	}
	return out.Shifts[0].User, out.Shifts[0].To, nil
}

// latest is the newest incident, or nil.
func (c *client) latest(ctx context.Context) (*api.Incident, error) {
	var out struct {
		Incidents []api.Incident `json:"incidents"`
	}
	if err := c.get(ctx, "/incidents", url.Values{"state": {"all"}, "service": {"checkout"}, "limit": {"1"}}, &out); err != nil || len(out.Incidents) == 0 {
		return nil, err
	}
	return &out.Incidents[0], nil
}

func (c *client) timeline(ctx context.Context, id, lang string, after int64) ([]api.Entry, error) {
	var out struct {
		Entries []api.Entry `json:"entries"`
	}
	err := c.get(ctx, "/incidents/"+id+"/timeline", url.Values{"after": {fmt.Sprint(after)}, "lang": {lang}, "zone": {zone}}, &out)
	return out.Entries, err
}
