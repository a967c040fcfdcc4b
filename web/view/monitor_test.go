package view

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/mackerel"
	"toban/detect/probe"
	"toban/detect/standing"
	"toban/oncall"
	"toban/store"
)

func ago(d time.Duration) time.Time { return evening().Add(-d) }

// standings are monitors in all states that the pages have.
func standings() []standing.Standing {
	exit := 1
	certificate := &probe.Certificate{
		Names: []string{"shop.example.jp", "www.example.jp"}, Issuer: "CN=Example CA", NotBefore: ago(1000 * time.Hour), NotAfter: ago(-500 * time.Hour),
		Earliest: ago(-99 * time.Hour), SHA256: strings.Repeat("ab", 32), Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256",
	}
	shop := &oncall.Monitor{
		ID: "shop", Name: "店の決済", Kind: oncall.MonitorHTTP, Target: "https://shop.example.jp/health", Every: 15 * time.Second, Timeout: 10 * time.Second,
		Down: oncall.Threshold{For: 45 * time.Second}, Severity: oncall.Critical, Service: "checkout", Labels: map[string]string{"team": "shop"}, Private: true,
		Locations: []string{"here", "osaka", "tokyo"}, Quorum: 2,
	}
	api := &oncall.Monitor{ID: "api", Name: "API", Kind: oncall.MonitorTCP, Target: "api.example.jp:443", Every: time.Minute, Timeout: time.Second, Down: oncall.Threshold{Count: 3}, Severity: oncall.Warning}
	nightly := &oncall.Monitor{ID: "nightly", Name: "夜間バックアップ", Kind: oncall.MonitorHeartbeat, Heartbeat: &oncall.Heartbeat{Cron: "0 3 * * *", Zone: "Asia/Tokyo", Grace: 30 * time.Minute}, Severity: oncall.Warning}
	disk := &oncall.Monitor{ID: "disk", Name: "disk", Kind: oncall.MonitorPromQL, PromQL: `disk_free / disk_size < 0.05`, Every: time.Minute, Severity: oncall.Critical}
	critical := 5.0
	orders := &oncall.Monitor{
		ID: "orders", Name: "失敗した注文", Kind: oncall.MonitorMetric, Severity: oncall.Critical, Every: time.Minute,
		Metric: &oncall.ServiceMetric{Service: "shop", Name: "orders.*.failed", Operator: ">", Critical: &critical, Points: 3, Missing: 30 * time.Minute},
	}
	return []standing.Standing{
		{
			Monitor: shop, State: standing.Down, Since: ago(3 * time.Minute), Last: ago(5 * time.Second), Took: 84 * time.Millisecond, Reason: "status",
			Message: "the status is 503 Service Unavailable, wanted is 200-299", Ends: certificate.Earliest, Here: true,
			Places: map[string]oncall.PlaceState{
				"here":  {Status: oncall.MonitorDown, Since: ago(3 * time.Minute), At: ago(5 * time.Second), Reason: "status", Message: "the status is 503 Service Unavailable, wanted is 200-299"},
				"osaka": {Status: oncall.MonitorUp, Since: ago(72 * time.Hour), At: ago(9 * time.Second), Pending: oncall.Pending{To: oncall.MonitorDown}, Reason: "timeout"},
				"tokyo": {Muted: true},
			},
			Heard: map[string]detect.Last{"here": {At: ago(5 * time.Second), Took: 84 * time.Millisecond, Certificate: certificate}},
		},
		{Monitor: api, State: standing.Up, Since: ago(41 * 24 * time.Hour), Last: ago(20 * time.Second), Doubt: true, Reason: "timeout", Here: true},
		{
			Monitor: nightly, State: standing.Down, Since: ago(time.Hour), Last: ago(time.Hour), Reason: "failure", Message: "夜間バックアップ failed with exit status 1",
			Beat: &heartbeat.Status{Monitor: nightly, Status: oncall.HeartbeatDown, Typical: 31 * time.Second, Expected: ago(-7 * time.Hour), Deadline: ago(-8 * time.Hour), State: oncall.HeartbeatState{Why: oncall.HeartbeatFailed, Exit: exit, Ended: ago(time.Hour)}},
		},
		{Monitor: disk, State: standing.Unknown},
		{
			Monitor: orders, State: standing.Down, Since: ago(4 * time.Minute), Last: ago(time.Minute), Reason: "critical", Message: "orders.web.failed is 12 (> 5)",
			Metrics: []mackerel.Status{
				{Monitor: orders, Metric: "orders.app.failed", State: oncall.MetricState{Level: oncall.MetricOK, Since: ago(3 * time.Hour), At: ago(time.Minute), Value: 0.3333333333}},
				{Monitor: orders, Metric: "orders.fax.failed"},
				{Monitor: orders, Metric: "orders.web.failed", Why: "orders.web.failed is 12 (> 5)", State: oncall.MetricState{Level: oncall.MetricCritical, Since: ago(4 * time.Minute), At: ago(time.Minute), Value: 12, Row: 1, Plan: orders.MetricPlan()}},
			},
		},
		{Monitor: &oncall.Monitor{ID: "old", Name: strings.Repeat("とても長い名前の", 12), Kind: oncall.MonitorPing, Target: strings.Repeat("very-long-", 20), Paused: true, Severity: oncall.Info}, State: standing.Paused, Problem: "env:KEY is not set"},
	}
}

