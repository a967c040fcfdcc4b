package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/api"
	"toban/e2e/harness"
	"toban/internal/testserver"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// phones of the product's on-call list.
const (
	matsu = "+819000000001"
	take  = "+819000000002"
	ume   = "+819000000003"
)

// s1Config is the team's product with its call list, in toban's words.
func s1Config(listen, provider string) string {
	return basics("http://"+listen, provider) + "users:\n" +
		user("matsu", matsu, "2s") + user("take", take, "2s") + user("ume", ume, "2s") + `
policies:
  product-a:
    levels:
      - { targets: [ user: matsu, user: take, user: ume ], strategy: in_order, wait: 5m, each: 1m }
    fallback: { user: ume }
services:
  product-a: { name: 製品A, reading: せいひんエー, policy: product-a, match: { job: product-A-url } }
  unmatched: { name: その他, policy: product-a, catch_all: true }
integrations:
  prometheus: { dialect: alertmanager }
gateway:
  stages: { production: {}, staging: { providers: simulated } }
  routes:
    - { method: POST, path: /alerts, auth: none, from: [127.0.0.0/8], to: { integration: prometheus } }
`
}

// fixture reads a file of the team and replaces what is ours to change: hosts,
// ports and times.
func fixture(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	raw, err := os.ReadFile("../fixtures/s1/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s: %q is not in the fixture any more", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// The whole way on real input: a target goes down, Prometheus and Alertmanager
// notice, the first person is busy, the second does not answer, the third
// presses 1, nobody else is called, the target comes back, it is resolved.
func TestS1_AnOutageRingsPhonesUntilSomebodyHasIt(t *testing.T) {
	t.Parallel()
	for _, engine := range harness.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s1(t, engine)
		})
	}
}

// watched is what the team watches, with the chain of servers that does it.
type watched struct {
	fuga, piyo target.Shop
}

// watch starts the blackbox exporter, Prometheus and Alertmanager on the team's
// own files, with shorter times, and waits until the targets are probed.
func watch(t *testing.T, toban *harness.Toban) *watched {
	t.Helper()
	w := &watched{}
	shops := http.NewServeMux()
	shops.Handle("/fuga", &w.fuga)
	shops.Handle("/piyo", &w.piyo)
	shop := httptest.NewServer(shops)
	t.Cleanup(shop.Close)
	alertmanager := testserver.Alertmanager(t, fixture(t, "alertmanager.yml",
		"http://127.0.0.1:8080/production/alerts", toban.URL+"/production/alerts",
		"group_wait: 10s", "group_wait: 1s", "group_interval: 5m", "group_interval: 2s"))
	blackbox := testserver.Blackbox(t, fixture(t, "blackbox.yml"))
	testserver.Prometheus(t, "global: { scrape_interval: 1s, evaluation_interval: 1s }\n"+
		"alerting: { alertmanagers: [ { static_configs: [ { targets: ['"+strings.TrimPrefix(alertmanager, "http://")+"'] } ] } ] }\n"+
		fixture(t, "scrape.yml", "https://hoge.example", shop.URL, "127.0.0.1:9183", strings.TrimPrefix(blackbox, "http://")),
		fixture(t, "rules.yml", "for: 5m", "for: 2s"))
	harness.Wait(t, 30*time.Second, "the targets are probed", func(context.Context) (bool, error) {
		return w.fuga.Served() > 0 && w.piyo.Served() > 0, nil
	})
	return w
}

