package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/api"
)

func minutesAgo(n int) *time.Time {
	at := time.Date(2026, 11, 20, 11, 2, 0, 0, time.UTC).Add(-time.Duration(n) * time.Minute)
	return &at
}

func TestTheListOfMonitorsBeginsWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	list := []api.Monitor{
		{Name: "paused", State: "paused"},
		{Name: "api", Kind: "tcp", State: "up", Since: minutesAgo(90), LastAt: minutesAgo(0), Service: "checkout"},
		{Name: "doubt", Kind: "http", State: "up", Since: minutesAgo(90), Doubt: true, Reason: "timeout"},
		{Name: "new", Kind: "http", State: "unknown"},
		{Name: "nightly", Kind: "heartbeat", State: "unknown"},
		{Name: "old", Kind: "dns", State: "down", Since: minutesAgo(60), Reason: "resolve", Problem: "nobody asks from osaka"},
		{Name: "shop", Kind: "http", State: "down", Since: minutesAgo(3), Reason: "status", Message: "the status is 503,\nwanted is 200-299 " + strings.Repeat("x", 99)},
		{Name: "broken", Kind: "grpc", State: "unknown", Problem: "env:KEY is not set"},
		{Name: "half", Kind: "ping", State: "up", Since: minutesAgo(90), Problem: "nobody asks from osaka"},
	}
	worstFirst(list)
	var out bytes.Buffer
	if err := (&env{out: &out}).printMonitors(list, time.UTC); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"STATE", "WHAT IS WRONG"},
		{"down ", "2026-11-20 10:59:00 UTC", "shop ", "http ", "the status is 503, wanted is 200-299 xxx", "…"},
		{"down ", "old ", "dns ", "resolve"},
		{"unknown ", "broken ", "can't be watched: env:KEY is not set"},
		{"unknown ", "new ", "no result has come yet"},
		{"unknown ", "nightly ", "it has never reported"},
		{"up? ", "doubt ", "being confirmed: timeout"},
		{"up ", "half ", "not watched as it should be: nobody asks from osaka"},
		{"up ", "api ", "tcp ", "checkout ", "2026-11-20 11:02:00 UTC"},
		{"paused ", "paused ", "-"},
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d:\n%s", len(got), len(want), out.String())
	}
	for i, parts := range want {
		rest := got[i]
		for _, part := range parts {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("line %d: %q has no %q", i, got[i], part)
			}
			rest = after
		}
	}
}

func TestAMonitorIsShownWithItsLastResultItsUptimeAndItsAddress(t *testing.T) {
	t.Parallel()
	share, exit := 0.99999, 1
	for name, tc := range map[string]struct {
		of   monitorFacts
		want string
	}{
		"a probe that is down": {monitorFacts{
			of: api.Monitor{
				Name: "shop", State: "down", Since: minutesAgo(3), Kind: "http", Target: "https://shop.example.jp", Reason: "status", Message: "the status is 503",
				LastAt: minutesAgo(0), Took: 0.084, Service: "checkout", Severity: "critical", Expression: "probe_success == 0", Uptime: &api.MonitorUptime{Since: minutesAgo(600), Day: &share},
			},
			failed: []api.MonitorFailure{{At: *minutesAgo(1), Location: "here", Reason: "status", Message: "the status is 503", Evidence: api.MonitorEvidence{
				Tried: []string{"192.0.2.10:443"}, Status: "HTTP/1.1 503 Service Unavailable", Body: "<h1>\ndown</h1>",
			}}},
		}, `shop  down since 2026-11-20 10:59:00 UTC
http https://shop.example.jp
status: the status is 503
last check: 2026-11-20 11:02:00 UTC, took 84ms
uptime: 24 h 99.99% · watched since 2026-11-20 01:02:00 UTC
service checkout · severity critical · written in -
PromQL: probe_success == 0

FAILED                   FROM  REASON  MESSAGE
2026-11-20 11:01:00 UTC  here  status  the status is 503

the last failure:
  192.0.2.10:443
  HTTP/1.1 503 Service Unavailable
  <h1> down</h1>
`},
		"a heartbeat, to a manager": {monitorFacts{
			of: api.Monitor{
				Name: "nightly", State: "up", Kind: "heartbeat", Target: "1h", PingURL: "https://toban.example.jp/ping/x", Expected: minutesAgo(-30), Deadline: minutesAgo(-40),
				Severity: "warning", Expression: "x",
			},
			pings: []api.Ping{{At: *minutesAgo(30), Kind: "fail", Exit: &exit, Took: 12}},
		}, `nightly  up
heartbeat 1h
ping URL: https://toban.example.jp/ping/x
last ping: 2026-11-20 10:32:00 UTC fail, exit status 1, took 12s
next expected 2026-11-20 11:32:00 UTC, down without one after 2026-11-20 11:42:00 UTC
uptime: not known yet
service - · severity warning · written in -
PromQL: x
`},
		"a heartbeat, to others": {monitorFacts{of: api.Monitor{Name: "nightly", State: "unknown", Kind: "heartbeat", Target: "1h", Severity: "warning"}}, `nightly  unknown
heartbeat 1h
ping URL: only managers see its address
last ping: never
uptime: not known yet
service - · severity warning · written in -
PromQL: 
`},
	} {
		var out bytes.Buffer
		if err := (&env{out: &out}).printMonitor(tc.of, time.UTC); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
