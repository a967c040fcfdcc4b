package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
	simtwilio "toban/sim/twilio"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	secret  = "0123456789abcdef0123456789abcdef"
	caller  = "+815000000000"
	hookKey = "integration-key-of-the-end-to-end-tests"
)

// telephones starts the simulated provider, in this process and over HTTP, and
// returns it with its address.
func telephones(t *testing.T) (*simtwilio.Server, string) {
	t.Helper()
	provider := simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{{SID: account, Token: secret, Numbers: []string{caller}}}, CallsPerSecond: 60,
	})
	t.Cleanup(provider.Close)
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	return provider, server.URL
}

// environment holds the secrets that the configurations refer to.
func environment(s *harness.Toban) {
	s.Env = append(s.Env, "E2E_TWILIO_TOKEN="+secret, "E2E_HOOK_KEY="+hookKey)
}

// basics are the sections that all configurations share: toban itself at its
// address, and the provider.
func basics(external, provider string) string {
	return fmt.Sprintf(`
toban: { external_url: %q, zone: Asia/Tokyo, language: ja }
providers:
  twilio: { account: %q, token: env:E2E_TWILIO_TOKEN, from: [%q], calls_per_second: 60, base_url: %q }
`, external, account, caller, provider)
}

// user is a line of the section users: somebody with one telephone.
func user(name, number, ring string) string {
	return fmt.Sprintf("  %s: { name: %s, contacts: { phone: { call: %q, ring: %s } }, rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] } }\n",
		name, name, number, ring)
}

// number is the n-th telephone number of the tests.
func number(n int) string { return fmt.Sprintf("+8190000000%02d", n) }

// pairs are n services, each with two people of its own: the first is called,
// and when the time of a target is over, the second.
func pairs(n int, ring, each string) string {
	var users, policies, services strings.Builder
	for i := range n {
		users.WriteString(user(fmt.Sprintf("first%d", i), number(2*i), ring))
		users.WriteString(user(fmt.Sprintf("second%d", i), number(2*i+1), ring))
		fmt.Fprintf(&policies, "  p%d:\n    levels: [ { targets: [ user: first%d, user: second%d ], strategy: in_order, wait: 5m, each: %s } ]\n    fallback: { user: second%d }\n", i, i, i, each, i)
		fmt.Fprintf(&services, "  %s: { name: 製品%d, policy: p%d }\n", service(i), i, i)
	}
	return "users:\n" + users.String() + "policies:\n" + policies.String() + "services:\n" + services.String() +
		"  unmatched: { name: その他, policy: p0, catch_all: true }\n" +
		"integrations:\n  hook: { dialect: generic, key: env:E2E_HOOK_KEY }\n"
}

// post says one signal of the generic dialect and returns the status, and the
// code of a refusal.
func post(toban *harness.Toban, event map[string]string) (status int, code string, err error) {
	body, err := json.Marshal(event)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Post(toban.URL+"/integrations/generic/"+hookKey, "application/json", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var refusal struct {
		Code string `json:"code"`
	}
	if res.StatusCode >= http.StatusBadRequest {
		err = json.NewDecoder(res.Body).Decode(&refusal)
	}
	return res.StatusCode, refusal.Code, err
}
