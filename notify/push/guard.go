package push

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
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

// public reports whether an address is somebody's on the internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, block := range reserved() {
		if block.Contains(ip) {
			return false
		}
	}
	// A network without IPv4 writes IPv4 addresses so (RFC 6052).
	if netip.MustParsePrefix("64:ff9b::/96").Contains(ip) {
		b := ip.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return true
}

// reserved are blocks that look like public addresses and are not (RFC 6890).
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"), // between a provider and its customers
		netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"),
		netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"), // among them Teredo, which wraps IPv4
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"), // 6to4 wraps IPv4 too
		netip.MustParsePrefix("3fff::/20"),
		netip.MustParsePrefix("5f00::/16"),
		netip.MustParsePrefix("fec0::/10"),
	}
}
