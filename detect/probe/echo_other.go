//go:build !linux

package probe

import (
	"errors"
	"net"
	"net/netip"
	"os"
)

// noEcho is what the operator has to do when no socket is given.
const noEcho = "the system does not let toban send ICMP echo requests: they need a raw socket, and that needs an administrator's rights"

// openEcho opens a raw socket for echo requests; other kinds are Linux's.
func openEcho(v6 bool, source netip.Addr, dontFragment bool) (conn net.PacketConn, raw bool, err error) {
	if dontFragment && !v6 {
		return nil, false, &fault{ReasonPermission, "dont_fragment is only possible on Linux"}
	}
	network, local := "ip4:icmp", "0.0.0.0"
	if v6 {
		network, local = "ip6:ipv6-icmp", "::"
	}
	if source.IsValid() {
		local = source.String()
	}
	conn, err = net.ListenPacket(network, local)
	if errors.Is(err, os.ErrPermission) {
		return nil, false, &fault{ReasonPermission, noEcho}
	}
	return conn, true, err
}
