package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"toban/api"
)

// CLI runs the command line against the installation and returns what it
// printed.
func (s *Toban) CLI(args ...string) (stdout string, err error) {
	cmd := exec.Command(Binary(s.t), append(args, "--data", s.Data)...)
	cmd.Env = s.environment()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("toban %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), err
}

// call speaks the API over the socket.
func (s *Toban) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://toban"+path, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // only for the text
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// Incidents lists the incidents of a state: open, triggered, all, ….
func (s *Toban) Incidents(ctx context.Context, state string) ([]api.Incident, error) {
	var all []api.Incident
	for cursor := ""; ; {
		var out struct {
			Incidents  []api.Incident `json:"incidents"`
			NextCursor string         `json:"next_cursor"`
		}
		if err := s.call(ctx, http.MethodGet, "/api/v1/incidents?limit=200&state="+state+"&cursor="+cursor, nil, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Incidents...)
		if cursor = out.NextCursor; cursor == "" {
			return all, nil
		}
	}
}

// Timeline returns all entries of an incident.
func (s *Toban) Timeline(ctx context.Context, ref string) ([]api.Entry, error) {
	var all []api.Entry
	for after := int64(0); ; {
		var out struct {
			Entries []api.Entry `json:"entries"`
		}
		if err := s.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/incidents/%s/timeline?limit=1000&after=%d", ref, after), nil, &out); err != nil {
			return nil, err
		}
		if len(out.Entries) == 0 {
			return all, nil
		}
		all = append(all, out.Entries...)
		after = out.Entries[len(out.Entries)-1].Seq
	}
}

// Acknowledge takes an incident.
func (s *Toban) Acknowledge(ctx context.Context, ref, by string) error {
	return s.call(ctx, http.MethodPost, "/api/v1/incidents/"+ref+"/acknowledge", map[string]string{"by": by}, nil)
}

// Wait calls met until it is true, and fails the test when that takes longer
// than patience.
func Wait(t testing.TB, patience time.Duration, what string, met func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		ok, err := met(ctx)
		if ok && err == nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s still not: %s (last error: %v)", patience, what, last)
		case <-tick.C:
		}
	}
}
