package probe

import (
	"encoding/binary"
	"net/netip"
)

// icmpHeader is the size of the header of an echo, in bytes.
const icmpHeader = 8

// Types of ICMP messages (RFC 792, RFC 4443).
const (
	v4EchoReply, v4Unreachable, v4EchoRequest, v4TimeExceeded           = 0, 3, 8, 11
	v6Unreachable, v6TooBig, v6TimeExceeded, v6EchoRequest, v6EchoReply = 1, 2, 3, 128, 129
)

// echo is what an ICMP message says about an echo request.
type echo struct {
	id, seq uint16
	payload []byte     // of a reply
	trouble string     // why the request did not get there; "" for a reply
	to      netip.Addr // of the request that had trouble
}

// echoRequest writes an echo request over packet, whose bytes after the header
// are the payload. The checksum of IPv6 is the system's to make.
func echoRequest(packet []byte, v6 bool, id, seq uint16) {
	clear(packet[:icmpHeader])
	packet[0] = v4EchoRequest
	if v6 {
		packet[0] = v6EchoRequest
	}
	binary.BigEndian.PutUint16(packet[4:], id)
	binary.BigEndian.PutUint16(packet[6:], seq)
	if !v6 {
		binary.BigEndian.PutUint16(packet[2:], checksum(packet))
	}
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// parseEcho reads an ICMP message as it comes from a socket, without the header
// of IP. It returns false for what is neither a reply nor about a request.
func parseEcho(b []byte, v6 bool) (echo, bool) {
	if len(b) < icmpHeader {
		return echo{}, false
	}
	if b[0] == v4EchoReply && !v6 || b[0] == v6EchoReply && v6 {
		return echo{id: binary.BigEndian.Uint16(b[4:]), seq: binary.BigEndian.Uint16(b[6:]), payload: b[icmpHeader:]}, b[1] == 0
	}
	trouble := echoTrouble(b[0], b[1], v6)
	if trouble == "" {
		return echo{}, false
	}
	to, inner, ok := quotedPacket(b[icmpHeader:], v6)
	if !ok || len(inner) < icmpHeader || inner[0] != v4EchoRequest && !v6 || inner[0] != v6EchoRequest && v6 {
		return echo{}, false
	}
	return echo{id: binary.BigEndian.Uint16(inner[4:]), seq: binary.BigEndian.Uint16(inner[6:]), to: to, trouble: trouble}, true
}

// quotedPacket takes apart the beginning of a packet that an error message
// quotes: where it was to go, and the ICMP message in it.
func quotedPacket(b []byte, v6 bool) (to netip.Addr, inner []byte, ok bool) {
	const v6Header, v6Next, icmpv4, icmpv6 = 40, 6, 1, 58
	if v6 {
		if len(b) < v6Header || b[0]>>4 != 6 || b[v6Next] != icmpv6 {
			return netip.Addr{}, nil, false
		}
		return netip.AddrFrom16([16]byte(b[24:40])), b[v6Header:], true
	}
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != icmpv4 {
		return netip.Addr{}, nil, false
	}
	header := int(b[0]&0xf) * 4
	if header < 20 || len(b) < header {
		return netip.Addr{}, nil, false
	}
	return netip.AddrFrom4([4]byte(b[16:20])), b[header:], true
}

// echoTrouble says what an error message means, "" for other messages.
func echoTrouble(kind, code byte, v6 bool) string {
	switch {
	case kind == v4TimeExceeded && !v6, kind == v6TimeExceeded && v6:
		return "the packet's hop limit was reached on the way"
	case kind == v6TooBig && v6:
		return "the packet is too large for the way"
	case kind == v6Unreachable && v6:
		switch code {
		case 0:
			return "there is no way to the host"
		case 1, 5, 6:
			return "a router on the way forbids it"
		}
		return "the host can't be reached"
	case kind == v4Unreachable && !v6:
		switch code {
		case 0, 6, 11:
			return "there is no way to the network"
		case 4:
			return "the packet is too large for the way"
		case 9, 10, 13:
			return "a router on the way forbids it"
		}
		return "the host can't be reached"
	}
	return ""
}
