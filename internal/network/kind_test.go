package network_test

import (
	"net/netip"
	"testing"

	"toban/internal/network"
)

func TestAnAddressIsOfTheKindOfWhatItReaches(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]network.Kind{
		"8.8.8.8": network.Public, "2607:f8b0:400a:80b::200a": network.Public, "::ffff:8.8.8.8": network.Public, "64:ff9b::8.8.8.8": network.Public,
		"10.0.0.1": network.Private, "127.0.0.1": network.Private, "::1": network.Private, "fe80::1%eth0": network.Private, "100.64.0.1": network.Private,
		"::ffff:10.0.0.1": network.Private, "64:ff9b::10.0.0.1": network.Private, "::ffff:0:10.0.0.1": network.Private, "2002:a00:1::1": network.Private,
		"::8.8.8.8": network.Private, "2001:db8::1": network.Private,
		"169.254.169.254": network.Metadata, "64:ff9b::169.254.169.254": network.Metadata, "::ffff:169.254.169.254": network.Metadata, "fd00:ec2::254": network.Metadata,
		"0.0.0.0": network.NoHosts, "::": network.NoHosts, "224.0.0.1": network.NoHosts, "ff02::1": network.NoHosts, "255.255.255.255": network.NoHosts,
	} {
		if got := network.KindOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
