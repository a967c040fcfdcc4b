package probe

import (
	"net/netip"
	"slices"
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
	if inNetworks(plain, g.Allow) {
		return nil
	}
	kind := kindOfAddress(plain)
	if kind == publicAddress || kind == privateAddress && g.AllowPrivate {
		return nil
	}
	return &fault{ReasonForbidden, plain.String() + " is " + string(kind) + ", which may not be asked unless it is allowed"}
}

// addressKind is what an address is to the guard, as a sentence says it.
type addressKind string

const (
	publicAddress   addressKind = "a public address"
	privateAddress  addressKind = "a private address"
	metadataAddress addressKind = "the metadata service of a cloud"
	noHostsAddress  addressKind = "not the address of one host"
)

// kindOfAddress is the kind of a plain address: unmapped and without a zone.
func kindOfAddress(ip netip.Addr) addressKind {
	if inNetworks(ip, metadataServices) {
		return metadataAddress
	}
	// A packet to one of these ends at the IPv4 address inside it.
	if inner, ok := innerAddress(ip); ok {
		if kind := kindOfAddress(inner); kind != publicAddress {
			return kind
		}
	}
	switch {
	case ip.IsUnspecified(), ip.IsMulticast(), inNetworks(ip, noHosts):
		return noHostsAddress
	case ip.IsPrivate(), ip.IsLoopback(), ip.IsLinkLocalUnicast(), inNetworks(ip, notPublic):
		return privateAddress
	}
	return publicAddress
}

// innerAddress is the IPv4 address that an IPv6 address of a translator or a
// tunnel means.
func innerAddress(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip), v4Compatible.Contains(ip) && !ip.IsUnspecified() && !ip.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(ip): // the client's address, inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

func inNetworks(ip netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

var (
	nat64        = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour    = netip.MustParsePrefix("2002::/16")
	teredo       = netip.MustParsePrefix("2001::/32")
	v4Compatible = netip.MustParsePrefix("::/96")
)

// metadataServices hand out the credentials of the machine to whoever asks
// from it. Not all of them are in ranges that look private.
var metadataServices = []netip.Prefix{
	netip.MustParsePrefix("169.254.169.254/32"),     // AWS, Azure, Google, Oracle, OpenStack and most others
	netip.MustParsePrefix("169.254.170.0/24"),       // AWS: tasks and pods
	netip.MustParsePrefix("169.254.0.23/32"),        // Tencent
	netip.MustParsePrefix("169.254.42.42/32"),       // Scaleway
	netip.MustParsePrefix("168.63.129.16/32"),       // Azure: the agent of the machine
	netip.MustParsePrefix("100.100.100.200/32"),     // Alibaba
	netip.MustParsePrefix("192.0.0.192/32"),         // Oracle, older
	netip.MustParsePrefix("fd00:ec2::/32"),          // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),       // Google
	netip.MustParsePrefix("fd00:42::42/128"),        // Scaleway
	netip.MustParsePrefix("fe80::a9fe:a9fe/128"),    // OpenStack
	netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), // Oracle
}

// noHosts are not addresses of one host each. 0.0.0.0/8 reaches the machine
// itself on some systems.
var noHosts = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("240.0.0.0/4"), // with the broadcast address
}

// notPublic look like public addresses and are not (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), // between a provider and its customers
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("64:ff9b:1::/48"), // a network's own translator
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // with Teredo
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}
