package bench

import (
	"fmt"
	"strings"
	"time"
)

// The people and services of a measured toban. user0 … each have a phone;
// "call0" … call one user each, "pair0" … call two, one after the other.
const (
	usersThere = 128
	pairsThere = usersThere / 2

	quietService = "quiet" // low urgency, outside its support hours: nothing is sent
	laterService = "later" // high urgency, its user is called after an hour: a step without a call
	laterPolicy  = "later"
	secretKey    = "toban-bench-key-0123456789" // of the integration, on loopback only
	sid          = "AC0123456789abcdef0123456789abcdef"
	token        = "0123456789abcdef0123456789abcdef"
)

func number(user int) string { return fmt.Sprintf("+81900000%04d", user) }

// folder is the configuration of a measured toban: calls go to the provider at
// address, at most perSecond of them.
func folder(provider string, perSecond int, now time.Time) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("toban: { language: en, zone: UTC }")
	p("providers:")
	p("  twilio: { account: env:TOBAN_BENCH_SID, token: env:TOBAN_BENCH_TOKEN, from: [\"+815000000000\"], calls_per_second: %d, base_url: \"http://%s\" }", perSecond, provider)
	p("users:")
	for u := range usersThere {
		p("  user%d: { name: User %d, contacts: { phone: { call: %q } }, rules: { high: [ { after: 0s, via: phone } ] } }", u, u, number(u))
	}
	p("  patient: { name: Patient, contacts: { phone: { call: %q } }, rules: { high: [ { after: 1h, via: phone } ], low: [ { after: 1h, via: phone } ] } }", number(usersThere))
	p("policies:")
	for u := range usersThere {
		p("  call%d: { levels: [ { targets: [ user: user%d ], wait: 10m } ], fallback: { user: user%d } }", u, u, u)
	}
	for i := range pairsThere {
		p("  pair%d: { levels: [ { targets: [ user: user%d, user: user%d ], strategy: in_order, wait: 10m, each: 5m } ], fallback: { user: user%d } }", i, 2*i, 2*i+1, 2*i)
	}
	p("  %s: { levels: [ { targets: [ user: patient ], wait: 4h } ], fallback: { user: patient } }", laterPolicy)
	p("services:")
	for u := range usersThere {
		p("  call%d: { policy: call%d }", u, u)
	}
	for i := range pairsThere {
		p("  pair%d: { policy: pair%d }", i, i)
	}
	p("  %s: { policy: call0, support_hours: { zone: UTC, during: [ %s 00:00-01:00 ] } }", quietService, farDay(now))
	p("  %s: { policy: %s }", laterService, laterPolicy)
	p("  unmatched: { policy: %s, catch_all: true }", laterPolicy)
	p("integrations:")
	p("  load: { dialect: generic, key: env:TOBAN_BENCH_KEY, rate: 1000000, burst: 1000000 }")
	return b.String()
}

// farDay is a day of the week that neither is nor begins within two days.
func farDay(now time.Time) string { return now.UTC().AddDate(0, 0, 3).Weekday().String()[:3] }

// secrets are what the folder refers to.
func secrets() []string {
	return []string{"TOBAN_BENCH_SID=" + sid, "TOBAN_BENCH_TOKEN=" + token, "TOBAN_BENCH_KEY=" + secretKey, "TOBAN_KEY=" + linkKey}
}

// Where signals go, and what they are.
const intakePath = "/integrations/generic/" + secretKey

func quietSignal() *signal { return newSignal(intakePath, "trigger", quietService, "warning") }
