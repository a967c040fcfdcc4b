package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"toban/api"
	"toban/e2e/harness"
	simtwilio "toban/sim/twilio"
)

// shopSeen is a target that answers by whoever asks.
type shopSeen struct {
	mu     sync.Mutex
	broken map[string]bool // by the address that asks
	keys   map[string]string
}

// ServeHTTP implements http.Handler.
func (s *shopSeen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/shop" {
		s.keys[from] = r.Header.Get("X-Api-Key")
		if s.broken[from] {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the till is on fire, seen from "+from) // the evidence that is looked for
		}
	}
}

func (s *shopSeen) set(from string, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[from] = broken
}

// agentAt runs `toban agent` until the test ends.
func agentAt(t *testing.T, toban *harness.Toban, key, source string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"agent", "--server", toban.URL, "--key-file", file, "--source", source, "--secret", "env:E2E_SHOP_KEY"}
	env := append(os.Environ(), "E2E_SHOP_KEY=key-of-the-shop")
	check := exec.Command(harness.Binary(t), append(args, "--check")...)
	check.Env = env
	if out, err := check.CombinedOutput(); err != nil || !strings.Contains(string(out), "1 monitors, 1 references") {
		t.Fatalf("--check: %v\n%s", err, out)
	}
	cmd := exec.Command(harness.Binary(t), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // its end is looked at below
		if err := cmd.Wait(); err != nil {
			t.Errorf("the agent from %s ended: %v", source, err)
		}
	})
}

// Two agents ask a target that can be broken for each of them alone. The core has
// neither the secret that they ask with nor a way of its own to the target.
func TestTwoAgentsDecideByQuorumWithWhatTheySaw(t *testing.T) {
	t.Parallel()
	const osaka, naha = "127.0.0.2", "127.0.0.3"
	shop := &shopSeen{broken: map[string]bool{}, keys: map[string]string{}}
	target := httptest.NewServer(shop)
	t.Cleanup(target.Close)
	provider, address := telephones(t)
	provider.Phone(number(0)).Always(simtwilio.Answer(0).Then("1", 0))
	toban := harness.New(t, "sqlite", func(listen string) string {
		reference := fmt.Sprintf("{ reference: { http: %s/reference, private: true, every: 1s } }", target.URL)
		return basics("http://"+listen, address) + pairs(1, "60s", "3s") +
			"  osaka: { dialect: agent, location: osaka, key: env:E2E_OSAKA_KEY }\n" +
			"  naha: { dialect: agent, location: naha, key: env:E2E_NAHA_KEY }\n" +
			fmt.Sprintf("locations: { osaka: %s, naha: %s }\n", reference, reference) +
			fmt.Sprintf("monitors:\n  shop: { http: %s/shop, headers: { X-Api-Key: env:E2E_SHOP_KEY }, every: 1s, down_after: 2x, private: true, "+
				"locations: [osaka, naha], quorum: 2 of 2, service: %s }\n", target.URL, service(0))
	})
	environment(toban)
	toban.Env = append(toban.Env, "E2E_OSAKA_KEY=key-of-the-agent-in-osaka", "E2E_NAHA_KEY=key-of-the-agent-in-naha")
	toban.Start()
	agentAt(t, toban, "key-of-the-agent-in-osaka", osaka)
	agentAt(t, toban, "key-of-the-agent-in-naha", naha)
	p := prometheusOf(t, toban)
	read := func(ctx context.Context, path string, out any) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, toban.URL+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+p.secret)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, res.Status)
		}
		return json.NewDecoder(res.Body).Decode(out)
	}
	state := func(want string) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			var m api.Monitor
			err := read(ctx, "/api/v1/monitors/shop", &m)
			return m.State == want, err
		}
	}
	harness.Wait(t, 30*time.Second, "both say that it is up", state("up"))
	shop.mu.Lock()
	if got := shop.keys[osaka]; got != "key-of-the-shop" || shop.keys["127.0.0.1"] != "" {
		t.Errorf("got %v as the keys that came with checks, want the agents' own and none of the core's", shop.keys)
	}
	shop.mu.Unlock()
	p.waitFor(`count(probe_success{monitor="shop"} == 1)`, "2")

	shop.set(osaka, true)
	p.waitFor(`count(probe_success{monitor="shop",location="osaka"} == 0)`, "1")
	harness.Wait(t, 20*time.Second, "its failure is kept", func(ctx context.Context) (bool, error) {
		var list api.MonitorFailureList
		err := read(ctx, "/api/v1/monitors/shop/failures", &list)
		return len(list.Failures) > 0, err
	})
	if list, err := toban.Incidents(t.Context(), "all"); err != nil || len(list) != 0 {
		t.Errorf("got %v %v, want no incident by one location of two", list, err)
	}
	shop.set(naha, true)
	harness.Wait(t, 30*time.Second, "somebody has the incident", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "acknowledged")
		if err != nil || len(list) != 1 || list[0].Service != service(0) {
			return false, err
		}
		var alerts api.AlertList
		err = read(ctx, fmt.Sprintf("/api/v1/incidents/%v/alerts", list[0].ID), &alerts)
		return len(alerts.Alerts) == 1 && strings.Contains(alerts.Alerts[0].Annotations["summary"], "osaka, naha"), err
	})
	var list api.MonitorFailureList
	seen := map[string]bool{}
	harness.Wait(t, 20*time.Second, "the failures of both are kept", func(ctx context.Context) (bool, error) {
		err := read(ctx, "/api/v1/monitors/shop/failures", &list)
		for _, f := range list.Failures {
			seen[f.Location] = true
		}
		return seen["osaka"] && seen["naha"], err
	})
	for _, f := range list.Failures {
		from := map[string]string{"osaka": osaka, "naha": naha}[f.Location]
		if f.Reason != "status" || !strings.Contains(f.Evidence.Body, "seen from "+from) || len(f.Evidence.Tried) == 0 {
			t.Errorf("got %+v, want what the agent at %s saw", f, f.Location)
		}
	}
	shop.set(osaka, false)
	harness.Wait(t, 30*time.Second, "one of two says up, and that is enough", state("up"))
}
