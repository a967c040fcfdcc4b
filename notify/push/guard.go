package push

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"toban/internal/network"
)

// errForbidden is why an address is not asked.
var errForbidden = errors.New("push: not a public address")

// guarded reaches public addresses only, unless private ones are allowed. It is
// looked at when the connection is made, after the name was resolved: a name may
// point anywhere, and elsewhere a moment later. Where the operator has set a
// proxy (HTTPS_PROXY), names are the proxy's to resolve and to refuse.
func guarded(allowPrivate bool) http.RoundTripper {
	direct := transport(allowPrivate)
	proxied := transport(true)
	proxied.Proxy = http.ProxyFromEnvironment
	return chooser{direct, proxied, allowPrivate}
}

type chooser struct {
	direct, proxied *http.Transport
	allowPrivate    bool
}

// RoundTrip implements http.RoundTripper.
func (c chooser) RoundTrip(r *http.Request) (*http.Response, error) {
	if !c.allowPrivate && (r.URL.Scheme != "https" || !publicName(r.URL.Hostname())) {
		return nil, errForbidden
	}
	if proxy, err := http.ProxyFromEnvironment(r); err == nil && proxy != nil {
		return c.proxied.RoundTrip(r)
	}
	return c.direct.RoundTrip(r)
}

func transport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !public(to.Addr()) {
				return errForbidden
			}
			return nil
		}
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 3 * time.Second,
		MaxIdleConns: 32, MaxIdleConnsPerHost: 4, MaxConnsPerHost: 32, IdleConnTimeout: 90 * time.Second,
		ResponseHeaderTimeout: 4 * time.Second, MaxResponseHeaderBytes: 32 << 10,
	}
}

// publicName refuses the names that are private whatever they resolve to.
func publicName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return public(ip)
	}
	for _, suffix := range []string{"localhost", "local", "internal", "intranet", "home.arpa", "lan"} {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return false
		}
	}
	return strings.Contains(host, ".")
}

// public reports whether an address is somebody's on the internet. Push services
// have no zones.
func public(ip netip.Addr) bool { return ip.Zone() == "" && network.KindOf(ip) == network.Public }
