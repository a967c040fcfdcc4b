// Package target imitates what a team watches: a small shop that can be broken
// and repaired on demand. It is a page, a health check and a test double in one.
package target

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// Shop is まねき商店 / Maneki Shop. The zero value is open for business.
type Shop struct {
	broken atomic.Bool
	served atomic.Int64
}

// Break makes the shop answer 503 until Repair.
func (s *Shop) Break() { s.broken.Store(true) }

// Repair makes the shop answer again.
func (s *Shop) Repair() { s.broken.Store(false) }

// Broken reports whether the shop is broken.
func (s *Shop) Broken() bool { return s.broken.Load() }

// Served is how many requests the shop has answered.
func (s *Shop) Served() int64 { return s.served.Load() }

// ServeHTTP answers every path: the shop's page, or what an outage looks like.
// POST /break and POST /repair are the switch.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		switch r.URL.Path {
		case "/break":
			s.Break()
		case "/repair":
			s.Repair()
		default:
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.served.Add(1)
	w.Header().Set("Cache-Control", "no-store")
	if s.broken.Load() {
		http.Error(w, "503: the checkout does not answer / 決済が応答していません", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "まねき商店 / Maneki Shop: open")
}
