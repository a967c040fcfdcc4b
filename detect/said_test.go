package detect

import (
	"testing"
	"time"

	"toban/detect/saying"
	"toban/oncall"
)

func TestASignalOfAMonitorIsInTheLanguageAndZoneOfTheInstallation(t *testing.T) {
	t.Parallel()
	ja, en := saying.Of(oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"}), saying.Of(oncall.Settings{Language: "en", Zone: "Asia/Tokyo"})
	since := time.Date(2026, 11, 20, 18, 2, 0, 0, time.UTC)
	one := &oncall.Monitor{ID: "shop", Name: "店", Kind: oncall.MonitorHTTP, Severity: oncall.Critical}
	many := &oncall.Monitor{ID: "shop", Kind: oncall.MonitorHTTP, Severity: oncall.Critical, Locations: []string{"tokyo", "osaka"}}
	down := oncall.MonitorEdge{Alert: oncall.AlertDown, Since: since, Reason: "refused", Message: "the connection was refused (127.0.0.1:8080)"}
	both := down
	both.Message += " (tokyo, osaka)"
	for _, tc := range []struct {
		name           string
		words          saying.Words
		m              *oncall.Monitor
		edge           oncall.MonitorEdge
		title, summary string
	}{
		{"down", ja, one, down, "店: 接続を拒否されました", "127.0.0.1:8080 に接続を拒否されました"},
		{"down in English", en, one, down, "店: the connection is refused", "the connection was refused (127.0.0.1:8080)"},
		{"down at two places", ja, many, both, "shop: 接続を拒否されました", "127.0.0.1:8080 に接続を拒否されました（tokyo, osaka）"},
		{"down at two places in English", en, many, both, "shop: the connection is refused", "the connection was refused (127.0.0.1:8080) (tokyo, osaka)"},
		{"not seen", ja, one, oncall.MonitorEdge{Alert: oncall.AlertUnseen, Since: since}, "店: チェックできず、正常かどうか分かりません", "2026-11-21 03:02 JST からチェックできず、正常かどうか分かりません"},
		{"not seen in English", en, one, oncall.MonitorEdge{Alert: oncall.AlertUnseen, Since: since}, "店: toban can’t see whether it is up", "not checked since 2026-11-21 03:02 JST: toban can’t tell whether it is up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, ok := signalOf(tc.words, tc.m, tc.edge, since.Add(time.Minute))
			if !ok || s.Title != tc.title || s.Annotations["summary"] != tc.summary {
				t.Errorf("got %q, %q, want %q, %q", s.Title, s.Annotations["summary"], tc.title, tc.summary)
			}
		})
	}
}