func s1(t *testing.T, engine string) {
	provider, address := telephones(t)
	provider.Phone(matsu).Next(simtwilio.Busy())
	provider.Phone(take).Next(simtwilio.NoAnswer(), simtwilio.NoAnswer())
	provider.Phone(ume).Next(simtwilio.Press("1", time.Second))
	toban := harness.New(t, engine, func(listen string) string { return s1Config(listen, address) })
	environment(toban)
	toban.Start()
	shops := watch(t, toban)

	shops.fuga.Break()
	inc := only(t, toban, "acknowledged")
	acknowledged := time.Now()
	if inc.Service != "product-a" || inc.AcknowledgedBy != "ume" || inc.Severity != "critical" || inc.Urgency != "high" {
		t.Errorf("got service %s, holder %s, severity %s, urgency %s, want product-a, ume, critical, high", inc.Service, inc.AcknowledgedBy, inc.Severity, inc.Urgency)
	}
	// The alert goes on firing, Alertmanager may repeat itself: nobody is called.
	shops.fuga.Repair()
	if got := only(t, toban, "resolved"); got.ID != inc.ID {
		t.Errorf("got incident %s resolved, want %s", got.ID, inc.ID)
	}
	for _, r := range provider.RequestsSince(acknowledged) {
		if r.Kind == "create" {
			t.Errorf("a call was requested %s after the acknowledgement, want none", r.At.Sub(acknowledged))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := provider.Phone(ume).Ended(ctx, 1); err != nil { // it may still be thanking
		t.Fatal(err)
	}
	s1Calls(t, provider)
	s1Timeline(t, toban, inc)
}

// only waits until there is exactly one incident in a state.
func only(t *testing.T, toban *harness.Toban, state string) (inc api.Incident) {
	t.Helper()
	harness.Wait(t, time.Minute, "one incident is "+state, func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, state)
		if len(list) == 1 {
			inc = list[0]
		}
		return len(list) == 1, err
	})
	return inc
}

// s1Calls checks who was called, in which order, how soon the next one, and what
// was said.
func s1Calls(t *testing.T, provider *simtwilio.Server) {
	t.Helper()
	calls := provider.Calls()
	var got []string
	for _, c := range calls {
		got = append(got, c.To+" "+string(c.Status))
	}
	want := []string{matsu + " busy", take + " no-answer", take + " no-answer", ume + " completed"}
	if !slices.Equal(got, want) {
		t.Fatalf("got calls\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := 1; i < len(calls); i++ {
		if after := calls[i].Arrived.Sub(calls[i-1].Ended); after > time.Second {
			t.Errorf("call %d was requested %s after the one before had ended, want at most 1 s (R11)", i+1, after)
		}
	}
	last := calls[3]
	if last.Keys() != "1" || !strings.Contains(last.Said(), "せいひんエー") || !strings.Contains(last.Said(), "緊急") {
		t.Errorf("got keys %q and words %q, want 1 and the product's reading and severity", last.Keys(), last.Said())
	}
	if notes := provider.Notes(); len(notes) > 0 {
		t.Errorf("the provider has something to say about toban: %v", notes)
	}
}

// s1Timeline checks that the timeline tells it all.
func s1Timeline(t *testing.T, toban *harness.Toban, inc api.Incident) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	entries, err := toban.Timeline(ctx, inc.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"triggered", "contact matsu", "outcome matsu busy", "contact take", "outcome take no_answer", "contact take", "outcome take no_answer",
		"contact ume", "acknowledged ume", "resolved",
	}
	got := story(entries)
	if !subsequence(want, got) {
		t.Errorf("the timeline does not tell it:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	for i, e := range entries {
		if e.Seq != int64(i+1) || e.Text == "" || i > 0 && e.At.Before(entries[i-1].At) {
			t.Errorf("line %d of the timeline: got seq %d at %s saying %q, want %d, not before the line above, in words", i+1, e.Seq, e.At, e.Text, i+1)
		}
	}
	shown, err := toban.CLI("incident", "show", fmt.Sprint(inc.Number))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, _, _ := strings.Cut(e.Text, " (until") // which is in the zone of whoever looks
		if !strings.Contains(shown, text) {
			t.Errorf("toban incident show leaves out %q:\n%s", text, shown)
		}
	}
}

// story is a timeline in words that are easy to compare.
func story(entries []api.Entry) (lines []string) {
	for _, e := range entries {
		words := []string{e.Kind}
		switch e.Kind {
		case "contact", "unreached", "page":
			words = append(words, string(e.Data.User))
		case "outcome":
			words = append(words, string(e.Data.User), string(e.Data.Outcome))
		case "acknowledged":
			words = append(words, e.Actor)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func subsequence(want, got []string) bool {
	for _, w := range want {
		i := slices.Index(got, w)
		if i < 0 {
			return false
		}
		got = got[i+1:]
	}
	return true
}
