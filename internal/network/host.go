package network

import (
	"net"
	"net/netip"
	"strings"
)

// IsOwnName reports whether a Host header, with or without a port, names a machine
// by an address or as localhost. A web page can have a browser ask a server on
// loopback by a name of the page's own that leads there, and read what it answers:
// whoever answers this machine alone takes no other name.
func IsOwnName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil || strings.EqualFold(host, "localhost")
}
