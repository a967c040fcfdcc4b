package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/oncall"
	simtwilio "toban/sim/twilio"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	secret  = "0123456789abcdef0123456789abcdef"
	caller  = "+815000000000"
	hookKey = "integration-key-of-the-chaos-tests"
	promKey = "another-key-of-the-chaos-tests"
)

// world is a run: the provider with its telephones, the program with its
// senders, and what is noted of them.
type world struct {
	engine   string
	plan     *plan
	toban    *harness.Toban
	provider *simtwilio.Server

	mu     sync.Mutex
	up     time.Time // since when the program has been ready; zero when it is not
	record record
	watch  chan struct{} // closed when the moment comes that is watched for
	wanted moment
	wrong  []string // answers that no sender should get, and ends without a kill
}

// newWorld sets everything up; nothing runs yet but the provider, which is in
// this process and survives every kill.
func newWorld(t testing.TB, engine string, p *plan) *world {
	t.Helper()
	w := &world{engine: engine, plan: p}
	w.provider = simtwilio.New(simtwilio.Options{
		Accounts:       []simtwilio.Account{{SID: account, Token: secret, Numbers: []string{caller}}},
		CallsPerSecond: 60, Pace: pace, Keep: 200_000,
		Speech: func(string, string) time.Duration { return 600 * time.Millisecond },
		Client: &http.Client{Transport: &listener{w: w, next: &http.Transport{MaxIdleConnsPerHost: 8}}},
	})
	t.Cleanup(w.provider.Close)
	server := httptest.NewServer(w.watched(w.provider))
	t.Cleanup(server.Close)
	for number, scripts := range p.scripts {
		w.provider.Phone(number).Next(scripts...)
		w.provider.Phone(number).Always(answers())
	}
	w.toban = harness.New(t, engine, func(listen string) string { return configuration(listen, server.URL) })
	w.toban.Env = append(w.toban.Env, "CHAOS_TWILIO_TOKEN="+secret, "CHAOS_HOOK_KEY="+hookKey, "CHAOS_PROM_KEY="+promKey)
	return w
}

// answers is somebody who takes whatever is told.
func answers() simtwilio.Script { return simtwilio.Answer(0).Then("1", 0) }

// configuration has a service for each way to page, with people of its own.
func configuration(listen, provider string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
toban: { listen: %[1]q, external_url: "http://%[1]s", zone: Asia/Tokyo, language: ja }
providers:
  twilio: { account: %[2]q, token: env:CHAOS_TWILIO_TOKEN, from: [%[3]q], calls_per_second: 60, base_url: %[4]q }
integrations:
  hook: { dialect: generic, key: env:CHAOS_HOOK_KEY }
  prometheus: { dialect: alertmanager, key: env:CHAOS_PROM_KEY }
users:
`, listen, account, caller, provider)
	for n := range people {
		twice := ""
		if n%5 == 4 { // called again by their own rules
			twice = ", { after: 3s, via: phone }"
		}
		fmt.Fprintf(&b, "  %[1]s: { name: %[1]s, contacts: { phone: { call: %[2]q, ring: 8s } }, rules: { high: [ { after: 0s, via: phone }%[3]s ] } }\n", user(n), number(n), twice)
	}
	b.WriteString("policies:\n")
	for n, levels := range []string{
		level("in_order", 0, 12),
		level("all", 12, 4) + level("in_order", 16, 8),
		level("round_robin", 24, 12),
		level("in_order", 36, 2) + level("all", 38, 6),
	} {
		fmt.Fprintf(&b, "  p%d:\n    levels:\n%s    fallback: { user: %s }\n", n, levels, user(44+n))
	}
	b.WriteString("services:\n")
	for n := range services {
		fmt.Fprintf(&b, "  s%[1]d: { name: 製品%[1]d, policy: p%[1]d, match: { product: s%[1]d } }\n", n)
	}
	b.WriteString("  unmatched: { name: その他, policy: p0, catch_all: true }\n")
	return b.String()
}

func level(strategy string, first, n int) string {
	var targets []string
	for i := range n {
		targets = append(targets, "user: "+user(first+i))
	}
	return fmt.Sprintf("      - { targets: [ %s ], strategy: %s, wait: 60s, each: 20s }\n", strings.Join(targets, ", "), strategy)
}

// watched notes when calls are requested and made.
func (w *world) watched(provider http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		create := r.Method == http.MethodPost && path.Base(r.URL.Path) == "Calls.json"
		if create {
			w.happened(asked)
		}
		provider.ServeHTTP(rw, r)
		if create {
			if f, ok := rw.(http.Flusher); ok {
				f.Flush()
			}
			w.happened(made)
		}
	})
}

// expect returns a channel that is closed at the next such moment.
func (w *world) expect(m moment) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch, w.wanted = make(chan struct{}), m
	return w.watch
}

func (w *world) happened(m moment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watch != nil && w.wanted == m {
		close(w.watch)
		w.watch = nil
	}
}

// ready notes that the program is ready, or with the zero time that it is not.
func (w *world) ready(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = at
}

func (w *world) isReady() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.up.IsZero()
}

func (w *world) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) < 100 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// listener carries the provider's callbacks and notes which acknowledgements by
// key were answered.
type listener struct {
	w    *world
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	delivery, digits := l.read(r)
	switch path.Base(r.URL.Path) {
	case "status":
		l.w.happened(told)
	case "gather":
		l.w.happened(keyed)
	}
	res, err := l.next.RoundTrip(r)
	if err != nil || path.Base(r.URL.Path) != "gather" {
		return res, err
	}
	// The answer counts when its last word is there.
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	l.w.happened(thanked)
	res.Body = io.NopCloser(bytes.NewReader(body))
	if digits != "1" || res.StatusCode != http.StatusOK {
		return res, nil
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.record.answered = append(l.w.record.answered, answered{delivery: delivery, at: time.Now()})
	return res, nil
}

func (l *listener) read(r *http.Request) (d oncall.DeliveryID, digits string) {
	if r.GetBody == nil {
		return "", ""
	}
	copied, err := r.GetBody()
	if err != nil {
		return "", ""
	}
	raw, err := io.ReadAll(copied)
	if err != nil {
		return "", ""
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return "", ""
	}
	return oncall.DeliveryID(r.URL.Query().Get("d")), form.Get("Digits")
}

// rest waits; false means that ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
