package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/app"
	"toban/config"
	"toban/store/storetest"
)

const folder = `
toban: { listen: "127.0.0.1:0" }
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: [ { targets: [ user: ann ], wait: 10m } ], fallback: { user: ann } } }
services: { shop: { policy: p, catch_all: true } }
integrations: { prom: { dialect: alertmanager, key: env:PROM_KEY } }
providers: { twilio: { account: AC00000000000000000000000000000000, token: env:TWILIO_TOKEN, from: ["+815000000000"] } }
`

// house is a data folder with what toban is started with.
type house struct {
	t   *testing.T
	env map[string]string
	o   app.Options
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, env: map[string]string{"TWILIO_TOKEN": "secret", "PROM_KEY": "a-key-of-sixteen-or-more"}}
	h.o = app.Options{
		Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), Version: "test",
		Getenv: func(name string) string { return h.env[name] },
	}
	return h
}

func (h *house) load(yaml string) *config.Config {
	h.t.Helper()
	dir := h.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "toban.yaml"), []byte(yaml), 0o600); err != nil {
		h.t.Fatal(err)
	}
	c, problems := config.Load(dir)
	if c == nil {
		h.t.Fatalf("the folder has problems: %v", problems)
	}
	return c
}

// start runs toban until the test ends or stop is called.
func (h *house) start() (a *app.App, stop func()) {
	h.t.Helper()
	a, err := app.New(h.t.Context(), h.o)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }() // ends with cancel
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
	}
	h.t.Cleanup(stop)
	return a, stop
}

// do asks over the socket, as the command line does.
func (h *house) do(method, path, body string) (int, map[string]any) {
	h.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(h.o.Data, "toban.sock"))
	}}}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://toban"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	_ = json.NewDecoder(res.Body).Decode(&out) // a 204 has none
	return res.StatusCode, out
}

func post(t *testing.T, url, body string) int {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

const firing = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A"}}]}`

func TestAStartWithoutAFolderGoesOnWithTheLastConfiguration(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	_, stop := h.start()
	stop()
	h.o.Config, h.o.Listen = nil, "127.0.0.1:0"
	a, _ := h.start()
	if got := post(t, "http://"+a.Addr()+"/integrations/alertmanager/a-key-of-sixteen-or-more", firing); got != http.StatusAccepted {
		t.Fatalf("got %d, want 202", got)
	}
	if !a.Reaches("production", "call") {
		t.Error("got no channel for calls: the provider of the last configuration is forgotten")
	}
}

func TestAnEmptyStoreIsRefusedRatherThanSilent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := app.New(t.Context(), h.o); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v, want a refusal that names --config", err)
	}
}

func TestAStageThatNobodyKnowsReachesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	a, _ := h.start()
	if a.Reaches("stagging", "call") {
		t.Error("got a channel for a stage with a typing error, want none")
	}
	if status, doc := h.do(http.MethodPost, "/api/v1/incidents", `{"service":"shop","title":"drill","stage":"stagging"}`); status != http.StatusBadRequest || doc["code"] != "stage.unknown" {
		t.Errorf("got %d %v, want 400 stage.unknown", status, doc)
	}
}

func TestAKeyThatTheFolderNoLongerNamesIsRevoked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	a, stop := h.start()
	old := "/integrations/alertmanager/a-key-of-sixteen-or-more"
	if got := post(t, "http://"+a.Addr()+old, firing); got != http.StatusAccepted {
		t.Fatalf("got %d, want 202", got)
	}
	stop()
	h.env["PROM_KEY"] = "another-key-of-sixteen"
	a, _ = h.start()
	if got := post(t, "http://"+a.Addr()+old, firing); got != http.StatusForbidden {
		t.Errorf("got %d for the old key, want 403", got)
	}
	if got := post(t, "http://"+a.Addr()+"/integrations/alertmanager/another-key-of-sixteen", firing); got != http.StatusAccepted {
		t.Errorf("got %d for the new key, want 202", got)
	}
}

func TestAConfigurationThatThisNodeCantWorkWithChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	refused := make(complaints, 1)
	h.o.Log = slog.New(refused)
	a, _ := h.start()
	a.Apply(h.load(strings.Replace(strings.Replace(folder, "TWILIO_TOKEN", "NOT_SET", 1), "shop:", "till:", 1)))
	if got := <-refused; got != "the configuration stays as it was" {
		t.Fatalf("got the complaint %q", got)
	}
	a.Apply(h.load(strings.Replace(folder, "shop:", "market:", 1))) // the next one is fine
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _ := h.do(http.MethodGet, "/api/v1/forecast?service=till", ""); status != http.StatusNotFound {
			t.Fatalf("got %d for a service of the refused folder, want 404", status)
		}
		if status, _ := h.do(http.MethodGet, "/api/v1/forecast?service=market", ""); status == http.StatusOK {
			return
		}
		select {
		case <-deadline.C:
			t.Fatal("the folder after it was not applied within 10 s")
		case <-tick.C:
		}
	}
}

// complaints are the errors that are logged.
type complaints chan string

func (c complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (c complaints) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c complaints) WithGroup(string) slog.Handler                { return c }
func (c complaints) Handle(_ context.Context, r slog.Record) error {
	select {
	case c <- r.Message:
	default: // one is enough
	}
	return nil
}

func TestTheSimulatorsPhonesAreForThisMachineOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder)
	a, _ := h.start()
	for _, tc := range []struct {
		name, peer, host, forwarded string
		status                      int
	}{
		{"from this machine", "127.0.0.1:4000", "localhost:8080", "", http.StatusOK},
		{"from this machine, by its address", "127.0.0.1:4000", "127.0.0.1:8080", "", http.StatusOK},
		{"from another", "192.0.2.7:4000", "localhost:8080", "", http.StatusNotFound},
		{"forwarded by a proxy on this machine", "127.0.0.1:4000", "localhost:8080", "192.0.2.7", http.StatusNotFound},
		{"by a web page whose name leads here", "127.0.0.1:4000", "evil.example.jp:8080", "", http.StatusNotFound},
	} {
		r := httptest.NewRequest(http.MethodGet, "/sim/phones", nil)
		r.RemoteAddr, r.Host = tc.peer, tc.host
		if tc.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tc.forwarded)
		}
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, w.Code, tc.status)
		}
	}
}

func TestNodesOfOneStoreNeedOneKey(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	first := newHouse(t)
	first.o.Config, first.o.DatabaseURL = first.load(folder), dsn
	first.start()
	second := newHouse(t)
	second.o.DatabaseURL, second.o.Listen = dsn, "127.0.0.1:0"
	if _, err := app.New(t.Context(), second.o); err == nil || !strings.Contains(err.Error(), "TOBAN_KEY") {
		t.Fatalf("got %v, want a refusal that names TOBAN_KEY", err)
	}
	key, err := os.ReadFile(filepath.Join(first.o.Data, "key"))
	if err != nil {
		t.Fatal(err)
	}
	second.o.Key = string(key)
	second.start()
}
