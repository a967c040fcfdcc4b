package pagerduty_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/sim/pagerduty"

	pd "github.com/PagerDuty/go-pagerduty"
	"github.com/google/go-cmp/cmp"
)

const key = "0f7c2f0e5b8a4d6f9c1e3a5b7d9f1133"

func post(t *testing.T, s *pagerduty.Server, body string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: s.Transport()}
	res, err := client.Post("https://events.example.jp/v2/enqueue", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(answer))
}

func TestTheVendorsOwnClientCanSpeakToIt(t *testing.T) {
	t.Parallel()
	sim := pagerduty.New(pagerduty.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	client := pd.NewClient("token", pd.WithV2EventsAPIEndpoint(server.URL))
	e := pd.V2Event{RoutingKey: key, Action: "trigger", DedupKey: "shop", Payload: &pd.V2Payload{Summary: "the shop is down", Source: "probe", Severity: "critical"}}
	for _, action := range []string{"trigger", "acknowledge", "resolve"} {
		e.Action = action
		res, err := client.ManageEventWithContext(context.Background(), &e)
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		if res.DedupKey != "shop" || res.Status != "success" {
			t.Errorf("%s: got %+v, want success for shop", action, res)
		}
	}
	a, ok := sim.Alert(key, "shop")
	if want := (pagerduty.Alert{RoutingKey: key, DedupKey: "shop", State: "resolved", Events: 3}); !ok || a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	e.Action, e.RoutingKey = "trigger", "short"
	_, err := client.ManageEventWithContext(context.Background(), &e)
	if refused := (pd.APIError{}); !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
		t.Errorf("got %v, want a refusal with 400", err)
	}
}

func TestItIsAsStrictAsTheRealOne(t *testing.T) {
	t.Parallel()
	good := `{"routing_key":"` + key + `","event_action":"trigger","payload":{"summary":"s","source":"o","severity":"error","timestamp":"2015-07-17T08:42:58.315+0000"}}`
	for _, tc := range []struct {
		name, body, says string
		status           int
	}{
		{"good", good, `"status":"success"`, 202},
		{"no JSON", `{`, "JSON parse error", 400},
		{"short key", strings.Replace(good, key, "abc", 1), "Length of 'routing_key' is incorrect (should be 32 characters)", 400},
		{"no summary", strings.Replace(good, `"summary":"s",`, "", 1), "'payload.summary' is missing or blank", 400},
		{"no source", strings.Replace(good, `"source":"o",`, "", 1), "'payload.source' is missing or blank", 400},
		{"odd severity", strings.Replace(good, `"error"`, `"fatal"`, 1), "'payload.severity' is invalid", 400},
		{"odd action", strings.Replace(good, `"trigger"`, `"start"`, 1), "'event_action' is invalid", 400},
		{"number as summary", strings.Replace(good, `"s"`, `5`, 1), "'payload.summary' must be a string", 400},
		{"bad time", strings.Replace(good, "2015-07-17T08:42:58.315+0000", "yesterday", 1), "'payload.timestamp'", 400},
		{"resolve without key", `{"routing_key":"` + key + `","event_action":"resolve"}`, "'dedup_key' is missing or blank", 400},
		{"long dedup key", `{"routing_key":"` + key + `","event_action":"resolve","dedup_key":"` + strings.Repeat("x", 256) + `"}`, "longer than 255", 400},
		{"no payload", `{"routing_key":"` + key + `","event_action":"trigger"}`, "'payload' is missing or blank", 400},
		{"payload of another kind", `{"routing_key":"` + key + `","event_action":"trigger","payload":"x"}`, "'payload' must be an object", 400},
		{"image without https", strings.Replace(good, `"payload"`, `"images":[{"src":"http://x"}],"payload"`, 1), "'images.src'", 400},
		{"too large", `{"routing_key":"` + strings.Repeat("x", 513<<10) + `"}`, "too large", 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			status, said := post(t, pagerduty.New(pagerduty.Options{}), tc.body)
			if status != tc.status || !strings.Contains(said, tc.says) {
				t.Errorf("got %d %s, want %d with %s", status, said, tc.status, tc.says)
			}
		})
	}
}

func TestAnEndNeverMakesAnAlertAndATriggerAfterItMakesANewOne(t *testing.T) {
	t.Parallel()
	sim := pagerduty.New(pagerduty.Options{})
	say := func(action string) {
		t.Helper()
		body := `{"routing_key":"` + key + `","event_action":"` + action + `","dedup_key":"k","payload":{"summary":"s","source":"o","severity":"info"}}`
		if status, said := post(t, sim, body); status != 202 {
			t.Fatalf("%s: %d %s", action, status, said)
		}
	}
	say("resolve")
	if a, ok := sim.Alert(key, "k"); ok {
		t.Errorf("got %+v, want no alert", a)
	}
	for _, action := range []string{"trigger", "trigger", "resolve", "acknowledge", "trigger"} {
		say(action)
	}
	a, _ := sim.Alert(key, "k")
	if diff := cmp.Diff(pagerduty.Alert{RoutingKey: key, DedupKey: "k", State: "triggered", Events: 1}, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := len(sim.Events()); got != 6 {
		t.Errorf("got %d events, want 6", got)
	}
}

func TestTooManyEventsOfOneKeyAreRefusedForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := pagerduty.New(pagerduty.Options{PerMinute: 2})
		body := `{"routing_key":"` + key + `","event_action":"resolve","dedup_key":"k"}`
		for i, want := range []int{202, 202, 429} {
			if got, _ := post(t, sim, body); got != want {
				t.Errorf("event %d: got %d, want %d", i, got, want)
			}
		}
		time.Sleep(time.Minute)
		if got, _ := post(t, sim, body); got != 202 {
			t.Errorf("after a minute: got %d, want 202", got)
		}
	})
}

func TestItMisbehavesByScript(t *testing.T) {
	t.Parallel()
	sim := pagerduty.New(pagerduty.Options{Keys: []string{"11111111111111111111111111111111"}})
	sim.Fault(pagerduty.Fault{Status: 503, RetryAfter: "3"}, pagerduty.Fault{Drop: true})
	client := &http.Client{Transport: sim.Transport()}
	send := func() (*http.Response, error) {
		return client.Post("https://events.example.jp/v2/enqueue", "application/json",
			strings.NewReader(`{"routing_key":"`+key+`","event_action":"resolve","dedup_key":"k"}`))
	}
	res, err := send()
	if err != nil || res.StatusCode != 503 || res.Header.Get("Retry-After") != "3" {
		t.Errorf("got %v %v, want 503 with Retry-After", res, err)
	}
	if _, err := send(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want a cut connection", err)
	}
	if res, err = send(); err != nil || res.StatusCode != 202 || len(sim.Events()) != 0 {
		t.Errorf("an unknown key: got %v %v with %d events, want 202 and none kept", res, err, len(sim.Events()))
	}
}
