package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behind lets h see who asks when proxies that are trusted stand in between: the
// last address of X-Forwarded-For that is none of theirs. What anybody else says
// about where it comes from is not believed.
func behind(proxies []string, h http.Handler) http.Handler {
	var trusted []netip.Prefix
	for _, text := range proxies {
		if p, err := netip.ParsePrefix(text); err == nil { // checked when it was written
			trusted = append(trusted, p)
		}
	}
	if len(trusted) == 0 {
		return h
	}
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && ours(peer.Addr()) {
			if client, ok := forwarded(r.Header.Values("X-Forwarded-For"), ours); ok {
				r = r.Clone(r.Context())
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
			}
		}
		h.ServeHTTP(w, r)
	})
}

// maxHops is how many proxies may stand in a row.
const maxHops = 32

// forwarded finds the client in the headers that proxies have added to, from the
// end: what stands before the first address that is not ours was written by
// whoever likes to.
func forwarded(headers []string, ours func(netip.Addr) bool) (netip.Addr, bool) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		text := strings.TrimSpace(hops[i])
		addr, err := netip.ParseAddr(text)
		if err != nil {
			p, e := netip.ParseAddrPort(text) // some write the port as well
			if e != nil {
				return netip.Addr{}, false
			}
			addr = p.Addr()
		}
		if addr = addr.Unmap().WithZone(""); !ours(addr) {
			return addr, true
		}
	}
	return netip.Addr{}, false
}
