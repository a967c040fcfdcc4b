package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// openEcho opens a socket for echo requests: one that needs no privilege, which
// the system gives to the groups in net.ipv4.ping_group_range, and otherwise a
// raw one, which needs CAP_NET_RAW.
func openEcho(v6 bool, source netip.Addr, dontFragment bool) (conn net.PacketConn, raw bool, err error) {
	conn, err = openUnprivileged(v6, source, dontFragment)
	if err == nil {
		return conn, false, nil
	}
	conn, rawErr := openRaw(v6, source, dontFragment)
	if rawErr == nil {
		return conn, true, nil
	}
	if errors.Is(rawErr, os.ErrPermission) && !errors.Is(err, os.ErrPermission) {
		return nil, false, err // it would have been allowed, but did not work
	}
	if errors.Is(rawErr, os.ErrPermission) {
		return nil, false, &fault{ReasonPermission, noEcho}
	}
	return nil, false, rawErr
}

// noEcho is what the operator has to do when neither kind of socket is given.
const noEcho = "the system does not let toban send ICMP echo requests: either allow it to all groups " +
	`(sysctl -w net.ipv4.ping_group_range="0 2147483647"), or give the program CAP_NET_RAW ` +
	"(AmbientCapabilities=CAP_NET_RAW in the systemd unit, or setcap cap_net_raw+ep on the program)"

func openUnprivileged(v6 bool, source netip.Addr, dontFragment bool) (net.PacketConn, error) {
	domain, protocol := syscall.AF_INET, syscall.IPPROTO_ICMP
	var local syscall.Sockaddr = &syscall.SockaddrInet4{}
	switch {
	case v6 && source.IsValid():
		domain, protocol, local = syscall.AF_INET6, syscall.IPPROTO_ICMPV6, &syscall.SockaddrInet6{Addr: source.As16()}
	case v6:
		domain, protocol, local = syscall.AF_INET6, syscall.IPPROTO_ICMPV6, &syscall.SockaddrInet6{}
	case source.IsValid():
		local = &syscall.SockaddrInet4{Addr: source.As4()}
	}
	fd, err := syscall.Socket(domain, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), "icmp")
	defer file.Close() // the connection has its own descriptor
	if err := neverFragment(fd, v6, dontFragment); err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, local); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	return net.FilePacketConn(file)
}

func openRaw(v6 bool, source netip.Addr, dontFragment bool) (net.PacketConn, error) {
	network, local := "ip4:icmp", "0.0.0.0"
	if v6 {
		network, local = "ip6:ipv6-icmp", "::"
	}
	if source.IsValid() {
		local = source.String()
	}
	config := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) (err error) {
		if outer := conn.Control(func(fd uintptr) { err = neverFragment(int(fd), v6, dontFragment) }); outer != nil {
			return outer
		}
		return err
	}}
	return config.ListenPacket(context.Background(), network, local)
}

// neverFragment sets DF on what is sent, whatever the system believes of the
// way: it is to be found out.
func neverFragment(fd int, v6, on bool) error {
	if !on || v6 {
		return nil
	}
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_PROBE))
}
