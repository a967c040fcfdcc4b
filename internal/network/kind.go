// Package network says of what kind an address is: somebody's on the internet, of
// a network of one's own, or one that no host has. It decides about no request;
// who asks on behalf of others has a policy of its own on top.
package network

import (
	"net/netip"
	"slices"
)

// Kind is what an address is, as a sentence says it.
type Kind string

// The kinds of address.
const (
	Public   Kind = "a public address"
	Private  Kind = "a private address" // loopback, link-local and reserved ones among them
	Metadata Kind = "the metadata service of a cloud"
	NoHosts  Kind = "not the address of one host"
)

// KindOf is the kind of an address. One with another inside, as translators and
// tunnels have them, is of the kind of that one where it is no public one.
func KindOf(ip netip.Addr) Kind {
	ip = ip.Unmap().WithZone("")
	if In(ip, metadataServices) {
		return Metadata
	}
	// A packet to one of these ends at the IPv4 address inside it.
	if inner, ok := inside(ip); ok {
		if kind := KindOf(inner); kind != Public {
			return kind
		}
	}
	switch {
	case ip.IsUnspecified(), ip.IsMulticast(), In(ip, noHosts):
		return NoHosts
	case ip.IsPrivate(), ip.IsLoopback(), ip.IsLinkLocalUnicast(), In(ip, notPublic):
		return Private
	}
	return Public
}

// inside is the IPv4 address that an IPv6 address of a translator or a
// tunnel means.
func inside(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip), siit.Contains(ip), v4Compatible.Contains(ip) && !ip.IsUnspecified() && !ip.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(ip): // the client's address, inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return netip.Addr{}, false
}

// In reports whether an address is in one of the networks.
func In(ip netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}
