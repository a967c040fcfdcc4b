package probe

import (
	"net/netip"

	"toban/internal/network"
)

// Guard says which addresses may be asked. Its zero value lets public ones
// through and no others, so that a target that somebody types into a page does
// not become a way into the network toban stands in.
type Guard struct {
	// AllowPrivate lets private networks, loopback and link-local addresses
	// through; never the metadata services of clouds.
	AllowPrivate bool
	// Allow are further networks that may be asked, whatever they are.
	Allow []netip.Prefix
}

// Check returns nil when ip may be asked. It is asked about the address that is
// dialled, after every look-up: a name that changes its mind gains nothing.
func (g Guard) Check(ip netip.Addr) error {
	if !ip.IsValid() {
		return &fault{ReasonForbidden, "there is no address"}
	}
	plain := ip.Unmap().WithZone("")
	if network.In(plain, g.Allow) {
		return nil
	}
	kind := network.KindOf(plain)
	if kind == network.Public || kind == network.Private && g.AllowPrivate {
		return nil
	}
	return &fault{ReasonForbidden, plain.String() + " is " + string(kind) + ", which may not be asked unless it is allowed"}
}
