package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/alert/intake"
	"toban/oncall"
)

// What a Prometheus 2 has sent, but for its times.
const posted = `[{"labels":{"alertname":"DiskWillFillIn4Hours","instance":"db-03.tokyo.example.jp:9100","severity":"critical","gone":""},` +
	`"annotations":{"summary":"db-03 の /var/lib/mysql が 4 時間以内に満杯"},` +
	`"startsAt":"2026-11-20T06:12:31.518Z","endsAt":"%s","generatorURL":"http://prom-1:9090/graph?g0.expr=up"}]`

func at(now, ends time.Time) string { return fmt.Sprintf(posted, ends.Format(time.RFC3339Nano)) }

func TestAnAlertOfPrometheusHoldsUntilItsEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 6, 15, 0, 0, time.UTC)
	ends := now.Add(4 * time.Minute)
	got, err := intake.PostedAt([]byte(at(now, ends)), now)
	if err != nil {
		t.Fatal(err)
	}
	want := []oncall.Signal{{
		Key: "24d7f1ab2e2b687f", Action: oncall.Trigger, Severity: oncall.Critical, Title: "db-03 の /var/lib/mysql が 4 時間以内に満杯",
		Labels:      map[string]string{"alertname": "DiskWillFillIn4Hours", "instance": "db-03.tokyo.example.jp:9100", "severity": "critical"},
		Annotations: map[string]string{"summary": "db-03 の /var/lib/mysql が 4 時間以内に満杯", "generator_url": "http://prom-1:9090/graph?g0.expr=up"},
		StartsAt:    time.Date(2026, 11, 20, 6, 12, 31, 518e6, time.UTC), EndsAt: ends,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the signal differs (-want +got):\n%s", diff)
	}
}

func TestWhatAnAlertsTimesMean(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 6, 15, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, times  string
		action       oncall.Action
		starts, ends time.Time
	}{
		{"none at all", ``, oncall.Trigger, now, now.Add(5 * time.Minute)},
		{"Go's zero time for the end", `,"startsAt":"2026-11-20T06:00:00Z","endsAt":"0001-01-01T00:00:00Z"`, oncall.Trigger, now.Add(-15 * time.Minute), now.Add(5 * time.Minute)},
		{"an end to come", `,"endsAt":"2026-11-20T15:20:00+09:00"`, oncall.Trigger, now, now.Add(5 * time.Minute)},
		{"an end at this moment", `,"startsAt":"2026-11-20T06:00:00Z","endsAt":"2026-11-20T06:15:00Z"`, oncall.Resolve, now.Add(-15 * time.Minute), time.Time{}},
		{"an end that has passed, no start", `,"endsAt":"2026-11-20T06:14:00Z"`, oncall.Resolve, now.Add(-time.Minute), time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := intake.PostedAt([]byte(`[{"labels":{"alertname":"A"}`+tc.times+`}]`), now)
			if err != nil {
				t.Fatal(err)
			}
			if s := got[0]; s.Action != tc.action || !s.StartsAt.Equal(tc.starts) || !s.EndsAt.Equal(tc.ends) {
				t.Errorf("got %s from %s to %s, want %s from %s to %s", s.Action, s.StartsAt, s.EndsAt, tc.action, tc.starts, tc.ends)
			}
			if got[0].Unknown != "-" || got[0].Severity != oncall.Critical {
				t.Errorf("got %s, unknown %q, want critical because it has none", got[0].Severity, got[0].Unknown)
			}
		})
	}
}

func TestOneBadAlertDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"no labels":               `{"labels":{}}`,
		"empty labels":            `{"labels":{"a":""}}`,
		"a label that is no word": `{"labels":{"a":1}}`,
		"no object":               `7`,
		"a time that is none":     `{"labels":{"a":"b"},"startsAt":"yesterday"}`,
		"ends before it starts":   `{"labels":{"a":"b"},"startsAt":"2026-11-20T06:15:00Z","endsAt":"2026-11-20T06:14:00Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			status, doc := d.post("/integrations/prometheus/rules-key", "application/json", strings.NewReader(`[{"labels":{"alertname":"A"}},`+bad+`,{"labels":{"alertname":"B"}}]`))
			if status != http.StatusBadRequest || doc.Code != "intake.invalid" || !strings.HasPrefix(doc.Field, "/1") {
				t.Errorf("got %d %s %q (%s), want 400 intake.invalid about /1", status, doc.Code, doc.Field, doc.Detail)
			}
			if len(d.accepted) != 2 || d.accepted[1].Labels["alertname"] != "B" {
				t.Errorf("got %+v, want the other two accepted", d.accepted)
			}
		})
	}
}

func TestPrometheusIsAnsweredAsAlertmanagerDoes(t *testing.T) {
	t.Parallel()
	basic := func(r *http.Request) { r.SetBasicAuth("toban", "rules-key") }
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer rules-key") }
	none := func(*http.Request) {}
	for _, tc := range []struct {
		name, path string
		who        func(*http.Request)
		fail       error
		status     int
		code       string
	}{
		{"path_prefix with the key", "/integrations/prometheus/rules-key/api/v2/alerts", none, nil, 200, ""},
		{"the key alone", "/integrations/prometheus/rules-key", none, nil, 200, ""},
		{"basic_auth", "/alertmanager/api/v2/alerts", basic, nil, 200, ""},
		{"authorization", "/alertmanager/api/v2/alerts", bearer, nil, 200, ""},
		{"no key", "/alertmanager/api/v2/alerts", none, nil, 401, "intake.no_key"},
		{"a wrong key", "/alertmanager/api/v2/alerts", func(r *http.Request) { r.SetBasicAuth("toban", "guess") }, nil, 403, "intake.unknown_key"},
		{"a key of another dialect", "/alertmanager/api/v2/alerts", func(r *http.Request) { r.SetBasicAuth("toban", "prom-key") }, nil, 404, "intake.wrong_dialect"},
		{"not stored", "/alertmanager/api/v2/alerts", basic, errors.New("disk full"), 503, "internal"},
		{"overloaded", "/alertmanager/api/v2/alerts", basic, &oncall.Error{Kind: oncall.Unavailable, Code: "store.overloaded"}, 503, "store.overloaded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.fail = tc.fail
			r := httptest.NewRequest(http.MethodPost, tc.path, strings.NewReader(at(time.Now(), time.Now().Add(time.Minute))))
			r.Header.Set("Content-Type", "application/json")
			tc.who(r)
			w := httptest.NewRecorder()
			d.mux.ServeHTTP(w, r)
			var doc struct{ Code string }
			_ = json.Unmarshal(w.Body.Bytes(), &doc) // 200 has no body
			if w.Code != tc.status || doc.Code != tc.code {
				t.Errorf("got %d %s, want %d %q", w.Code, w.Body, tc.status, tc.code)
			}
			if tc.status == http.StatusOK && w.Body.Len() != 0 {
				t.Errorf("got the body %q, want none", w.Body)
			}
			if got, want := len(d.accepted), map[bool]int{true: 1}[tc.status == 200]; got != want {
				t.Errorf("got %d accepted, want %d", got, want)
			}
		})
	}
}

func TestTheMetricsProcessNeedsNoKeyAtItsOwnSocket(t *testing.T) {
	t.Parallel()
	d := open(t)
	r := httptest.NewRequest(http.MethodPost, "/alertmanager/api/v2/alerts", strings.NewReader(at(time.Now(), time.Now().Add(time.Minute))))
	w := httptest.NewRecorder()
	d.own.ServeHTTP(w, r)
	if w.Code != http.StatusOK || len(d.accepted) != 1 || d.accepted[0].Integration != "metrics" || d.accepted[0].Stage != oncall.Production {
		t.Errorf("got %d and %+v, want 200 and a signal of the metrics process", w.Code, d.accepted)
	}
	r = httptest.NewRequest(http.MethodPost, "/integrations/prometheus/rules-key", strings.NewReader("[]"))
	w = httptest.NewRecorder()
	d.own.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("got %d for another address, want 404: the socket is for alerts alone", w.Code)
	}
}

func TestARuleOfAMonitorNamesItsServiceAndItsIncident(t *testing.T) {
	t.Parallel()
	const body = `[{"labels":{"alertname":"disk","monitor":"disk","kind":"promql","toban_service":"checkout","instance":"a"}},` +
		`{"labels":{"alertname":"disk","monitor":"disk","kind":"promql","instance":"b"}},{"labels":{"alertname":"x","monitor":"tokyo"}}]`
	d := open(t)
	w := httptest.NewRecorder()
	d.own.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/alertmanager/api/v2/alerts", strings.NewReader(body)))
	if w.Code != http.StatusOK || len(d.accepted) != 3 {
		t.Fatalf("got %d and %+v", w.Code, d.accepted)
	}
	a, b, c := d.accepted[0], d.accepted[1], d.accepted[2]
	if a.Service != "checkout" || a.GroupKey != "disk" || b.GroupKey != "disk" || a.Key == b.Key || b.Service != "" {
		t.Errorf("got %+v and %+v, want two alerts of one incident, and the service that is named", a, b)
	}
	if c.GroupKey != "" {
		t.Errorf("got the group %q for a rule of the user's, whose Prometheus is called so", c.GroupKey)
	}
	if status, _ := d.post("/integrations/prometheus/rules-key", "application/json", strings.NewReader(body)); status != http.StatusOK {
		t.Fatalf("got %d, want 200", status)
	}
	if s := d.accepted[3]; s.Service != "" || s.GroupKey != "" {
		t.Errorf("got %+v, want nothing of that believed from elsewhere", s)
	}
}

func TestARequestOfManyLargeAlertsIsTaken(t *testing.T) {
	t.Parallel()
	d := open(t)
	var alerts []string
	for i := range 256 {
		alerts = append(alerts, fmt.Sprintf(`{"labels":{"alertname":"A","n":"%d"},"annotations":{"description":"%s"}}`, i, strings.Repeat("x", 20_000)))
	}
	status, doc := d.post("/integrations/prometheus/rules-key", "application/json", strings.NewReader("["+strings.Join(alerts, ",")+"]"))
	if status != http.StatusOK || len(d.accepted) != 256 {
		t.Errorf("got %d %s and %d signals, want 200 and 256", status, doc.Detail, len(d.accepted))
	}
	status, doc = d.post("/integrations/prometheus/rules-key", "application/json", strings.NewReader("["+strings.Repeat(" ", 9<<20)+"]"))
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(doc.Detail, "8 MiB") {
		t.Errorf("got %d %s, want 413 with the limit", status, doc.Detail)
	}
}

func FuzzPrometheus(f *testing.F) {
	now := time.Date(2026, 11, 20, 6, 15, 0, 0, time.UTC)
	f.Add([]byte(at(now, now)))
	f.Add([]byte(`[{"labels":{"a":"\ud800"},"endsAt":"9999-12-31T23:59:59Z"},null,[]]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		signals, err := intake.PostedAt(body, now)
		if e, ok := errors.AsType[*oncall.Error](err); err != nil && (!ok || e.Kind != oncall.Invalid && e.Kind != oncall.TooLarge) {
			t.Fatalf("got %v, want an error that its sender can read", err)
		}
		for _, s := range signals {
			if s.Key == "" || len(s.Labels) == 0 || s.StartsAt.IsZero() || (s.Action == oncall.Trigger) == s.EndsAt.IsZero() {
				t.Fatalf("got %+v", s)
			}
		}
	})
}
