// Package peer says where a request comes from, as far as that is known here: the
// address of the connection, or the one that a trusted proxy has named in its
// place (app).
package peer

import (
	"net/http"
	"net/netip"
)

// Of is the address that a request comes from; the zero Addr where it has none.
func Of(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// Network names what is counted of an address: of IPv6 the /64, in which one
// subscriber has as many addresses as they like.
func Network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if whole, err := address.Prefix(64); err == nil && address.Is6() {
		return whole.String()
	}
	return address.String()
}
