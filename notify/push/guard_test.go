package push

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesAreAsked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"142.250.196.106": true, "2607:f8b0:400a:80b::200a": true, "64:ff9b::8efa:c46a": true,
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "172.32.0.1": true, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.128.0.1": true, "198.18.0.1": false, "203.0.113.1": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false, "fe80::1": false, "fc00::1": false, "fd12::1": false,
		"ff02::1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "fec0::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	for host, want := range map[string]bool{
		"fcm.googleapis.com": true, "updates.push.services.mozilla.com.": true, "localhost": false, "LOCALHOST": false, "a.localhost": false, "localhost.": false,
		"db": false, "db.internal": false, "nas.local": false, "router.lan": false, "10.0.0.1": false, "8.8.8.8": true, "": false,
	} {
		if got := publicName(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

// A name may resolve to anything: what is dialled is looked at.
func TestWhatIsDialledIsLookedAt(t *testing.T) {
	t.Parallel()
	direct := transport(false)
	defer direct.CloseIdleConnections()
	for _, address := range []string{"127.0.0.1:1", "localhost:1", "[::1]:1"} {
		if _, err := direct.DialContext(t.Context(), "tcp", address); !errors.Is(err, errForbidden) {
			t.Errorf("%s: got %v, want %v", address, err, errForbidden)
		}
	}
	for _, address := range []string{"https://127.0.0.1/", "http://push.example.com/", "https://localhost/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := guarded(false).RoundTrip(r); !errors.Is(err, errForbidden) {
			if err == nil {
				res.Body.Close()
			}
			t.Errorf("%s: got %v, want %v", address, err, errForbidden)
		}
	}
}
