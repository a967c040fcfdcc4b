package i18n

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATitleOfAMonitorIsSaidInTheLanguageOfItsReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ ja, en string }{
		{"店: 接続を拒否されました", "店: the connection is refused"},
		{"店: ステータスが 503 です", "店: the status is 503"},
		{"応答: p95 が 90 を超えています", "応答: p95 is above 90"},
		{"夜間バックアップ: 終了コード 3 で失敗しました", "夜間バックアップ: failed with exit status 3"},
		{"夜間バックアップ: 予定の報告がありません", "夜間バックアップ: no report has come"},
		{"拠点 tokyo: チェックの結果が届いていません", "location tokyo: no check ends there"},
		{"決済: 画面: 時間内に応答がありません", "決済: 画面: no answer in time"},
	} {
		if got := In(English).Title(tc.ja); got != tc.en {
			t.Errorf("got %q, want %q", got, tc.en)
		}
		if got := In(Japanese).Title(tc.en); got != tc.ja {
			t.Errorf("got %q, want %q", got, tc.ja)
		}
		if got := In(Japanese).Title(tc.ja); got != tc.ja {
			t.Errorf("got %q, want it as it is", got)
		}
	}
	for _, other := range []string{"", "InstanceDown db-03:9100", "db-03 の /var が満杯です", "the till is on fire", "db-03: CPU usage is above 90% for 5 minutes"} {
		for _, language := range Languages() {
			if got := In(language).Title(other); got != other {
				t.Errorf("got %q, want the sender's %q", got, other)
			}
		}
	}
}

// Every title can be told from the others, so that it is found again.
func TestEveryTitleIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, from := range Languages() {
		for _, to := range Languages() {
			for key, text := range catalogues()[from] {
				if from == to || !isTitle(key) {
					continue
				}
				var places []string
				for _, name := range placeForm.FindAllStringSubmatch(text, -1) {
					places = append(places, name[1], "x-1")
				}
				if got, want := In(to).Title(In(from).Say(key, places...)), In(to).Say(key, places...); got != want {
					t.Errorf("%s %s: got %q, want %q", from, key, got, want)
				}
			}
		}
	}
}

// A title about toban itself that is worded anew where it is made would be English
// to everybody.
func TestTheTitlesAboutTobanItselfAreThoseThatAreWritten(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"../respond/*.go", "../app/metrics_alarm.go", "../detect/metrics/overflow.go"} {
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
	for key, text := range catalogues()[English] {
		if strings.HasPrefix(key, "alarm.") && !strings.Contains(source.String(), placeForm.ReplaceAllString(text, "%d")) {
			t.Errorf("nobody says %q any more", text)
		}
	}
	for _, title := range []string{"toban: steps of responses are overdue", "toban: more than 10000 alerts fire at once; those beyond are dropped"} {
		if got := In(Japanese).Title(title); got == title {
			t.Errorf("got %q, want it in Japanese", got)
		}
	}
}