// past is a history with a bad day, a slow one and days before the first.
func past() standing.History {
	h := make([]standing.Day, standing.Days)
	for i := range h {
		h[i].Date = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i-len(h)+1)
		if i > 10 {
			h[i].Up = 24 * time.Hour
		}
	}
	h[40].Up, h[40].Down = 23*time.Hour, time.Hour
	h[70].Up, h[70].Down = 24*time.Hour-time.Minute, time.Minute
	return standing.History{Days: h, Up: 23 * time.Hour, Down: time.Hour, Since: time.Date(2026, 9, 2, 3, 0, 0, 0, time.UTC)}
}

func monitorPages(t *testing.T, lang string) map[string]templ.Component {
	t.Helper()
	s, dir, all := reader(t, lang, "manager"), shop(t), standings()
	noService := func(*oncall.Monitor) oncall.ServiceID { return "" }
	histories := map[oncall.MonitorID]standing.History{"shop": past(), "api": past()}
	list := func(f MonitorFilter, all []standing.Standing, edits bool) Monitors {
		picked, counts := PickMonitors(all, f, noService)
		v := MonitorsOf(s, dir, f, picked, PageOfMonitors(picked, f.Page), counts, histories, len(all))
		v.MayEdit = edits
		return v
	}
	body, err := json.Marshal(probe.Evidence{
		Tried: []string{"192.0.2.10:443", "GET https://shop.example.jp/health"}, Status: "HTTP/1.1 503 Service Unavailable",
		Headers: []string{"Content-Type: text/html", "X-Said: <script>"}, Body: "<h1>down</h1>", BodySize: 13, Chain: []string{"CN=shop.example.jp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	one := func(n int) MonitorFacts {
		return MonitorFacts{Standing: all[n], YAML: "http: https://shop.example.jp/health\n", Service: dir.Services[0]}
	}
	down := one(0)
	down.Past = past()
	down.Incidents = []oncall.Incident{{Number: 42, Title: "店の決済", State: oncall.Triggered, TriggeredAt: ago(3 * time.Minute)}}
	down.Failures = []store.MonitorFailure{
		{ID: "mfl_2", Location: "here", At: ago(5 * time.Second), Reason: "status", Message: "the status is 503 Service Unavailable, wanted is 200-299", Evidence: body},
		{ID: "mfl_1", Location: "osaka", At: ago(time.Minute), Reason: "timeout", Message: "nothing came", Evidence: []byte("{}")},
	}
	checked := MonitorOf(s, dir, down)
	checked.MayCheck, checked.MayEdit = true, true
	checked.Checked = CheckOf(s, &probe.Result{
		Start: evening(), Duration: 84 * time.Millisecond, Reason: probe.ReasonRefused, Message: "the connection was refused",
		Phases:   []probe.Phase{{Name: "resolve", Duration: 1500 * time.Microsecond}, {Name: "connect", Duration: 12 * time.Millisecond}, {Name: "transfer", Duration: 2 * time.Second}},
		Evidence: &probe.Evidence{Tried: []string{"192.0.2.10:443"}},
	})
	filed := one(1)
	filed.Origin = Origin{File: "monitors.yaml", Line: 12}
	beat := one(2)
	exit := 1
	beat.URL, beat.Slug = "https://toban.example.jp/ping/x", "https://toban.example.jp/ping/key/nightly"
	beat.Pings = []store.Ping{
		{N: 3, HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingFail, Exit: &exit, At: ago(time.Hour), Took: 12 * time.Second}, Address: "192.0.2.7", Agent: "curl/8.11", Body: "disk <full>"},
		{N: 2, HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingStart, At: ago(time.Hour)}},
		{N: 1, HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingSuccess, At: ago(25 * time.Hour), Took: 31 * time.Second}},
	}
	closed, measured := one(2), one(4)
	measured.Past = past()
	return map[string]templ.Component{
		"list":        MonitorsPage(s, list(MonitorFilter{}, all, true)),
		"list-filter": MonitorsPage(s, list(MonitorFilter{State: "up", Kind: "http", Text: "x"}, all, false)),
		"empty":       MonitorsPage(s, Monitors{MayEdit: true}),
		"empty-wrong": MonitorsPage(s, Monitors{MayEdit: true, New: NewMonitor{Target: "x y", Kind: "tcp", Wrong: map[string]string{"target": "…", "private": "…"}}}),
		"empty-tried": MonitorsPage(s, Monitors{MayEdit: true, New: NewMonitor{Target: "https://shop.example.jp", Kind: "http", Answer: &MonitorCheck{
			Why: "…", Message: "the status is 404", Evidence: probe.Evidence{Status: "404 Not Found", Tried: []string{"GET / to 192.0.2.1:443"}},
		}}}),
		"empty-viewer": MonitorsPage(s, Monitors{}),
		"down":         MonitorPage(s, checked),
		"file":         MonitorPage(s, MonitorOf(s, dir, filed)),
		"heartbeat":    MonitorPage(s, MonitorOf(s, dir, beat)),
		"closed":       MonitorPage(s, MonitorOf(s, dir, closed)),
		"rule":         MonitorPage(s, MonitorOf(s, dir, one(3))),
		"paused":       MonitorPage(s, MonitorOf(s, dir, one(5))),
		"metrics":      MonitorPage(s, MonitorOf(s, dir, measured)),
		"form":         MonitorFormPage(s, MonitorForm{YAML: "http: x\n", Name: "a b", Wrong: map[string]string{"name": "…", "yaml": "…"}, Problems: []MonitorProblem{{Line: 3, Text: "unknown key"}, {Text: "…"}}}),
		"edit":         MonitorFormPage(s, MonitorForm{ID: "shop", YAML: "http: x\n"}),
	}
}

func TestEveryPageOfMonitorsIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	drawnAsItWas(t, "monitors", monitorPages)
}

func TestEveryPageOfMonitorsHasEachIdOnceAndNoTextWithoutWords(t *testing.T) {
	t.Parallel()
	for name, page := range monitorPages(t, "ja") {
		html := htmlOf(t, page)
		idsOnce(t, name, html)
		for _, bare := range []string{"monitor.", "monitors."} {
			if strings.Contains(strings.ReplaceAll(html, ">monitor.invalid<", ""), ">"+bare) {
				t.Errorf("%s: a key stands where a text should be: %s…", name, bare)
			}
		}
		for _, raw := range []string{"<script>\"", "<h1>down", "disk <full>"} {
			if strings.Contains(html, raw) {
				t.Errorf("%s: what came from a target is not escaped: %s", name, raw)
			}
		}
	}
}

func TestLessThanAllIsNeverWrittenAsAll(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		share float64
		ok    bool
		want  string
	}{{1, true, "100%"}, {0.9999999, true, "99.99%"}, {0.5, true, "50%"}, {0.99519, true, "99.51%"}, {0, true, "0%"}, {0, false, ""}} {
		if got := percent(tc.share, tc.ok); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.share, got, tc.want)
		}
	}
}

func TestMonitorsArePickedAndThoseThatAreDownComeFirst(t *testing.T) {
	t.Parallel()
	service := func(m *oncall.Monitor) oncall.ServiceID { return m.Service }
	for _, tc := range []struct {
		f    MonitorFilter
		want string
	}{
		{MonitorFilter{}, "shop orders nightly disk api old"},
		{MonitorFilter{State: "up"}, "api"},
		{MonitorFilter{Kind: "heartbeat"}, "nightly"},
		{MonitorFilter{Service: "checkout"}, "shop"},
		{MonitorFilter{Text: "EXAMPLE.jp"}, "shop api"},
		{MonitorFilter{Text: "決済"}, "shop"},
		{MonitorFilter{State: "down", Text: "nothing"}, ""},
	} {
		picked, counts := PickMonitors(standings(), tc.f, service)
		var got []string
		for _, s := range picked {
			got = append(got, string(s.Monitor.ID))
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: got %v, want %s", tc.f, got, tc.want)
		}
		if tc.f == (MonitorFilter{State: "up"}) && counts[standing.Down] != 3 {
			t.Errorf("the tab of what is down counts %d, want 3 whatever tab is chosen", counts[standing.Down])
		}
	}
	if got := PageOfMonitors(make([]standing.Standing, 120), 3); len(got) != 20 {
		t.Errorf("the third page has %d rows, want 20", len(got))
	}
	if got := PageOfMonitors(make([]standing.Standing, 120), 4000); len(got) != 0 {
		t.Errorf("a page behind the last has %d rows, want none", len(got))
	}
}

func TestThePageSaysThatResultsAreNotKept(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"en": "Results are not kept at the moment", "ja": "いまは結果を保存できません"} {
		var out strings.Builder
		if err := MonitorsPage(reader(t, lang, "viewer"), Monitors{NotKept: true}).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got no %q", lang, want)
		}
	}
}
