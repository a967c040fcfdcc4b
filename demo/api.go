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

// apiClient reads what the child knows, over its socket.
type apiClient struct{ http *http.Client }

func newAPI(socket string) *apiClient {
	return &apiClient{&http.Client{Timeout: 5 * time.Second, Transport: api.Over(socket)}}
}

func (c *apiClient) get(ctx context.Context, path string, q url.Values, out any) error {
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

// forecast asks what would happen if the checkout broke now.
func (c *apiClient) forecast(ctx context.Context, lang string, given []string) ([]api.Step, error) {
	var out struct {
		Steps []api.Step `json:"steps"`
	}
	err := c.get(ctx, "/forecast", url.Values{"service": {"checkout"}, "lang": {lang}, "given": given, "hours": {"0.2"}}, &out)
	return out.Steps, err
}

// latest is the newest incident, or nil.
func (c *apiClient) latest(ctx context.Context) (*api.Incident, error) {
	var out struct {
		Incidents []api.Incident `json:"incidents"`
	}
	if err := c.get(ctx, "/incidents", url.Values{"state": {"all"}, "limit": {"1"}}, &out); err != nil || len(out.Incidents) == 0 {
		return nil, err
	}
	return &out.Incidents[0], nil
}

func (c *apiClient) timeline(ctx context.Context, id, lang string, after int64) ([]api.Entry, error) {
	var out struct {
		Entries []api.Entry `json:"entries"`
	}
	err := c.get(ctx, "/incidents/"+id+"/timeline", url.Values{"after": {fmt.Sprint(after)}, "lang": {lang}}, &out)
	return out.Entries, err
}
