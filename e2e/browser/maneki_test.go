package browser_test

import (
	"fmt"
	"testing"
	"time"

	"toban/api"
)

// small is an installation with one service: the person on duty is called until
// somebody has it.
func small(providers string) string {
	return fmt.Sprintf(`providers:
  twilio: { account: %q, token: env:E2E_TOKEN, from: [%q], calls_per_second: 60, base_url: %q }
users:
  matsu: { name: 松, reading: まつ, email: matsu@example.jp, contacts: { phone: { call: %q, ring: 20s } }, rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] } }
  take: { name: 竹, reading: たけ, email: take@example.jp, contacts: { phone: { call: %q, ring: 20s } }, rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] } }
  ume: { name: 梅, reading: うめ, email: ume@example.jp, contacts: { phone: { call: %q, ring: 20s } }, rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] } }
schedules:
  infra:
    zone: Asia/Tokyo
    layers: [ { name: 当番, users: [matsu, take], rotate: { every: 1w, handoff: Mon 09:00, from: 2026-01-05 } } ]
policies:
  infra: { levels: [ { targets: [ user: matsu ], wait: 10m, on_no_answer: again }, { targets: [ user: take ], wait: 5m } ], fallback: { user: ume } }
services:
  checkout: { name: 決済, reading: けっさい, policy: infra, match: { product: checkout } }
  unmatched: { name: その他, policy: infra, catch_all: true }
integrations:
  hook: { dialect: generic, key: env:E2E_HOOK }
`, account, caller, providers, number(1), number(2), number(3))
}

// maneki is the whole shop: services with long names, schedules with gaps, an
// override, policies of three levels, a chat.
func maneki(providers string) string {
	return fmt.Sprintf(`providers:
  twilio: { account: %q, token: env:E2E_TOKEN, from: [%q], calls_per_second: 60, base_url: %q, tariff: { call_minute: 12円, sms: 8円 } }
  slack: { token: env:E2E_CHAT, signing_secret: env:E2E_SIGNING, channel: "#alerts", base_url: %q }
`, account, caller, providers, providers) + fmt.Sprintf(`users:
  matsu:
    name: 松
    reading: まつ
    email: matsu@example.jp
    contacts: { phone: { call: %q, ring: 20s }, chat: { slack: U0MATSU } }
    rules: { high: [ { after: 0s, via: phone }, { after: 2m, via: chat }, { after: 5m, via: phone } ], low: [ { after: 0s, via: chat } ] }
  take:
    name: 竹
    reading: たけ
    zone: America/New_York
    email: take@example.jp
    contacts: { phone: { call: %q, ring: 20s }, chat: { slack: U0TAKE } }
    rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: chat } ] }
  ume:
    name: 梅
    reading: うめ
    email: ume@example.jp
    contacts: { phone: { call: %q, ring: 20s }, chat: { slack: U0UME } }
    rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: chat } ] }
  nagai: { name: 寿限無寿限無五劫の擦り切れ海砂利水魚の水行末, reading: じゅげむ, contacts: { phone: { call: %q } }, rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] } }
`, number(1), number(2), number(3), number(4)) + `schedules:
  infra:
    zone: Asia/Tokyo
    layers:
      - { name: 夜間, users: [matsu, ume], rotate: { every: 1w, handoff: Mon 09:00, from: 2026-01-05 } }
      - { name: 平日の昼, users: [take, matsu, ume], rotate: { every: 1d, handoff: "09:00", from: 2026-01-05 }, during: [ weekdays 09:00-18:00 ] }
  office:
    zone: America/New_York
    layers:
      - { name: 営業時間だけの窓口, users: [nagai, take], rotate: { every: 1d, handoff: "09:00", from: 2026-01-05 }, during: [ weekdays 09:00-17:00 ] }
policies:
  infra:
    levels:
      - { targets: [ schedule: infra ], wait: 10m, on_no_answer: again }
      - { targets: [ user: take, user: ume ], strategy: in_order, wait: 10m, each: 2m }
      - { targets: [ user: nagai ], wait: 5m }
    fallback: { user: ume }
    acknowledgement_timeout: 30m
  office:
    levels: [ { targets: [ schedule: office ], wait: 15m } ]
    rounds: 3
    fallback: { user: ume }
services:
  checkout: { name: 決済, reading: けっさい, policy: infra, match: { product: checkout }, urgency: { critical: high, warning: low }, slack: { channel_per_incident: high } }
  search: { name: 商品検索とおすすめの表示（関西リージョン・待機系を含む）, policy: infra, match: { product: search } }
  mail: { name: メール配信, policy: office, match: { product: mail }, support_hours: { zone: Asia/Tokyo, during: [ weekdays 09:00-18:00 ] } }
  rehearsal: { name: Trial beside the old pager, policy: office, match: { product: rehearsal }, shadow: true }
  unmatched: { name: その他, policy: infra, catch_all: true }
integrations:
  hook: { dialect: generic, key: env:E2E_HOOK }
  prometheus: { dialect: alertmanager, service: checkout }
`
}

// shop is the whole shop in the middle of a bad day.
type shop struct {
	*house
	paging, held, long, over, low api.Incident
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{house: newHouse(t, maneki)}
	owner := s.owner()
	s.over = s.incident("db-1", "critical", "注文データベースの応答が 2 秒を超えています", "checkout")
	s.held = s.incident("pay-2", "critical", "Payment provider answers 503", "checkout")
	s.low = s.incident("queue", "warning", "メールの送信待ちが 1 万件を超えました", "mail")
	s.incident("trial", "critical", "would have paged", "rehearsal")
	s.long = s.incident("search-tokyo-a-0123456789-very-long-host-name", "critical",
		"検索ノード search-tokyo-a-0123456789-very-long-host-name で、過去 5 分間の応答時間の 99 パーセンタイル値が 3,000 ミリ秒を超えた状態が続いており、おすすめ商品の表示にも影響が出ています（関西リージョンへの切り替えが必要な可能性があります）", "search")
	s.paging = s.incident("card", "critical", "カード決済の失敗率が 20% を超えました", "checkout")
	for _, step := range [][]string{
		{pathOf(s.held) + "/acknowledge"},
		{pathOf(s.held) + "/note", "text", "決済会社に問い合わせました。\n状況: https://status.example.jp/"},
		{pathOf(s.over) + "/acknowledge"},
		{pathOf(s.over) + "/note", "text", "インデックスを張り直しました"},
		{pathOf(s.over) + "/resolve"},
		{"/schedules/infra/overrides", "user", "ume", "from", clock(2 * time.Hour), "to", clock(26 * time.Hour), "reason", "松さんの通院のため"},
	} {
		if got := owner.post(step[0], step[1:]...); got.status != 303 {
			t.Fatalf("POST %s = %d\n%s", step[0], got.status, got.body)
		}
	}
	s.event("card", "trigger", "critical", "カード決済の失敗率が 20% を超えました", map[string]string{"product": "checkout"})
	return s
}

// clock is a moment from now as a form has it, in Tokyo.
func clock(in time.Duration) string {
	return time.Now().Add(in).In(time.FixedZone("JST", 9*60*60)).Format("2006-01-02T15:04")
}
