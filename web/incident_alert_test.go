package web

import (
	"testing"

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
