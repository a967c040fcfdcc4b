package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
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

// BenchmarkIdle measures what a checker that has asked its target and waits takes
// of memory, with its module, its kept connection and the goroutines of both
// sides.
func BenchmarkIdle(b *testing.B) {
	for _, keys := range [][]string{nil, {"keep_alive: true"}} {
		name := "no connection"
		if keys != nil {
			name = "kept connection"
		}
		b.Run(name, func(b *testing.B) {
			const many = 500
			s := site(b, says(200, "hello"))
			for b.Loop() {
				heap, goroutines := standing()
				checkers := make([]Checker, many)
				for i := range checkers {
					checkers[i] = asking(b, keys...)
					if r := checkers[i].Check(b.Context(), s.URL); !r.Up {
						b.Fatalf("got down for %s: %s", r.Reason, r.Message)
					}
				}
				for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
					runtime.Gosched() // what ends, ends
				}
				heapNow, goroutinesNow := standing()
				b.ReportMetric(float64(heapNow-heap)/many, "B/checker")
				b.ReportMetric(float64(goroutinesNow-goroutines)/many, "goroutines/checker")
				for _, c := range checkers {
					c.(Closer).Close()
				}
			}
		})
	}
}

// standing is what is in use: bytes of the heap, and goroutines.
func standing() (heap, goroutines int) {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), runtime.NumGoroutine()
}
