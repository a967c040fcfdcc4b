package config

import (
	"strings"
	"testing"

	"toban/oncall"
)

// quiet is a folder whose service S never calls. Its fallback, ann, has the
// contacts given, and so has its level's bob.
func quiet(ann, bob string) string {
	return `
toban: { external_url: https://toban.example.jp }
providers: { twilio: { account: env:A, token: env:T, from: "+815000000000" } }
users:
  ann: { contacts: { ` + ann + ` } }
  bob: { contacts: { ` + bob + ` } }
schedules: { night: { zone: Asia/Tokyo, layers: { users: bob } } }
policies: { p: { levels: { targets: { schedule: night } }, fallback: { user: ann } } }
services: { s: { policy: p, call: never, catch_all: true } }
`
}

func TestR13_AdviceSaysThatAServiceWithoutCallsReachesNobody(t *testing.T) {
	t.Parallel()
	const phone = `phone: { call: "+819000000001" }`
	const both = phone + `, text: { sms: "+819000000001" }`
	const unverified = phone + `, text: { sms: "+819000000001", verified: false }`
	fallback := "service s never calls, but ann, the fallback of its policy p, has nothing but a phone"
	level := "service s never calls, and these people of its policy p have nothing but a phone, so it skips them: bob"
	for _, tc := range []struct {
		name, body string
		want       []string
	}{
		{"messages for all", quiet(both, both), nil},
		{"a fallback with a phone", quiet(phone, both), []string{fallback}},
		{"an unverified contact is none", quiet(unverified, both), []string{fallback}},
		{"a level of phones", quiet(both, phone), []string{level}},
		{"phones only", quiet(phone, phone), []string{fallback, level}},
		{"a service that calls", strings.Replace(quiet(phone, phone), "call: never, ", "", 1), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, problems := LoadFS(one(tc.body))
			if c == nil || Failed(problems) {
				t.Fatalf("problems:\n%s", lines(problems))
			}
			advice := c.Advice(now)
			if len(advice) != len(tc.want) {
				t.Errorf("got %s, want %d warnings", lines(advice), len(tc.want))
			}
			for _, want := range tc.want {
				if got := lines(advice); !strings.Contains(got, want) || !strings.Contains(got, "call: never") {
					t.Errorf("got %s, want %s, and how to mend it", got, want)
				}
			}
		})
	}
}

func TestR6_AdviceSaysThatHoursWhichNeverOccurHoldNothingUp(t *testing.T) {
	t.Parallel()
	c := load(t, minimal)
	for i := range c.objects {
		if s, ok := c.objects[i].value.(*oncall.Service); ok {
			s.SupportHours = &oncall.Hours{Zone: "Asia/Tokyo"}
		}
	}
	want := "the support hours of rest never occur, so they hold nothing up: its low urgency pages at once"
	if got := lines(c.Advice(now)); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
