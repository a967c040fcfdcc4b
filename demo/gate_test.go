package demo

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// guarded is a gate that listens everywhere on port 8080, on a machine that has
// 192.0.2.2; behind it everything is answered with 200.
func guarded() *gate {
	yes := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })
	return &gate{
		next: yes, host: "0.0.0.0", at: netip.MustParseAddrPort("0.0.0.0:8080"), own: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("192.0.2.2")} },
		secret: "s3cret", number: "+81900000003", page: "http://127.0.0.1:8080", lang: func(*http.Request) string { return "en" },
		away: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }),
	}
}

func (g *gate) ask(method, target, host, from, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = host, from
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: phoneCookie, Value: cookie})
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestTheGuideAnswersUnderItsOwnNamesOnly(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"127.0.0.1:8080":            http.StatusOK,
		"127.8.9.1:8080":            http.StatusOK,
		"localhost:8080":            http.StatusOK,
		"LOCALHOST:8080":            http.StatusOK,
		"[::1]:8080":                http.StatusOK,
		"192.0.2.2:8080":            http.StatusOK,
		"evil.example:8080":         http.StatusMisdirectedRequest,
		"evil.example":              http.StatusMisdirectedRequest,
		"localhost.evil:8080":       http.StatusMisdirectedRequest,
		"127.0.0.1.evil:8080":       http.StatusMisdirectedRequest,
		"127.0.0.1:8081":            http.StatusMisdirectedRequest,
		"127.0.0.1":                 http.StatusMisdirectedRequest,
		"192.0.2.3:8080":            http.StatusMisdirectedRequest,
		"":                          http.StatusMisdirectedRequest,
		"127.0.0.1:8080, evil:8080": http.StatusMisdirectedRequest,
	} {
		got := guarded().ask(http.MethodGet, "/guide/open", host, "127.0.0.1:4000", "")
		if got.Code != want {
			t.Errorf("Host %q: got %d, want %d", host, got.Code, want)
		}
		if got.Code != http.StatusOK && (len(got.Result().Cookies()) > 0 || !strings.Contains(got.Body.String(), "http://127.0.0.1:8080")) {
			t.Errorf("Host %q: got %q with %v, want a sentence with the address and no cookie", host, got.Body, got.Result().Cookies())
		}
	}
	one := guarded()
	one.host, one.at = "shop.example.jp", netip.MustParseAddrPort("192.0.2.2:8080")
	for host, want := range map[string]int{"shop.example.jp:8080": http.StatusOK, "192.0.2.2:8080": http.StatusOK, "192.0.2.9:8080": http.StatusMisdirectedRequest} {
		if got := one.ask(http.MethodGet, "/", host, "127.0.0.1:4000", ""); got.Code != want {
			t.Errorf("listening on one address, Host %q: got %d, want %d", host, got.Code, want)
		}
	}
}

