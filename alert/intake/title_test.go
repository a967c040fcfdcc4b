package intake

import (
	"testing"

	"toban/oncall"
)

func TestAlertsOfOneNameAreToldApartByTheirLabels(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                string
		labels, annotations map[string]string
		want                string
	}{
		{"the summary comes first", map[string]string{"alertname": "Down", "instance": "a"}, map[string]string{"summary": " a is down "}, "a is down"},
		{"by its instance", map[string]string{"alertname": "UptimeCheckFailing", "instance": "shop", "job": "uptime", "severity": "critical"}, nil, "UptimeCheckFailing shop"},
		{"by its target", map[string]string{"alertname": "UptimeCheckFailing", "target": "https://shop.example.jp", "job": "uptime"}, nil, "UptimeCheckFailing https://shop.example.jp"},
		{"by several", map[string]string{"alertname": "DiskFull", "instance": "db-03:9100", "mountpoint": "/var", "device": "/dev/sda1", "name": "x"}, nil, "DiskFull db-03:9100 /dev/sda1 /var"},
		{"each value once", map[string]string{"alertname": "Down", "instance": "shop", "target": "shop"}, nil, "Down shop"},
		{"by what is left", map[string]string{"alertname": "Lag", "severity": "warning", "job": "kafka", "consumer": "billing", "partition": "4"}, nil, "Lag consumer=billing partition=4"},
		{"by nothing", map[string]string{"alertname": "Watchdog", "severity": "none"}, nil, "Watchdog"},
		{"without a name", map[string]string{"instance": "shop"}, nil, "shop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := alertTitle(tc.labels, tc.annotations); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheTitleOfAMonitorsRuleStaysWhileItsValueMoves(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"91", "97.5"} {
		body := `[{"labels":{"alertname":"disk","monitor":"disk","kind":"promql"},"annotations":{"summary":"disk: ` + value + `","title":"disk: the condition holds"}}]`
		signals, err := parseOwn([]byte(body), &oncall.Integration{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := signals[0].Title, "disk: the condition holds"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := signals[0].Annotations["summary"], "disk: "+value; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
