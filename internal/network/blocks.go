package network

import "net/netip"

var (
	nat64        = netip.MustParsePrefix("64:ff9b::/96")
	siit         = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 7915; not the mapped addresses
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
	netip.MustParsePrefix("::/96"),          // IPv4 addresses, as nobody writes them any more
	netip.MustParsePrefix("64:ff9b:1::/48"), // a network's own translator
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // with Teredo
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}
