package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The prober of the demo: how often it looks, and how long the shop must be
// down before it says so. toban's own probes take its place.
const (
	probeEvery = 500 * time.Millisecond
	downAfter  = 1 * time.Second
)

// prober watches the shop and posts what changes as events.
type prober struct {
	shop, events string // URLs
	client       *http.Client
	noticed      func(down bool, at time.Time) // once toban has accepted it; at is when it was seen
	well         func(at time.Time)            // at every look at which all is well, and toban knows
}

// run probes until ctx ends. Each outage has a key of its own, as other probers
// have it: one that begins behind another is a new incident.
func (p *prober) run(ctx context.Context) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var downSince time.Time
	said, known := false, false // that it is down: posted, and accepted
	for {
		select {
		case <-ctx.Done():
			return nil
		case at := <-tick.C:
			key := "checkout-health/" + downSince.UTC().Format("20060102T150405.000")
			switch up := p.probe(ctx); {
			case up && said: // even what was not accepted may have been heard
				if p.tell(ctx, "resolve", key, at) == nil { // else said again at the next probe
					said, known, downSince = false, false, time.Time{}
				}
			case up:
				downSince = time.Time{}
				p.well(at)
			case downSince.IsZero():
				downSince = at
			case !known && at.Sub(downSince) >= downAfter:
				said = true
				known = p.tell(ctx, "trigger", key, at) == nil
			}
		}
	}
}

func (p *prober) probe(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.shop, nil)
	if err != nil {
		return false
	}
	res, err := p.client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// tell posts an event and returns nil once toban has committed it.
func (p *prober) tell(ctx context.Context, action, key string, seen time.Time) error {
	body, err := json.Marshal(map[string]any{
		"key": key, "action": action, "severity": "critical",
		"summary": "HTTP 503 from /health", "labels": map[string]string{"product": "checkout"},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.events, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("toban answered %s", res.Status)
	}
	p.noticed(action == "trigger", seen)
	return nil
}
