package intake

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

const webhook = `{"version":"4","groupKey":"{}/{team=\"sre\"}:{alertname=\"URL Alert(critical)\"}","truncatedAlerts":0,"status":"firing","receiver":"slack",
 "notification_reason":"first notification","routeLabels":{},"groupLabels":{"alertname":"URL Alert(critical)"},
 "commonLabels":{"alertname":"URL Alert(critical)","severity":"critical"},"commonAnnotations":{},"externalURL":"http://am-0:9093",
 "alerts":[
  {"status":"firing","labels":{"alertname":"URL Alert(critical)","instance":"https://hoge.example/fuga","job":"product-A-url","severity":"critical"},
   "annotations":{},"startsAt":"2026-11-20T05:58:00.114Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom/graph","fingerprint":"b1f3a7c09d5e4420"},
  {"status":"resolved","labels":{"alertname":"URL Alert(critical)","instance":"https://hoge.example/piyo","job":"product-A-url","severity":"page"},
   "annotations":{"summary":"piyo is back"},"startsAt":"0001-01-01T00:00:00Z","endsAt":"2026-11-20T06:00:00Z","generatorURL":""}]}`

func TestAnAlertmanagerGroupIsOneIncidentOfManyAlerts(t *testing.T) {
	t.Parallel()
	got, err := parseAlertmanager([]byte(webhook), &oncall.Integration{})
	if err != nil {
		t.Fatal(err)
	}
	group := got[0].GroupKey
	if group == "" || group != got[1].GroupKey {
		t.Fatalf("got group keys %q and %q, want one", got[0].GroupKey, got[1].GroupKey)
	}
	want := []oncall.Signal{
		{
			Key: "b1f3a7c09d5e4420", GroupKey: group, Action: oncall.Trigger, Severity: oncall.Critical, Title: "URL Alert(critical) https://hoge.example/fuga",
			Labels:      map[string]string{"alertname": "URL Alert(critical)", "instance": "https://hoge.example/fuga", "job": "product-A-url", "severity": "critical"},
			Annotations: map[string]string{}, StartsAt: time.Date(2026, 11, 20, 5, 58, 0, 114e6, time.UTC),
		},
		{
			Key: Fingerprint(got[1].Labels), GroupKey: group, Action: oncall.Resolve, Severity: oncall.Critical, Unknown: "page", Title: "piyo is back",
			Labels:      map[string]string{"alertname": "URL Alert(critical)", "instance": "https://hoge.example/piyo", "job": "product-A-url", "severity": "page"},
			Annotations: map[string]string{"summary": "piyo is back"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signals differ (-want +got):\n%s", diff)
	}
}

// The vector was made with prometheus/common.
func TestFingerprintIsPrometheusOwn(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"alertname": "DiskWillFillIn4Hours", "instance": "db-03.tokyo.example.jp:9100", "severity": "critical"}
	if got, want := Fingerprint(labels), "24d7f1ab2e2b687f"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestABrokenWebhookNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, field, says string }{
		{"no JSON", `{"version":"4",`, "", "no JSON"},
		{"wrong type", `{"version":"4","alerts":{"status":"firing"}}`, "/alerts", "expected an array"},
		{"wrong type inside", `{"version":"4","alerts":[{"status":"firing","labels":{"a":1}}]}`, "/alerts/labels", "expected a string"},
		{"another version", `{"version":"3","alerts":[]}`, "/version", "version 4"},
		{"no alert", `{"version":"4","alerts":[]}`, "/alerts", "no alert"},
		{"unknown status", `{"version":"4","alerts":[{"status":"burning","labels":{"a":"b"}}]}`, "/alerts/0/status", "firing or resolved"},
		{"no labels", `{"version":"4","alerts":[{"status":"firing","labels":{}}]}`, "/alerts/0/labels", "at least one label"},
		{"null", `null`, "/alerts", "no alert"},
		{"an array", `[]`, "/", "expected an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseAlertmanager([]byte(tc.body), &oncall.Integration{})
			var e *oncall.Error
			if !errors.As(err, &e) || e.Kind != oncall.Invalid {
				t.Fatalf("got %v, want an invalid request", err)
			}
			if e.Field != tc.field || !strings.Contains(e.Message, tc.says) {
				t.Errorf("got field %q, message %q, want field %q and %q", e.Field, e.Message, tc.field, tc.says)
			}
		})
	}
}

