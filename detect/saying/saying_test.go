package saying_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/detect/saying"
	"toban/i18n"
	"toban/oncall"
)

func tokyo() saying.Words { return saying.Of(oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"}) }

func english() saying.Words { return saying.Of(oncall.Settings{Language: "en", Zone: "Asia/Tokyo"}) }

func TestAnAlertIsSaidInTheLanguageAndZoneOfTheInstallation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, message, title, summary, english, englishSummary string }{
		{
			"refused", "the connection was refused (127.0.0.1:8080)",
			"店: 接続を拒否されました", "127.0.0.1:8080 に接続を拒否されました", "店: the connection is refused", "the connection was refused (127.0.0.1:8080)",
		},
		{
			"status", "the status is 503 Service Unavailable, wanted is 200-299",
			"店: ステータスが 503 です", "ステータスは 503 Service Unavailable でした（期待: 200-299）", "店: the status is 503", "the status is 503 Service Unavailable, wanted is 200-299",
		},
		{
			"expired", "the certificate ends in 13 days, at 2026-12-03 09:00 UTC; wanted are 14",
			"店: 証明書の期限が近づいています", "証明書の期限は 2026-12-03 18:00 JST です（必要な残り日数: 14 日）",
			"店: the certificate ends soon", "the certificate ends at 2026-12-03 18:00 JST; wanted are 14 more days",
		},
		{
			"expired", "the certificate's time was over at 2026-11-19 09:00 UTC",
			"店: 証明書の期限が切れています", "証明書は 2026-11-19 18:00 JST に期限が切れました",
			"店: the certificate has expired", "the certificate's time was over at 2026-11-19 18:00 JST",
		},
		{
			"chain", "nobody known vouches for the certificate (Example CA)",
			"店: 証明書を信頼できません", "証明書を信頼できません（nobody known vouches for the certificate (Example CA)）",
			"店: the certificate is not trusted", "nobody known vouches for the certificate (Example CA)",
		},
		{"status", "", "店: ステータスコードが期待と違います", "ステータスコードが期待と違います", "店: not the status that is wanted", ""},
		{"unheard", "a word from elsewhere", "店: a word from elsewhere", "a word from elsewhere", "店: a word from elsewhere", "a word from elsewhere"},
	} {
		if got := tokyo().Title("店", tc.reason, tc.message); got != tc.title {
			t.Errorf("%s: got title %q, want %q", tc.message, got, tc.title)
		}
		if got := tokyo().Summary(tc.reason, tc.message); got != tc.summary {
			t.Errorf("%s: got summary %q, want %q", tc.message, got, tc.summary)
		}
		if got := english().Title("店", tc.reason, tc.message); got != tc.english {
			t.Errorf("%s: got title %q, want %q", tc.message, got, tc.english)
		}
		if got := english().Summary(tc.reason, tc.message); got != tc.englishSummary {
			t.Errorf("%s: got summary %q, want %q", tc.message, got, tc.englishSummary)
		}
	}
}

func TestATitleDoesNotSayWhatMovesWhileItHolds(t *testing.T) {
	t.Parallel()
	for _, w := range []saying.Words{tokyo(), english()} {
		first := w.Title("店", "expired", "the certificate ends in 13 days, at 2026-12-03 09:00 UTC; wanted are 14")
		later := w.Title("店", "expired", "the certificate ends in 2 days, at 2026-12-03 09:00 UTC; wanted are 14")
		if first != later {
			t.Errorf("got %q and %q, want one title", first, later)
		}
		first, later = w.Title("店", "true", "店: the value is 91"), w.Title("店", "true", "店: the value is 97.5")
		if first != later {
			t.Errorf("got %q and %q, want one title", first, later)
		}
	}
}

func TestEverySentenceHasItsTexts(t *testing.T) {
	t.Parallel()
	for _, language := range i18n.Languages() {
		for _, key := range saying.Keys() {
			if !i18n.In(language).Has("monitor." + key) {
				t.Errorf("%s: no text monitor.%s", language, key)
			}
		}
	}
}

func TestSpansAreSaidInTwoUnitsAtMost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		d      time.Duration
		ja, en string
	}{
		{45 * time.Second, "45秒", "45 s"},
		{10 * time.Minute, "10分", "10 min"},
		{90 * time.Second, "1分30秒", "1 min 30 s"},
		{24 * time.Hour, "24時間", "24 h"},
		{50*time.Hour + 30*time.Minute, "50時間30分", "50 h 30 min"},
		{72 * time.Hour, "3日", "3 d"},
	} {
		if got := tokyo().Span(tc.d); got != tc.ja {
			t.Errorf("got %q, want %q", got, tc.ja)
		}
		if got := english().Span(tc.d); got != tc.en {
			t.Errorf("got %q, want %q", got, tc.en)
		}
	}
}

// A sentence that is worded anew in its package would lose its values here.
func TestTheSentencesOfChecksAreThoseThatAreWritten(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"../probe/*.go", "../standing/rule.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(body)
		}
	}
	for _, part := range []string{
		`"the status is "`, `", wanted is "`, `"the certificate ends in %d days, at %s; wanted are %d"`, `"the certificate's time was over at "`,
		`"the certificate is valid from "`, `"the body is larger than %d bytes"`, `"no address for "`, `"the name is not known"`, `": no name server answered in time"`,
		`"connected to "`, `", and no answer came in time"`, `", and there was no agreement on TLS in time"`, `"no connection to "`, `" in time"`,
		`"the connection was refused"`, `": the value is "`,
	} {
		if !strings.Contains(source.String(), part) {
			t.Errorf("no check says %s any more", part)
		}
	}
}
