package demo

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"toban/i18n"
)

// The people of the demo and their telephones.
var people = []person{
	{"matsu", "松", "Matsu", "まつ", "+81900000001", "U0MATSU"},
	{"take", "竹", "Take", "たけ", "+81900000002", "U0TAKE"},
	{"ume", "梅", "Ume", "うめ", "+81900000003", "U0UME"},
}

// you is whose telephone the reader has.
const you = 2

type person struct{ id, ja, en, reading, number, member string }

func (p person) name(lang string) string {
	if lang == "ja" {
		return p.ja
	}
	return p.en
}

// named are the places of a text for the people: as the demo's data call them,
// whatever language the text is in.
func named(lang, data string) (places []string) {
	for _, p := range people {
		places = append(places, p.id, i18n.In(lang).Say("name.user", "name", p.name(data)))
	}
	return places
}

// The accounts of the simulated providers; they exist nowhere else.
const (
	account       = "AC00000000000000000000000000000000"
	token         = "demo-token-of-the-simulated-provider"
	caller        = "+815000000000"
	chatToken     = "xoxb-demo-token-of-the-simulated-chat"
	signingSecret = "demo-signing-secret-of-the-simulated-chat"
	channel       = "alerts"
	chatQuiet     = "4s" // how long an incident's channel outlives it, short for the same reason
	ring          = 8    // seconds a telephone rings, short so that nobody has to wait
	zone          = "Asia/Tokyo"
)

// site is where the parts of the demo are.
type site struct {
	dir      string
	lang     string
	listen   string     // of toban
	url      string     // of toban, as people reach it
	provider string     // base URL of the telephones and the chat
	near     netip.Addr // from which the prober comes: that of this machine
	monday   time.Time
}

// write writes the configuration folder of the demo's toban. Matsu is on duty
// from this week's Monday on, then Take, then Ume.
func (s site) write() error {
	say := func(ja, en string) string {
		if s.lang == "ja" {
			return ja
		}
		return en
	}
	var body strings.Builder
	fmt.Fprintf(&body, `toban:
  language: %s
  zone: %s
  listen: %q
  external_url: %q

providers:
  twilio:
    account: %q
    token: %q
    from: ["%s"]
    calls_per_second: 30
    base_url: %q
  slack:
    token: %q
    signing_secret: %q
    channel: "#%s"
    base_url: %q

users:
`, s.lang, zone, s.listen, s.url, s.ref("account"), s.ref("token"), caller, s.provider, s.ref("chat"), s.ref("signing"), channel, s.provider)
	for _, p := range people {
		fmt.Fprintf(&body, `  %s:
    name: %s
    reading: %s
    email: %s@example.jp
    contacts: { phone: { call: "%s", ring: %ds }, slack: { slack: %s } }
    rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: slack } ] }
`, p.id, p.name(s.lang), p.reading, p.id, p.number, ring, p.member)
	}
	fmt.Fprintf(&body, `
schedules:
  shop:
    zone: %s
    layers:
      - { name: %s, users: [matsu, take, ume], rotate: { every: 1w, handoff: Mon 09:00, from: %s } }

policies:
  shop:
    levels:
      - { targets: [ schedule: shop ], wait: 2m }
      - { targets: [ user: take, user: ume ], strategy: in_order, wait: 5m, each: 2m }
    fallback: { user: ume }

services:
  checkout: { name: %s, reading: %s, policy: shop, match: { product: checkout }, slack: { channel_per_incident: always } }
  unmatched: { name: %s, policy: shop, catch_all: true }

integrations:
  prober: { dialect: generic }

gateway:
  stages: { production: {} }
  routes:
    - { method: POST, path: /events, auth: none, from: [ "%s" ], to: { integration: prober } }
`, zone, say("当番", "Duty"), s.monday.Format(time.DateOnly), say("決済", "Checkout"), say("けっさい", "Checkout"), say("その他", "Other"), netip.PrefixFrom(s.near, s.near.BitLen()))
	for name, text := range map[string]string{
		"toban.yaml": body.String(), "account": account, "token": token, "chat": chatToken, "signing": signingSecret,
	} {
		if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s site) file(name string) string { return filepath.Join(s.dir, name) }

// ref is how the configuration refers to a secret in a file.
func (s site) ref(name string) string { return "file:" + s.file(name) }

// mondayOf is the day on which the week of duty began: hand-overs are on Mondays
// at nine.
func mondayOf(now time.Time, loc *time.Location) time.Time {
	t := now.In(loc).Add(-9 * time.Hour)
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, loc)
}

// nextSaturday is the next Saturday at three in the morning.
func nextSaturday(now time.Time, loc *time.Location) time.Time {
	t := now.In(loc)
	ahead := (int(time.Saturday) - int(t.Weekday()) + 7) % 7
	at := time.Date(t.Year(), t.Month(), t.Day()+ahead, 3, 0, 0, 0, loc)
	if !at.After(t) {
		at = at.AddDate(0, 0, 7)
	}
	return at
}
