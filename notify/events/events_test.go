package events_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"toban/notify"
	"toban/notify/events"
	"toban/oncall"
	"toban/sim/pagerduty"

	"github.com/google/go-cmp/cmp"
)

const key = "0f7c2f0e5b8a4d6f9c1e3a5b7d9f1133"

func channel(t *testing.T, sim *pagerduty.Server) *events.Channel {
	t.Helper()
	c, err := events.New(events.Config{
		Transport: sim.Transport(),
		Secret: func(reference string) (string, error) {
			switch reference {
			case "env:PAGER":
				return key, nil
			case "env:SHORT":
				return "secret-that-is-short", nil
			}
			return "", errors.New("secret " + key + " is not there")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func message(state oncall.State) notify.Message {
	return notify.Message{
		Delivery: "dlv_1", Method: oncall.Events, To: "other", Pager: &oncall.Pager{ID: "other", URL: "https://events.example.jp", RoutingKey: "env:PAGER"},
		Incidents: []notify.Incident{{
			ID: "inc_1", Number: 42, Title: strings.Repeat("止", 2000), State: state, Severity: oncall.Failure, Urgency: oncall.High,
			TriggeredAt: time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC), Service: "checkout", ServiceName: "決済", URL: "https://toban.example.jp/incidents/42",
		}},
	}
}

func TestR27_AnotherPagerIsHandedTheIncidentAndToldOfItsEnd(t *testing.T) {
	t.Parallel()
	sim := pagerduty.New(pagerduty.Options{})
	c := channel(t, sim)
	for _, state := range []oncall.State{oncall.Triggered, oncall.Triggered, oncall.Acknowledged, oncall.Resolved} {
		r, err := c.Send(context.Background(), message(state))
		if err != nil || r.Outcome != oncall.Sent {
			t.Fatalf("%s: got %+v %v, want sent", state, r, err)
		}
	}
	a, ok := sim.Alert(key, "inc_1")
	if diff := cmp.Diff(pagerduty.Alert{RoutingKey: key, DedupKey: "inc_1", State: "resolved", Events: 4}, a); !ok || diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	first := sim.Events()[0]
	if first.Severity != "error" || first.Timestamp != "2026-11-20T18:02:10.000+0000" || first.Links != 1 || len([]rune(first.Summary)) != 1024 {
		t.Errorf("got %+v, want severity, time, a link and a summary that fits", first)
	}
}

func TestR25_ARefusalSaysWhatHelpsAndKeepsTheSecret(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		fault  *pagerduty.Fault
		change func(*notify.Message)
		want   notify.Class
		after  time.Duration
	}{
		{"400", &pagerduty.Fault{Status: 400}, nil, notify.BadConfig, 0},
		{"429 that says when", &pagerduty.Fault{Status: 429, RetryAfter: "7"}, nil, notify.Throttled, 7 * time.Second},
		{"429 that does not", &pagerduty.Fault{Status: 429}, nil, notify.Throttled, 30 * time.Second},
		{"503", &pagerduty.Fault{Status: 503}, nil, notify.Transient, 0},
		{"cut off", &pagerduty.Fault{Drop: true}, nil, notify.Transient, 0},
		{"no secret", nil, func(m *notify.Message) { m.Pager.RoutingKey = "env:GONE" }, notify.BadConfig, 0},
		{"a secret that is none", nil, func(m *notify.Message) { m.Pager.RoutingKey = "env:SHORT" }, notify.BadConfig, 0},
		{"no address", nil, func(m *notify.Message) { m.Pager.URL = "pager" }, notify.BadConfig, 0},
		{"another path", nil, func(m *notify.Message) { m.Pager.URL = "https://events.example.jp/elsewhere" }, notify.BadConfig, 0},
		{"no pager", nil, func(m *notify.Message) { m.Pager = nil }, notify.BadAddress, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := pagerduty.New(pagerduty.Options{})
			if tc.fault != nil {
				sim.Fault(*tc.fault)
			}
			m := message(oncall.Triggered)
			if tc.change != nil {
				tc.change(&m)
			}
			_, err := channel(t, sim).Send(context.Background(), m)
			var f *notify.Failure
			if !errors.As(err, &f) || f.Class != tc.want || f.After != tc.after {
				t.Fatalf("got %v, want %s after %v", err, tc.want, tc.after)
			}
			if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "secret-that") {
				t.Errorf("the error tells the secret: %v", err)
			}
			if len(sim.Events()) != 0 {
				t.Errorf("got %d events, want none", len(sim.Events()))
			}
		})
	}
}