func FuzzAlertmanager(f *testing.F) {
	f.Add([]byte(webhook))
	f.Add([]byte(`{"alerts":[null,{"status":"firing"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		signals, err := parseAlertmanager(body, &oncall.Integration{})
		if err != nil {
			if _, ok := errors.AsType[*oncall.Error](err); !ok {
				t.Fatalf("got %v, want an error that the sender understands", err)
			}
			return
		}
		for _, s := range signals {
			if s.Key == "" || s.Action == "" || s.Severity == "" {
				t.Fatalf("got %+v: key, action and severity are always there", s)
			}
		}
	})
}

func FuzzGeneric(f *testing.F) {
	f.Add([]byte(`{"key":1,"action":"firing","summary":"x","labels":{"a":true}}`), "")
	f.Add([]byte(`{"id":7,"state":"down"}`), "{key: .id, action: .state, summary: (.title // \"-\")}")
	f.Add([]byte(`[1,2]`), ".[]")
	g := newGeneric()
	f.Fuzz(func(t *testing.T, body []byte, program string) {
		if len(program) > 200 {
			return
		}
		if _, err := g.parse(body, &oncall.Integration{Map: program}); err != nil {
			if _, ok := errors.AsType[*oncall.Error](err); !ok {
				t.Fatalf("got %v, want an error that the sender understands", err)
			}
		}
	})
}

func TestGenericEventsAreMappedByJQ(t *testing.T) {
	t.Parallel()
	const cart = `{key: .id, action: .state, summary: .title, severity: .level, labels: {product: .shop}}`
	for _, tc := range []struct {
		name, program, body string
		want                []oncall.Signal
	}{
		{
			"by a mapping", cart, `{"id":4711,"state":"firing","title":"cart is slow","level":"warning","shop":"checkout"}`,
			[]oncall.Signal{{Key: "4711", Action: oncall.Trigger, Title: "cart is slow", Severity: oncall.Warning, Labels: map[string]string{"product": "checkout"}}},
		},
		{
			"an array is several", `[.items[] | {key: .k, action: "resolve"}]`, `{"items":[{"k":"a"},{"k":"b"}]}`,
			[]oncall.Signal{{Key: "a", Action: oncall.Resolve, Severity: oncall.Critical, Unknown: "-"}, {Key: "b", Action: oncall.Resolve, Severity: oncall.Critical, Unknown: "-"}},
		},
		{
			"without a mapping as it is", "", `{"key":"db","summary":"disk","severity":"INFO","delivery_id":"d-1","service":"checkout"}`,
			[]oncall.Signal{{Key: "db", Action: oncall.Trigger, Title: "disk", Severity: oncall.Info, SenderKey: "d-1", Service: "checkout"}},
		},
		{
			"without a key by its summary", "", `{"summary":"the till is on fire","severity":"p1"}`,
			[]oncall.Signal{{Key: hashed("the till is on fire"), Action: oncall.Trigger, Title: "the till is on fire", Severity: oncall.Critical, Unknown: "p1"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := newGeneric().parse([]byte(tc.body), &oncall.Integration{Map: tc.program})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("signals differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABrokenEventNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for _, tc := range []struct{ name, program, body, field, says string }{
		{"no JSON", "", `nonsense`, "", "no JSON"},
		{"not an object", "", `"x"`, "", "an event is an object"},
		{"unknown action", "", `{"key":"a","action":"explode"}`, "/action", "not \"explode\""},
		{"nothing to tell it by", "", `{"action":"trigger"}`, "/key", "needs a key"},
		{"resolve without a key", "", `{"action":"resolve","summary":"x"}`, "/key", "to be resolved"},
		{"labels of a wrong type", "", `{"key":"a","labels":[1]}`, "/labels", "expected an object"},
		{"the mapping fails", `.a.b`, `{"a":1}`, "", "does not fit"},
		{"the mapping never ends", `[range(1; infinite)]`, `{}`, "", "longer than"},
		{"the second of two", `.[]`, `[{"key":"a"},{"key":"b","action":"?"}]`, "/1/action", "not \"?\""},
		{"too deep", "", deep, "", "nests deeper"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := newGeneric().parse([]byte(tc.body), &oncall.Integration{Map: tc.program})
			var e *oncall.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an error that the sender understands", err)
			}
			if e.Field != tc.field || !strings.Contains(e.Message, tc.says) {
				t.Errorf("got field %q, message %q, want field %q and %q", e.Field, e.Message, tc.field, tc.says)
			}
		})
	}
}

func TestTheEnvironmentIsOutOfReachOfAMapping(t *testing.T) {
	t.Setenv("TOBAN_SECRET_OF_THE_TEST", "leaked")
	out, err := newGeneric().parse([]byte(`{}`), &oncall.Integration{Map: `{key: (env.TOBAN_SECRET_OF_THE_TEST // "none"), summary: ($ENV.TOBAN_SECRET_OF_THE_TEST // "none")}`})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "leaked") {
		t.Errorf("got %s, want no trace of the environment", body)
	}
}
