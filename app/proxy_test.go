package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWhoAsksIsSeenThroughTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.7:4000", nil, "203.0.113.7:4000"},
		{"somebody who says so", "203.0.113.7:4000", []string{"192.0.2.1"}, "203.0.113.7:4000"},
		{"the proxy", "10.0.0.5:4000", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"two proxies", "10.0.0.5:4000", []string{"203.0.113.7, 10.0.0.6"}, "203.0.113.7:0"},
		{"two headers", "10.0.0.5:4000", []string{"192.0.2.1", "203.0.113.7"}, "203.0.113.7:0"},
		{"what the client made up is passed over", "10.0.0.5:4000", []string{"192.0.2.1, 203.0.113.7"}, "203.0.113.7:0"},
		{"IPv6 with a port", "10.0.0.5:4000", []string{"[2001:db8::7]:99"}, "[2001:db8::7]:0"},
		{"nonsense", "10.0.0.5:4000", []string{"unknown"}, "10.0.0.5:4000"},
		{"the proxy itself", "10.0.0.5:4000", nil, "10.0.0.5:4000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			h := behind([]string{"10.0.0.0/24"}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			for _, v := range tc.forwarded {
				r.Header.Add("X-Forwarded-For", v)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
