package oncall

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func shop() *Directory {
	return &Directory{Services: []*Service{
		{ID: "named"}, // only what names it
		{ID: "checkout", Match: []Matcher{{"product", Equal, "checkout"}}},
		{ID: "shop-jp", Match: []Matcher{{"product", Match, "shop.*"}, {"country", Equal, "jp"}}},
		{ID: "shop", Match: []Matcher{{"product", Match, "shop|store"}}},
		{ID: "not-test", Match: []Matcher{{"env", NotEqual, "test"}, {"team", NotMatch, "(ops|)"}}},
		{ID: "rest", CatchAll: true},
		{ID: "late", Match: []Matcher{{"product", Equal, "late"}}},
	}}
}

func TestASignalGoesToTheFirstServiceWhoseMatchersAllHold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		labels map[string]string
		want   ServiceID
	}{
		{"equal", map[string]string{"product": "checkout"}, "checkout"},
		{"the first of two", map[string]string{"product": "shop", "country": "jp"}, "shop-jp"},
		{"all have to hold", map[string]string{"product": "shop", "country": "fr"}, "shop"},
		{"expressions are anchored", map[string]string{"product": "workshop", "env": "test"}, "rest"},
		{"each alternative too", map[string]string{"product": "shopping", "env": "test"}, "rest"},
		{"not equal and not matching", map[string]string{"env": "production", "team": "web"}, "not-test"},
		{"a missing label is empty", map[string]string{"env": "production"}, "rest"},
		{"behind the catch-all in the file", map[string]string{"product": "late", "env": "test"}, "late"},
		{"nothing", nil, "rest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := shop()
			for range 2 { // the second time compiled
				got, ok := d.Route(tc.labels)
				if !ok || got.ID != tc.want {
					t.Errorf("Route(%v) = %v, %t, want %s", tc.labels, got, ok, tc.want)
				}
				if err := d.Compile(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestWithoutACatchAllNothingIsFound(t *testing.T) {
	t.Parallel()
	d := &Directory{Services: []*Service{{ID: "named"}}}
	if got, ok := d.Route(map[string]string{"a": "b"}); ok {
		t.Errorf("Route = %v, want none", got)
	}
	if got := d.Service("named"); got == nil {
		t.Error("a service is not found by its name")
	}
	if err := d.Compile(); err != nil {
		t.Fatal(err)
	}
	if got := d.Service("named"); got == nil || d.Service("other") != nil {
		t.Errorf("compiled: got %v, want named and no other", got)
	}
}

func TestCompileNamesWhatCanNotBeRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		d    Directory
		want string
	}{
		{"expression", Directory{Services: []*Service{{ID: "shop", Match: []Matcher{{"product", Match, "(shop"}}}}}, "service shop: matcher product=~: missing closing )"},
		{"support hours", Directory{Services: []*Service{{ID: "shop", SupportHours: &Hours{Zone: "Asia/Edo"}}}}, `service shop: zone "Asia/Edo"`},
		{"schedule", Directory{Schedules: map[ScheduleID]*Schedule{"infra": {Zone: "Local"}}}, `schedule infra: zone "Local" is not the same everywhere`},
		{"settings", Directory{Settings: Settings{Zone: "../etc/passwd"}}, `settings: zone "../etc/passwd"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.d.Compile(); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("Compile() = %v, want %s", err, tc.want)
			}
			if svc, ok := tc.d.Route(map[string]string{"product": "shop"}); ok {
				t.Errorf("Route = %v, want none: what can't be read holds for nothing", svc)
			}
		})
	}
}

func BenchmarkRoute(b *testing.B) {
	d := &Directory{}
	for i := range 100 {
		d.Services = append(d.Services, &Service{ID: ServiceID(fmt.Sprint("s", i)), Match: []Matcher{{"product", Match, fmt.Sprint("s", i, ".*")}, {"env", Equal, "production"}}})
	}
	d.Services = append(d.Services, &Service{ID: "rest", CatchAll: true})
	if err := d.Compile(); err != nil {
		b.Fatal(err)
	}
	labels := map[string]string{"product": "s99-shop", "env": "production", "severity": "critical"}
	for b.Loop() {
		d.Route(labels)
	}
}

func TestR13_APolicyThatCanEndInSilenceIsRefused(t *testing.T) {
	t.Parallel()
	d := &Directory{
		Users: map[UserID]*User{
			"ume":  {ID: "ume", Contacts: []ContactMethod{{Name: "phone", Method: Call, Verified: true}}},
			"take": {ID: "take", Contacts: []ContactMethod{{Name: "phone", Method: Call}}},
		},
		Schedules: map[ScheduleID]*Schedule{"infra": {ID: "infra"}},
		Pagers:    map[PagerID]*Pager{"legacy": {ID: "legacy"}},
	}
	good := func() *Policy {
		return &Policy{
			Levels:   []Level{{Targets: []Target{{TargetSchedule, "infra"}, {TargetUser, "take"}}, Strategy: InOrder, OnNoAnswer: GoNext, Wait: time.Minute}},
			Fallback: Target{TargetUser, "ume"},
		}
	}
	for _, tc := range []struct {
		name  string
		spoil func(*Policy)
		want  string // code and field, "" = accepted
	}{
		{"good", func(*Policy) {}, ""},
		{"a pager is a fallback", func(p *Policy) { p.Fallback = Target{TargetPager, "legacy"} }, ""},
		{"no fallback", func(p *Policy) { p.Fallback = Target{} }, "policy.no_fallback /fallback"},
		{"a schedule is none", func(p *Policy) { p.Fallback = Target{TargetSchedule, "infra"} }, "policy.fallback_kind /fallback"},
		{"nobody", func(p *Policy) { p.Fallback = Target{TargetUser, "nobody"} }, "policy.unknown_target /fallback"},
		{"an unknown pager", func(p *Policy) { p.Fallback = Target{TargetPager, "x"} }, "policy.unknown_target /fallback"},
		{"without a verified contact", func(p *Policy) { p.Fallback = Target{TargetUser, "take"} }, "policy.fallback_unreachable /fallback"},
		{"no level", func(p *Policy) { p.Levels = nil }, "policy.invalid /levels"},
		{"no target", func(p *Policy) { p.Levels[0].Targets = nil }, "policy.invalid /levels/0/targets"},
		{"unknown target", func(p *Policy) { p.Levels[0].Targets[1].Name = "x" }, "policy.unknown_target /levels/0/targets/1"},
		{"unknown strategy", func(p *Policy) { p.Levels[0].Strategy = "some" }, "policy.invalid /levels/0/strategy"},
		{"unknown on_no_answer", func(p *Policy) { p.Levels[0].OnNoAnswer = "" }, "policy.invalid /levels/0/on_no_answer"},
		{"no wait", func(p *Policy) { p.Levels[0].Wait = 0 }, "policy.invalid /levels/0/wait"},
		{"each longer than wait", func(p *Policy) { p.Levels[0].Each = time.Hour }, "policy.invalid /levels/0/each"},
		{"negative rounds", func(p *Policy) { p.Rounds = -1 }, "policy.invalid /rounds"},
		{"negative time-out", func(p *Policy) { p.AcknowledgementTimeout = -1 }, "policy.invalid /acknowledgement_timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := good()
			tc.spoil(p)
			got := ""
			if e, ok := errors.AsType[*Error](d.ValidatePolicy(p)); ok {
				got = e.Code + " " + e.Field
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
