package exporter

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// A page whose name was moved to loopback is of the same origin as the exporter:
// its script could have private addresses asked and read what came back.
func TestAnExporterOnLoopbackAnswersToNoForeignName(t *testing.T) {
	t.Parallel()
	for _, local := range []bool{true, false} {
		e := New(Options{Config: &Config{Modules: modules(t, "")}, Own: private(), Asked: private(), Local: local})
		t.Cleanup(func() { closed(t, e) })
		for host, mine := range map[string]bool{
			"localhost": true, "localhost:9183": true, "LocalHost:9183": true, "127.0.0.1:9183": true, "[::1]:9183": true, "[::1]": true,
			"evil.example.jp": false, "evil.example.jp:9183": false, "127.0.0.1.evil.example.jp:9183": false, "localhost.evil.example.jp": false, "": false,
		} {
			for _, path := range []string{"/probe?debug=true&target=127.0.0.1:1", "/metrics", "/", "/healthz"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Host = host
				w := httptest.NewRecorder()
				e.Handler().ServeHTTP(w, r)
				want := http.StatusOK
				if local && !mine {
					want = http.StatusMisdirectedRequest
				}
				if w.Code != want {
					t.Errorf("local %t, %q %s: got %d, want %d", local, host, path, w.Code, want)
				}
			}
		}
	}
}

func TestNetworksThatTheFileAllowsAreTakenWithEachReading(t *testing.T) {
	t.Parallel()
	url := site(t, fine)
	c := &Config{Modules: modules(t, "")}
	e := New(Options{Config: c, Own: private()})
	t.Cleanup(func() { closed(t, e) })
	up := func() bool {
		return strings.Contains(get(e.Handler(), "/probe?target="+url).Body.String(), "probe_success 1")
	}
	if up() {
		t.Error("got a private address asked, want it forbidden")
	}
	e.Set(&Config{Modules: c.Modules, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if !up() {
		t.Error("got it forbidden, want the network that is named now")
	}
	e.Set(c)
	if up() {
		t.Error("got a private address asked, want it forbidden again")
	}
}

func TestTheLabelOfATargetHasNoSecretInIt(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example.jp/search?q=tea&page=2":    "https://shop.example.jp/search?q=tea&page=2",
		"https://sato:hunter2@shop.example.jp/x":         "https://shop.example.jp/x",
		"sato:hunter2@shop.example.jp":                   "shop.example.jp",
		"http://sato:hunt@%zz@shop.example.jp":           "http://shop.example.jp",
		"https://shop.example.jp/?api_key=hunter2&q=tea": "https://shop.example.jp/?api_key=…&q=tea",
		"192.0.2.1": "192.0.2.1",
	} {
		if got := shown(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
