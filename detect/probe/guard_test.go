package probe

import (
	"errors"
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesAreAskedUnlessAllowed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address                        string
		byDefault, withPrivate, inList bool
	}{
		{"8.8.8.8", true, true, true},
		{"2606:4700::1111", true, true, true},
		{"::ffff:8.8.8.8", true, true, true},
		{"10.1.2.3", false, true, true},
		{"172.31.0.1", false, true, true},
		{"192.168.1.1", false, true, true},
		{"127.0.0.1", false, true, true},
		{"127.255.0.1", false, true, true},
		{"::1", false, true, true},
		{"::ffff:127.0.0.1", false, true, true},
		{"::ffff:10.0.0.1", false, true, true},
		{"::127.0.0.1", false, true, true},
		{"169.254.1.1", false, true, true},
		{"fe80::1%lo", false, true, true},
		{"fd12::1", false, true, true},
		{"100.64.0.1", false, true, true},
		{"198.18.0.1", false, true, true},
		{"64:ff9b::10.0.0.1", false, true, true},
		{"2002:0a00:0001::1", false, true, true},
		{"64:ff9b::8.8.8.8", true, true, true},
		{"0.0.0.0", false, false, true},
		{"::", false, false, true},
		{"224.0.0.1", false, false, true},
		{"ff02::1", false, false, true},
		{"255.255.255.255", false, false, true},
		{"169.254.169.254", false, false, true},
		{"::ffff:169.254.169.254", false, false, true},
		{"::169.254.169.254", false, false, true},
		{"64:ff9b::169.254.169.254", false, false, true},
		{"2002:a9fe:a9fe::1", false, false, true},
		{"::ffff:0:169.254.169.254", false, false, true},
		{"::ffff:0:10.0.0.1", false, true, true},
		{"169.254.170.2", false, false, true},
		{"168.63.129.16", false, false, true},
		{"100.100.100.200", false, false, true},
		{"fd00:ec2::254", false, false, true},
		{"fe80::a9fe:a9fe%lo", false, false, true},
	} {
		ip := netip.MustParseAddr(tc.address)
		plain := ip.Unmap().WithZone("")
		for _, g := range []struct {
			name  string
			guard Guard
			want  bool
		}{
			{"by default", Guard{}, tc.byDefault},
			{"with private ones allowed", Guard{AllowPrivate: true}, tc.withPrivate},
			{"named", Guard{Allow: []netip.Prefix{netip.PrefixFrom(plain, plain.BitLen())}}, tc.inList},
			{"another named", Guard{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}, tc.byDefault},
		} {
			err := g.guard.Check(ip)
			if (err == nil) != g.want {
				t.Errorf("%s %s: got %v, want it allowed: %t", tc.address, g.name, err, g.want)
			}
			if err == nil {
				continue
			}
			if reason, _ := reasonOf(err); reason != ReasonForbidden {
				t.Errorf("%s %s: got reason %q, want %q", tc.address, g.name, reason, ReasonForbidden)
			}
		}
	}
	if err := (Guard{AllowPrivate: true}).Check(netip.Addr{}); err == nil {
		t.Error("got no error for no address, want one")
	}
}

func TestAForbiddenAddressIsNeverDialled(t *testing.T) {
	t.Parallel()
	_, err := Options{}.dial(t.Context(), "tcp", "127.0.0.1:1")
	var known *fault
	if !errors.As(err, &known) || known.reason != ReasonForbidden {
		t.Errorf("got %v, want it forbidden", err)
	}
	_, err = Options{}.dial(t.Context(), "udp", "[::1]:1")
	if reason, _ := reasonOf(err); reason != ReasonForbidden {
		t.Errorf("got %v, want it forbidden", err)
	}
}
