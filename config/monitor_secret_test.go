package config

import (
	"strings"
	"testing"

	"toban/oncall"
)

// A password in a monitor would be in the store, in the audit log, on its page
// and in the labels of its alerts. What is refused is not repeated either.
func TestAMonitorHasNoPasswordInClear(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"http":                       "{ http: 'https://sato:hunter2@shop.example.jp' }",
		"http without a scheme":      "{ http: 'sato:hunter2@shop.example.jp/x' }",
		"ping":                       "{ ping: 'http://sato:hunter2@shop.example.jp' }",
		"ping without a scheme":      "{ ping: 'sato:hunter2@shop.example.jp' }",
		"tcp":                        "{ tcp: 'sato:hunter2@shop.example.jp:25' }",
		"certificate":                "{ certificate: 'https://sato:hunter2@shop.example.jp' }",
		"certificate, long":          "{ certificate: { host: 'https://sato:hunter2@shop.example.jp', days: 20 } }",
		"grpc":                       "{ grpc: 'sato:hunter2@shop.example.jp:443' }",
		"dns":                        "{ dns: { name: shop.example.jp, server: 'sato:hunter2@192.0.2.53' } }",
		"a module's target":          "{ module: { prober: http }, target: 'http://sato:hunter2@shop.example.jp/' }",
		"the same without a scheme":  "{ module: { prober: http }, target: 'sato:hunter2@shop.example.jp/' }",
		"a proxy":                    "{ http: 'http://shop.example.jp', proxy: 'http://sato:hunter2@proxy.example.jp:3128' }",
		"a module's proxy":           "{ module: { prober: http, http: { proxy_url: 'http://sato:hunter2@proxy.example.jp:3128' } }, target: 'http://shop.example.jp/' }",
		"the proxy of its tokens":    "{ module: { prober: http, http: { oauth2: { client_id: a, token_url: 'http://shop.example.jp/', proxy_url: 'http://hunter2@proxy.example.jp' } } }, target: 'http://shop.example.jp/' }",
		"where its tokens come from": "{ module: { prober: http, http: { oauth2: { client_id: a, token_url: 'http://sato:hunter2@shop.example.jp/' } } }, target: 'http://shop.example.jp/' }",
		"what it tells the proxy":    "{ module: { prober: http, http: { proxy_url: 'http://proxy.example.jp', proxy_connect_header: { Proxy-Authorization: [hunter2] } } }, target: 'http://shop.example.jp/' }",
		"a header, written long":     "{ module: { prober: http, http: { http_headers: { X-Api-Key: { values: [hunter2] } } } }, target: 'http://shop.example.jp/' }",
		"a parameter for tokens":     "{ module: { prober: http, http: { oauth2: { client_id: a, token_url: 'http://shop.example.jp/', endpoint_params: { password: hunter2 } } } }, target: 'http://shop.example.jp/' }",
		"metadata":                   "{ module: { prober: grpc, grpc: { metadata: { authorization: [hunter2] } } }, target: 'shop.example.jp:443' }",
	} {
		m, problems := ReadMonitor("it", []byte(body), &oncall.Directory{}, nil)
		if m != nil {
			t.Errorf("%s: got a monitor for %s, want it refused", name, m.Target)
		}
		if text := lines(problems); strings.Contains(text, "hunter2") {
			t.Errorf("%s: got %q, want the password left out", name, text)
		}
	}
	for name, body := range map[string]string{
		"a proxy from the environment": "{ module: { prober: http, http: { proxy_url: env:PROXY } }, target: 'http://shop.example.jp/' }",
		"from a file":                  "{ module: { prober: http, http: { proxy_url: 'file:/etc/sato@proxy' } }, target: 'http://shop.example.jp/' }",
		"an @ that is no user":         "{ module: { prober: http, http: { proxy_url: 'http://proxy.example.jp' } }, target: 'http://shop.example.jp/@sato?mail=a@b' }",
		"what is not secret":           "{ module: { prober: http, http: { oauth2: { client_id: a, token_url: 'http://shop.example.jp/', endpoint_params: { audience: shop } } } }, target: 'http://shop.example.jp/' }",
	} {
		if m, problems := ReadMonitor("it", []byte(body), &oncall.Directory{}, nil); m == nil {
			t.Errorf("%s: got %q, want a monitor", name, lines(problems))
		}
	}
}
