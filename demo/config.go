package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The people of the demo and their telephones.
var people = []person{
	{"matsu", "松", "Matsu", "まつ", "+81900000001"},
	{"take", "竹", "Take", "たけ", "+81900000002"},
	{"ume", "梅", "Ume", "うめ", "+81900000003"},
}

type person struct{ id, ja, en, reading, number string }

func (p person) name(lang string) string {
	if lang == "ja" {
		return p.ja
	}
	return p.en
}

// The account of the simulated provider; it exists nowhere else.
const (
	account = "AC00000000000000000000000000000000"
	token   = "demo-token-of-the-simulated-provider"
	caller  = "+815000000000"
	ring    = 5 // seconds a telephone rings, short so that nobody has to wait
)

// writeConfig writes the configuration folder of the demo's toban.
func writeConfig(dir, lang, listen, provider string) error {
	service, reading := "決済", "けっさい"
	if lang != "ja" {
		service, reading = "Checkout", "Checkout"
	}
	var body strings.Builder
	fmt.Fprintf(&body, `toban:
  language: %s
  zone: Asia/Tokyo
  listen: %s
  external_url: http://%s

providers:
  twilio:
    account: file:%s
    token: file:%s
    from: ["%s"]
    calls_per_second: 30
    base_url: %s

users:
`, lang, listen, listen, filepath.Join(dir, "account"), filepath.Join(dir, "token"), caller, provider)
	for _, p := range people {
		fmt.Fprintf(&body, `  %s:
    name: %s
    reading: %s
    contacts: { phone: { call: "%s", ring: %ds } }
    rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] }
`, p.id, p.name(lang), p.reading, p.number, ring)
	}
	fmt.Fprintf(&body, `
policies:
  shop:
    levels:
      - { targets: [ user: matsu, user: take, user: ume ], strategy: in_order, wait: 5m, each: 1m }
    fallback: { user: ume }

services:
  checkout: { name: %s, reading: %s, policy: shop, match: { product: checkout } }
  unmatched: { name: Other, policy: shop, catch_all: true }

integrations:
  prober: { dialect: generic }

gateway:
  stages: { production: {} }
  routes:
    - { method: POST, path: /events, auth: none, from: [127.0.0.0/8], to: { integration: prober } }
`, service, reading)
	for name, text := range map[string]string{"toban.yaml": body.String(), "account": account, "token": token} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
