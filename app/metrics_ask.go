package app

import (
	"net/http"

	"toban/internal/child"
	"toban/internal/promapi"
	"toban/internal/remotewrite"
)

// ask is the Prometheus of the moment, for the pages that ask it something.
func (m *metrics) ask() (*promapi.Client, error) {
	seat := m.now.Load()
	if seat == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case m.wanted.never:
			return nil, errMetricsOff
		case m.wanted.settings == nil:
			return nil, promapi.ErrIdle
		}
		return nil, promapi.ErrStarting
	}
	if err := seat.missing(); err != nil {
		if seat.child.State().Phase == child.Starting {
			return nil, promapi.ErrStarting
		}
		return nil, err
	}
	return seat.asked, nil
}

// authenticated sends requests in toban's own name.
type authenticated struct {
	to   remotewrite.Target
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a authenticated) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	switch {
	case a.to.User != "":
		r.SetBasicAuth(a.to.User, a.to.Password)
	case a.to.Token != "":
		r.Header.Set("Authorization", "Bearer "+a.to.Token)
	}
	return a.next.RoundTrip(r)
}
