package browser_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
)

// watching is the whole shop with a monitor of each kind.
func watching(t *testing.T) func(providers string) string {
	t.Helper()
	address, _ := shopFront(t)
	broken, fail := shopFront(t)
	fail(true)
	sealed := httptest.NewUnstartedServer(http.NotFoundHandler())
	sealed.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	sealed.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // who looks at the certificate alone says no more
	sealed.StartTLS()
	t.Cleanup(sealed.Close)
	host := func(url string) string { return url[strings.Index(url, "//")+2:] }
	return func(providers string) string {
		return strings.Replace(maneki(providers), "integrations:\n", "integrations:\n  jobs: { dialect: mackerel, key: env:E2E_JOBS }\n", 1) + fmt.Sprintf(`locations:
  here: {}
  osaka: {}
  tokyo: {}
monitors:
  web: { name: 店のトップページ, http: %q, private: true, every: 1s, locations: [here, osaka, tokyo], quorum: 1 }
  till: { name: レジ, http: %q, private: true, every: 1s, down_after: 2s, service: checkout, severity: warning }
  port: { tcp: %q, private: true, every: 1s }
  router: { ping: 127.0.0.1, private: true, every: 1s, severity: warning }
  cert: { certificate: %q, private: true, every: 2s, tls: { insecure: true } }
  name: { dns: localhost, private: true, every: 2s }
  grpc: { grpc: %q, private: true, every: 1s, severity: info }
  nightly: { heartbeat: { period: 1h, grace: 5m }, severity: warning }
  disk: { promql: 'vector(0.03) < 0.05', every: 1s, severity: warning }
  orders: { name: 失敗した注文, metric: { service: shop, name: "orders.*.failed", critical: 5, warning: 2, points: 3, missing: 30m } }
  old: { http: %q, private: true, paused: true }
`, address, broken, host(address), host(sealed.URL), host(address), address)
	}
}

func TestEveryKindOfMonitorIsSoundInBothLanguagesThemesAndSizes(t *testing.T) {
	t.Parallel()
	idle(t)
	h := newHouse(t, watching(t))
	owner := h.owner()
	owner.metrics(map[string]float64{"orders.web.failed": 12, "orders.fax.failed": 3, "orders.app.failed": 0.3333})
	for path, sign := range map[string]string{
		"/monitors/web?latency=1h": `class="chart"`, "/monitors/till": "503", "/monitors/disk": "0.03", "/monitors/orders": "orders.web.failed",
		"/explore?expr=rate(uptime_checks_total[1m])&range=15m": `class="chart"`,
	} {
		harness.Wait(t, patience, sign+" at "+path, func(context.Context) (bool, error) { return strings.Contains(owner.get(path).body, sign), nil })
	}
	var looks []look
	for _, id := range []string{"web", "till", "port", "router", "cert", "name", "grpc", "nightly", "disk", "orders", "old"} {
		looks = append(looks, look{"monitor-" + id, "/monitors/" + id + "?latency=1h"})
	}
	looks = append(
		looks, look{"monitors-all", "/monitors"}, look{"explore-first", "/explore"}, look{"explore-mistake", "/explore?expr=rate(up)"},
		look{"explore-chart", "/explore?expr=probe_duration_seconds&range=15m"}, look{"explore-rate", "/explore?expr=rate(uptime_checks_total[1m])&range=15m"},
	)
	for _, lang := range []string{"ja", "en"} {
		for _, screen := range []size{phone(), desktop()} {
			t.Run(lang+" "+screen.name, func(t *testing.T) {
				t.Parallel()
				b := owner.at(t, screen)
				b.speak(lang)
				for _, l := range looks {
					b.look(l)
				}
				b.end()
			})
		}
	}
}

// metrics posts points as a job does: three of each, the last one now.
func (p *person) metrics(values map[string]float64) {
	p.h.t.Helper()
	var points []string
	for name, value := range values {
		for ago := range 3 {
			points = append(points, fmt.Sprintf(`{"name":%q,"time":%d,"value":%v}`, name, time.Now().Unix()-int64(60*ago), value))
		}
	}
	r, err := http.NewRequest(http.MethodPost, p.h.toban.URL+"/api/v0/services/shop/tsdb", strings.NewReader("["+strings.Join(points, ",")+"]"))
	if err != nil {
		p.h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", jobsKey)
	if got := p.send(r); got.status != http.StatusOK {
		p.h.t.Fatalf("points: %d %s", got.status, got.body)
	}
}

// get reads a page as a browser without scripts does.
func (p *person) get(path string) answer {
	p.h.t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.h.toban.URL+path, nil)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return p.send(r)
}