func TestAnotherDeviceIsUmesTelephoneAndNothingElse(t *testing.T) {
	t.Parallel()
	const other, ume, phone = "192.0.2.9:4000", "%2B81900000003", "/sim/twilio/numbers/+81900000003"
	g := guarded()
	scan := g.ask(http.MethodGet, "/phone/ume?k=s3cret&lang=ja", "192.0.2.2:8080", other, "")
	if scan.Code != http.StatusSeeOther || scan.Header().Get("Location") != "/phone/ume?lang=ja" || len(scan.Result().Cookies()) != 1 {
		t.Fatalf("the scanned code: got %d to %q with %v, want the page without the secret, and a cookie", scan.Code, scan.Header().Get("Location"), scan.Result().Cookies())
	}
	if c := scan.Result().Cookies()[0]; !c.HttpOnly || c.Value != "s3cret" {
		t.Errorf("got cookie %v, want one that no script reads", c)
	}
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/phone/ume", 200},
		{"GET", "/sim/phones?embed=1&lang=ja&only=" + ume, 200},
		{"GET", "/sim/twilio/live?lang=ja&only=" + ume, 200},
		{"POST", phone + "/answer", 200},
		{"POST", phone + "/decline", 200},
		{"POST", phone + "/hangup", 200},
		{"POST", phone + "/press", 200},

		{"POST", phone + "/script", 403},
		{"DELETE", phone + "/script", 403},
		{"POST", phone + "/press/../../+81900000001/press", 403},
		{"POST", "/sim/twilio/numbers/+81900000001/press", 403},
		{"POST", "/sim/twilio/faults", 403},
		{"GET", "/sim/phones", 403},
		{"GET", "/sim/phones?only=" + ume + "&only=%2B81900000001", 403},
		{"GET", "/sim/phones?only=%2B81900000001", 403},
		{"GET", "/sim/twilio/live", 403},
		{"GET", "/sim/twilio/calls.json", 403},
		{"GET", "/sim/twilio/requests.json", 403},
		{"GET", "/sim/slack/", 403},
		{"POST", "/sim/slack/click", 403},
		{"POST", "/api/chat.postMessage", 403},
		{"POST", "/2010-04-01/Accounts/AC/Calls.json", 403},
		{"GET", "/phone/matsu", 403},
		{"GET", "/", 403},
		{"GET", "/guide/open", 403},
		{"GET", "/guide/live", 403},
		{"GET", "/guide/qr.png", 403},
		{"POST", "/guide/break", 403},
		{"POST", "/guide/plug", 403},
		{"POST", "/guide/repair", 403},
		{"POST", "/guide/again", 403},
		{"GET", "/health", 403},
	} {
		if got := g.ask(tc.method, tc.path, "192.0.2.2:8080", other, "s3cret"); got.Code != tc.want {
			t.Errorf("%s %s with the cookie: got %d, want %d", tc.method, tc.path, got.Code, tc.want)
		}
		for _, cookie := range []string{"", "wrong"} {
			if got := g.ask(tc.method, tc.path, "192.0.2.2:8080", other, cookie); got.Code != http.StatusForbidden {
				t.Errorf("%s %s with the cookie %q: got %d, want 403", tc.method, tc.path, cookie, got.Code)
			}
		}
		if got := g.ask(tc.method, tc.path, "192.0.2.2:8080", "192.0.2.2:4000", ""); got.Code != http.StatusOK {
			t.Errorf("%s %s from this machine by its own address: got %d, want 200", tc.method, tc.path, got.Code)
		}
	}
	for _, path := range []string{"/static/app.css", "/guide/assets/guide.css", "/sim/twilio/static/phones.js", "/manifest.webmanifest"} {
		if got := g.ask("GET", path, "192.0.2.2:8080", other, ""); got.Code != http.StatusOK {
			t.Errorf("%s: got %d, want 200: it is in every toban", path, got.Code)
		}
	}
	g.secret = ""
	if got := g.ask(http.MethodGet, "/phone/ume?k=", "192.0.2.2:8080", other, ""); got.Code != http.StatusForbidden {
		t.Errorf("no secret at all: got %d, want 403", got.Code)
	}
}

// The same over the network, from whatever address this machine has beside
// loopback.
func TestThisMachineIsKnownByEachOfItsAddresses(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	g := guarded()
	g.own = ownAddresses
	if g.at, err = netip.ParseAddrPort(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: g}
	go server.Serve(l) //nolint:errcheck // it ends with Close
	t.Cleanup(func() { server.Close() })
	addresses := []string{"127.0.0.1"}
	for _, a := range ownAddresses() {
		if a.Is4() {
			addresses = append(addresses, a.String())
		}
	}
	for _, a := range addresses {
		u := url.URL{Scheme: "http", Host: netip.AddrPortFrom(netip.MustParseAddr(a), g.at.Port()).String(), Path: "/guide/open"}
		res, err := http.Get(u.String())
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d, want 200", u.String(), res.StatusCode)
		}
	}
}
