package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkHTTP measures a check with its server in the same process: the cost
// of both.
func BenchmarkHTTP(b *testing.B) {
	root := rootAuthority(b, "Example Root")
	leaf := root.host(b, day(-9), day(90))
	for _, way := range []struct {
		name   string
		secure bool
		keys   []string
	}{
		{"new connection", false, nil},
		{"keep-alive", false, []string{"keep_alive: true"}},
		{"new connection, conditions", false, []string{"json: '.status == \"ok\"'", "fail_if_body_matches_regexp: [error]"}},
		{"TLS, new connection", true, []string{trusting(b, root)}},
		{"TLS, keep-alive", true, []string{trusting(b, root), "keep_alive: true"}},
	} {
		b.Run(way.name, func(b *testing.B) {
			answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status": "ok"}`)) }
			var s *httptest.Server
			if way.secure {
				s = secureSite(b, answer, leaf)
			} else {
				s = site(b, answer)
			}
			c := asking(b, way.keys...)
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
				if r := c.Check(ctx, s.URL); !r.Up {
					b.Fatalf("got down for %s: %s", r.Reason, r.Message)
				}
				cancel()
			}
		})
	}
}
