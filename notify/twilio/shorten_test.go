package twilio

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"toban/notify"

	"pgregory.net/rapid"
)

func told(t *testing.T, language, title string) string {
	t.Helper()
	inc := checkout()
	inc.Title = title
	words := mustSpeech(t).alarm(notify.Call{Language: language, Zone: tokyo(t), Now: night.Add(10 * time.Second), Incidents: []notify.Incident{inc}})
	if took := spoken(language, words); took > longest {
		t.Errorf("%q takes %v, want at most %v", words, took, longest)
	}
	return words
}

func TestR22_ALongTitleLosesItsLeastWordsAndNeverTheKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ title, ja, en string }{
		{
			"店: 接続を拒否されました",
			"店: 接続を拒否されました", "店: the connection is refused",
		},
		{
			"決済サービスの注文確定画面（東京リージョン）: 時間内に応答がありません",
			"決済サービスの注文確定画面: 時間内に応答がありません", "決済サービスの注文確定画面（東京リージョン）: no answer in time",
		},
		{
			"顧客データベースの夜間バックアップと世代管理: 終了コード 3 で失敗しました",
			"顧客データベースの夜間: 終了コード 3 で失敗しました", "顧客データベースの夜間バックアップと世代管理: failed with exit status 3",
		},
		{
			"Nightly backup of the production database cluster in Tokyo: it has never reported",
			"Nightly backup: 一度も報告がありません", "Nightly backup of the production: it has never reported",
		},
		{
			"Shop: the connection was refused (127.0.0.1:8080)",
			"Shop: the connection", "Shop: the connection was refused",
		},
		{
			"The checkout page of the shop at https://shop.example.jp/checkout/confirm?step=3 does not answer and nobody can pay with a card",
			"The checkout page", "The checkout page of the shop does not answer",
		},
		{
			"決済画面（https://shop.example.jp/checkout/confirm）でエラーが急に増えており、カードでの支払いがほとんど失敗しています",
			"決済画面でエラーが急に増えており", "決済画面でエラーが急に増えており、カードでの支払いがほとんど失敗しています",
		},
		{
			"rawdata: DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed が 0 を超えています",
			"rawdata: 0 を超えています", "rawdata: DOMAIN dash ENVIRONMENT is above 0",
		},
		{
			"https://shop.example.jp/checkout/confirm?step=3 が応答しません",
			"shop が応答しません", "shop dot example dot jp が応答しません",
		},
	} {
		for language, want := range map[string]string{"ja": tc.ja, "en": tc.en} {
			words := told(t, language, tc.title)
			_, what, _ := strings.Cut(words, map[string]string{"ja": "から。", "en": "a.m. "}[language])
			what, keys, found := strings.Cut(what, map[string]string{"ja": "。対応は1、", "en": ". Press 1 to take it"}[language])
			if !found || keys == "" {
				t.Errorf("got %q, want the keys said", words)
			}
			if what != want {
				t.Errorf("%s: got %q, want %q", language, what, want)
			}
		}
	}
}

func TestACutIsAtTheEndOfAWord(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		n    int
		want string
	}{
		{"the disk of the database is full", 21, "the disk"},
		{"サーバーの応答時間が長い", 7, "サーバー"},
		{"サーバーの応答時間が長い", 10, "サーバーの応答時間"},
		{"データベース停止", 7, "データベース"},
		{"db dash 03 dot tokyo", 15, "db dash 03"},
		{"決済（東京）と検索", 4, "決済"},
		{"Donaudampfschifffahrt", 10, ""},
		{"short", 10, "short"},
	} {
		if got := shorten(tc.text, tc.n); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.text, got, tc.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "n")
		got := shorten(text, n)
		if long := utf8.RuneCountInString(got); long > n {
			t.Fatalf("%q has %d letters, want at most %d", got, long, n)
		}
	})
}
