package config

import (
	"testing"
)

func TestAMonitorReadsBackFromTheYAMLThatAPageShows(t *testing.T) {
	t.Parallel()
	d := directory(t, minimal)
	for _, body := range []string{
		`http: https://shop.example.jp/health`,
		`{"http":"https://shop.example.jp","every":"15s","down_after":"3x","headers":{"X-Key":"env:KEY","Accept":"a: b # c"},"body":"line one\nline: two\n","expect":{"status":[200,"2xx"],"body":"^ok$"},"labels":{"team":"決済","yes":"no","n":"007"}}`,
		`{"promql":"up{job=\"x\"} == 0 # not a comment","severity":"warning"}`,
		`{"heartbeat":{"cron":"0 3 * * *","zone":"Asia/Tokyo","grace":"30m"}}`,
		`{"tcp":"shop.example.jp:25","conversation":[{"expect":"^220"},{"send":"QUIT\r"}]}`,
	} {
		m, problems := ReadMonitor("it", []byte(body), d, nil)
		if m == nil {
			t.Fatalf("%s: %v", body, problems)
		}
		text, err := MonitorYAML(m)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		again, problems := ReadMonitor("it", []byte(text), d, nil)
		if again == nil {
			t.Errorf("%s: got problems %v of\n%s", body, problems, text)
		} else if again.Written != m.Written {
			t.Errorf("got %s, want %s; by\n%s", again.Written, m.Written, text)
		}
	}
}
