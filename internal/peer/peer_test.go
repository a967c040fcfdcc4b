package peer

import (
	"net/http/httptest"
	"testing"
)

func TestAnAddressIsKnownByItsNetwork(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:4000":            "192.0.2.7",
		"[::ffff:192.0.2.7]:4000":   "192.0.2.7",
		"[2001:db8:1:2::7]:4000":    "2001:db8:1:2::/64",
		"[fe80::7%eth0]:4000":       "fe80::/64",
		"@":                         "invalid IP",
		"192.0.2.7":                 "invalid IP",
		"[2001:db8:1:2:ff::1]:4000": "2001:db8:1:2::/64",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		if got := Network(Of(r)); got != want {
			t.Errorf("%s: got %s, want %s", remote, got, want)
		}
	}
}
