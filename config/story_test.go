package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

// minimal is the least that toban accepts.
const minimal = `
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: { targets: { user: ann } }, fallback: { user: ann } } }
services: { rest: { policy: p, catch_all: true } }
`

func load(t *testing.T, body string) *Config {
	t.Helper()
	c, problems := LoadFS(one(body))
	if c == nil || len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(problems))
	}
	return c
}

func directory(t *testing.T, body string) *oncall.Directory {
	t.Helper()
	d, err := load(t, body).Directory()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func file(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestDefaultsAreThoseOfTheRules(t *testing.T) {
	t.Parallel()
	d := directory(t, minimal)
	want := oncall.Policy{
		ID: "p", Rounds: 3, AcknowledgementTimeout: 30 * time.Minute,
		Levels: []oncall.Level{{
			Targets: []oncall.Target{{Kind: oncall.TargetUser, Name: "ann"}}, Strategy: oncall.InOrder, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoNext,
		}},
		Fallback: oncall.Target{Kind: oncall.TargetUser, Name: "ann"}, Revision: d.Policies["p"].Revision,
	}
	if diff := cmp.Diff(want, *d.Policies["p"]); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(oncall.Settings{Language: "en", Zone: "UTC", Spend: oncall.Spend{WarnAt: 0.8}}, d.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if d.Stages["production"].Simulated || !d.Stages["staging"].Simulated {
		t.Error("production is live and staging is simulated unless the folder says otherwise")
	}
}

func TestS1_TheProductLabelFindsTheService(t *testing.T) {
	t.Parallel()
	d := directory(t, file(t, "testdata/s1.yaml"))
	for _, tc := range []struct {
		labels map[string]string
		want   oncall.ServiceID
	}{
		{map[string]string{"job": "product-A-url", "alertname": "URL Alert(critical)"}, "product-a"},
		{map[string]string{"alertname": "Search cluster memory"}, "search"},
		{map[string]string{"product": "back-office", "alertname": "URL Alert(warning)"}, "back-office"},
		{map[string]string{"alertname": "Host CPU"}, "unmatched"},
	} {
		if got, ok := d.Route(tc.labels); !ok || got.ID != tc.want {
			t.Errorf("Route(%v) = %v, want %s", tc.labels, got, tc.want)
		}
	}
	if !d.Service("back-office").NoCalls {
		t.Error("S1's skip calls somebody")
	}
	want := []oncall.Route{{Method: "POST", Path: "/alerts", Auth: "none", From: []string{"127.0.0.0/8", "::1/128"}, To: "prometheus"}}
	if diff := cmp.Diff(want, d.Routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// A is called again and again for ten minutes, then B for ten, then A again.
func TestS3_APolicyThatKeepsCallingTheSamePerson(t *testing.T) {
	t.Parallel()
	d := directory(t, file(t, "testdata/s3.yaml"))
	p := d.Policies["infra"]
	start := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	inc := &oncall.Incident{ID: "inc_1", Service: "shop-high", Urgency: oncall.High, Severity: oncall.Critical, State: oncall.Triggered, TriggeredAt: start}
	steps := oncall.Forecast(oncall.NewResponse(inc, p.Revision), oncall.World{Directory: d, Policy: p}, oncall.Assumptions{From: start}, start.Add(30*time.Minute))

	var order []oncall.UserID
	calls := map[oncall.UserID]int{}
	for _, s := range steps {
		if s.Entry.Kind != oncall.EntryContact {
			continue
		}
		user := s.Entry.Data.User
		calls[user]++
		if len(order) == 0 || order[len(order)-1] != user {
			order = append(order, user)
		}
		minute := s.At.Sub(start)
		if want := map[bool]oncall.UserID{true: "user-a", false: "user-b"}[minute < 10*time.Minute]; minute < 20*time.Minute && user != want {
			t.Errorf("after %s %s is called, want %s", minute, user, want)
		}
	}
	// The fallback, the last rung of a round, is B too.
	if diff := cmp.Diff([]oncall.UserID{"user-a", "user-b", "user-a"}, order); diff != "" {
		t.Errorf("order of calls (-want +got):\n%s", diff)
	}
	if calls["user-a"] < 10 || calls["user-b"] < 10 {
		t.Errorf("calls = %v, want at least ten each within ten minutes", calls)
	}

	low := d.Service("shop-low")
	tokyo, err := oncall.LoadZone("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if low.UrgencyOf(oncall.Critical) != oncall.Low || d.Service("shop-high").UrgencyOf(oncall.Info) != oncall.High {
		t.Error("one urgency for all severities is not kept")
	}
	if got, want := low.SupportHours.Next(time.Date(2026, 11, 21, 3, 0, 0, 0, tokyo)), time.Date(2026, 11, 24, 9, 0, 0, 0, tokyo); !got.Equal(want) {
		t.Errorf("low urgency waits until %s, want %s: Monday is a holiday", got, want)
	}
}

// What the store keeps and what check and simulate use are the same thing.
func TestObjectsAreTheDirectory(t *testing.T) {
	t.Parallel()
	c, problems := Load("testdata/example")
	if c == nil {
		t.Fatal(lines(problems))
	}
	d, err := c.Directory()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, o := range c.Objects() {
		if name := o.Kind + " " + o.Name; seen[name] {
			t.Errorf("%s is there twice", name)
		} else {
			seen[name] = true
		}
		var got, want any
		switch o.Kind {
		case kindPolicy:
			p := d.Policies[oncall.PolicyID(o.Name)]
			if p.Revision != revision(o.Kind, o.Body) || len(p.Revision) != 64 {
				t.Errorf("revision of %s = %s", o.Name, p.Revision)
			}
			q := *p
			q.Revision = "" // it is not part of the content
			got, want = &oncall.Policy{}, &q
		case kindSchedule:
			got, want = &oncall.Schedule{}, d.Schedules[oncall.ScheduleID(o.Name)]
		case kindService:
			got, want = &oncall.Service{}, d.Service(oncall.ServiceID(o.Name))
		case kindUser:
			got, want = &oncall.User{}, d.Users[oncall.UserID(o.Name)]
		case kindRoute:
			got, want = &oncall.Route{}, &d.Routes[0]
		default:
			continue
		}
		if err := json.Unmarshal(o.Body, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-directory +object):\n%s", o.Kind, o.Name, diff)
		}
	}
	for _, want := range []string{"settings settings", "user matsu", "schedule infra", "policy infra", "service checkout", "integration prometheus", "stage production", "stage staging", "route POST /alerts"} {
		if !seen[want] {
			t.Errorf("there is no object %s", want)
		}
	}
}

func TestAPagerIsATargetAndKeepsItsKeyAsAReference(t *testing.T) {
	t.Parallel()
	d := directory(t, `
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
pagers: { legacy: { url: https://events.pagerduty.com/v2/enqueue, routing_key: env:PD_KEY } }
policies: { p: { levels: [ { targets: [ user: ann, pager: legacy ], strategy: all } ], fallback: { pager: legacy } } }
services: { rest: { policy: p, catch_all: true } }
`)
	want := oncall.Pager{ID: "legacy", URL: "https://events.pagerduty.com/v2/enqueue", RoutingKey: "env:PD_KEY"}
	if diff := cmp.Diff(want, *d.Pagers["legacy"]); diff != "" {
		t.Errorf("pager (-want +got):\n%s", diff)
	}
	if got := d.Policies["p"].Fallback; got != (oncall.Target{Kind: oncall.TargetPager, Name: "legacy"}) {
		t.Errorf("fallback = %v", got)
	}
}

func TestR34_AdviceSaysWhatWillNotWork(t *testing.T) {
	t.Parallel()
	twilio := "providers: { twilio: { account: env:A, token: env:T, from: \"+815000000000\" } }\n"
	public := "toban: { external_url: https://toban.example.jp }\n"
	for _, tc := range []struct{ name, body, want string }{
		{"nothing", public + twilio, ""},
		{"no provider", public, "x.yaml:1:10: warning: there is no provider"},
		{"no URL", twilio, ".: warning: without toban.external_url"},
		{"a URL of this machine", "toban: { external_url: http://127.0.0.1:8080 }\n" + twilio, "can't reach toban.external_url"},
		{"a public URL beside it", "toban: { external_url: http://10.0.0.1, public: { listen: 0.0.0.0:8443, url: https://page.example.jp } }\n" + twilio, ""},
		{"a provider of one's own", "toban: { external_url: http://localhost:1 }\n" + strings.Replace(twilio, "account", "base_url: http://localhost:2, account", 1), ""},
		{"simulated", "gateway: { stages: { production: { providers: simulated } } }\n", ""},
		{
			"gaps", public + twilio + "schedules: { day: { zone: Asia/Tokyo, layers: { users: ann, during: weekdays 09:00-18:00 } } }\n",
			"schedule day has nobody on duty from 2026-11-20 18:00 to 2026-11-24 09:00 (Asia/Tokyo), and 59 more times within 90 days",
		},
		{"a layer that never applies", public + twilio + "schedules: { s: { layers: [ { users: ann }, { users: ann, during: weekdays 09:00-18:00 } ] } }\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := lines(load(t, tc.body+minimal).Advice(now))
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("advice = %s, want %s", got, tc.want)
			}
		})
	}
}
