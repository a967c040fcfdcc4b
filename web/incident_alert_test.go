package web

import (
	"testing"
	"time"

	"toban/oncall"
)

func TestAnIncidentLeadsToTheMonitorThatSaysSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		labels map[string]string
		known  bool
		want   oncall.MonitorID
	}{
		"a monitor":                  {map[string]string{"monitor": "shop", "kind": "http"}, true, "shop"},
		"a location":                 {map[string]string{"kind": "location", "location": "osaka"}, true, ""},
		"another sender":             {map[string]string{"monitor": "left of the desk"}, true, ""},
		"by a link, without account": {map[string]string{"monitor": "shop", "kind": "http"}, false, ""},
	} {
		s := &request{known: tc.known}
		if got := s.alertsOf([]oncall.Alert{{Labels: tc.labels}})[0].Monitor; got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestAnIncidentSaysWhatItsNewestAlertSaysNow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 18, 2, 0, 0, time.UTC)
	said := func(state oncall.AlertState, after time.Duration, summary string) oncall.Alert {
		return oncall.Alert{State: state, LastAt: at.Add(after), Annotations: map[string]string{"summary": summary}}
	}
	inc := &oncall.Incident{Title: "p95 is 93.1"}
	s := &request{lang: "ja", dir: &oncall.Directory{Settings: oncall.Settings{Language: "en"}}}
	refused := said(oncall.Firing, 0, "the connection was refused (127.0.0.1:9)")
	refused.Annotations["reason"], refused.Labels = "refused", map[string]string{"kind": "http", "monitor": "shop"}
	for name, tc := range map[string]struct {
		alerts []oncall.Alert
		want   string
	}{
		"a later value":       {[]oncall.Alert{said(oncall.Firing, 0, "p95 is 93.1"), said(oncall.Firing, time.Minute, "p95 is 97.5")}, "p95 is 97.5"},
		"the title again":     {[]oncall.Alert{said(oncall.Firing, 0, "p95 is 93.1")}, ""},
		"what is over":        {[]oncall.Alert{said(oncall.Cleared, time.Minute, "p95 is 97.5")}, ""},
		"a sender without it": {[]oncall.Alert{{State: oncall.Firing, LastAt: at}}, ""},
		"a monitor of ours":   {[]oncall.Alert{refused}, "127.0.0.1:9 に接続を拒否されました"},
		"on one line":         {[]oncall.Alert{said(oncall.Firing, 0, "p95\nis 98")}, "p95 is 98"},
	} {
		if got := s.saysOf(inc, tc.alerts); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
