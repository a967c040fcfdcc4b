package view

import (
	"os"
	"regexp"
	"testing"

	"toban/detect/saying"
	"toban/i18n"
	"toban/oncall"
)

var reasonConst = regexp.MustCompile(`(?m)^\tReason\w+\s+Reason = "(\w+)"`)

// The reasons are read from where they are written: a new one without words is
// found here.
func TestEveryReasonHasWordsInEveryLanguage(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../detect/probe/probe.go")
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, m := range reasonConst.FindAllStringSubmatch(string(source), -1) {
		reasons = append(reasons, m[1])
	}
	if len(reasons) < 18 {
		t.Fatalf("got %d reasons of probes, want all of them", len(reasons))
	}
	for _, why := range []oncall.HeartbeatWhy{oncall.HeartbeatSilent, oncall.HeartbeatNever, oncall.HeartbeatOverrun, oncall.HeartbeatFailed} {
		reasons = append(reasons, string(why))
	}
	levels := []oncall.MetricLevel{oncall.MetricWarning, oncall.MetricCritical, oncall.MetricMissing}
	for _, level := range levels {
		reasons = append(reasons, string(level))
	}
	var keys []string
	for _, reason := range append(reasons, string(saying.ReasonRule)) {
		keys = append(keys, "monitor.reason."+reason)
	}
	for _, level := range append(levels, oncall.MetricOK) {
		keys = append(keys, "monitor.level."+string(level))
	}
	for _, language := range i18n.Languages() {
		for _, key := range keys {
			if !i18n.In(language).Has(key) {
				t.Errorf("%s: no text %q", language, key)
			}
		}
	}
}

func TestWhatACheckSaysIsSaidWithItsValues(t *testing.T) {
	t.Parallel()
	s := reader(t, "ja", "viewer")
	for _, tc := range []struct{ reason, message, want string }{
		{"status", "the status is 503 Service Unavailable, wanted is 2xx", "ステータスは 503 Service Unavailable でした（期待: 2xx）"},
		{"expired", "the certificate ends in 3 days, at 2026-11-23 09:00 UTC; wanted are 14", "証明書の期限まであと 3 日です（2026-11-23 18:00 JST、必要な残り日数: 14 日）"},
		{"expired", "the certificate's time was over at 2026-11-19 09:00 UTC", "証明書は 2026-11-19 18:00 JST に期限が切れました"},
		{"expired", "the certificate is valid from 2026-12-01 09:00 UTC", "証明書は 2026-12-01 18:00 JST からしか有効になりません"},
		{"body", "the body is larger than 1048576 bytes", "本文が 1048576 バイトを超えています"},
		{"resolve", "no address for nobody.example.jp: the name is not known", "nobody.example.jp という名前は登録されていません"},
		{"timeout", "connected to 192.0.2.7:443, and no answer came in time", "192.0.2.7:443 に接続できましたが、時間内に応答がありません"},
		{"refused", "the connection was refused (192.0.2.7:443)", "192.0.2.7:443 に接続を拒否されました"},
		{"true", "disk: the value is 0.04", "条件が成り立っています（値: 0.04）"},
		{"refused", "something else", "接続を拒否されました"},
		{"unheard-of", "something else", "unheard-of"},
		{"", "", ""},
	} {
		if got := whyWords(s, tc.reason, tc.message); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.message, got, tc.want)
		}
	}
}
