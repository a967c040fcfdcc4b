package probe

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"toban/internal/network"
)

// What a proxy is asked for, no socket of ours ever sees: the guard that looks
// at every address that is dialled looks at the proxy's alone. So each host that
// is handed to a proxy, by the target, by a redirect or by a Host header, is
// looked at here before.

// CheckHost returns nil when a host may be asked as far as its writing tells: an
// address is judged as Check does, and so are the names that mean this machine or
// the metadata service of a cloud wherever they are looked up. Of any other name
// the address decides, once it is known. Addresses of documentation pass: nobody
// has them, and an example is no mistake before it is asked.
func (g Guard) CheckHost(host string) error {
	name := plainHost(host)
	if ip, err := netip.ParseAddr(name); err == nil {
		if network.In(ip, documentation) {
			return nil
		}
		return g.Check(ip)
	}
	switch {
	case slices.Contains(metadataNames, name):
		return g.checkMetadata(name)
	case inDomain(name, []string{"localhost"}):
		if g.AllowPrivate || network.In(netip.AddrFrom4([4]byte{127, 0, 0, 1}), g.Allow) {
			return nil
		}
		return &fault{ReasonForbidden, name + " is this machine, which may not be asked unless it is allowed"}
	}
	return nil
}

func (g Guard) checkMetadata(name string) error {
	if network.In(netip.AddrFrom4([4]byte{169, 254, 169, 254}), g.Allow) {
		return nil
	}
	return &fault{ReasonForbidden, name + " is the metadata service of a cloud, which may not be asked unless it is allowed"}
}

// throughProxy looks at a host that a proxy is asked for, and returns the address
// that it has here. With named the proxy alone looks names up: a name then gives
// the zero Addr, and one of a private network needs the same leave as an address
// of one.
func (o Options) throughProxy(ctx context.Context, host, preferred string, fallback, named bool) (netip.Addr, time.Duration, error) {
	name := plainHost(host)
	if err := o.Guard.CheckHost(name); err != nil {
		return netip.Addr{}, 0, err
	}
	if !named || isAddress(name) {
		return o.resolve(ctx, name, preferred, fallback)
	}
	shown := safeText([]byte(name), 100)
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case last == "" || '0' <= last[0] && last[0] <= '9':
		return netip.Addr{}, 0, &fault{ReasonForbidden, shown + " may be an address in another writing, which no proxy is asked for"}
	case slices.Contains(shortMetadataNames, name):
		return netip.Addr{}, 0, o.Guard.checkMetadata(name)
	case !o.Guard.AllowPrivate && (last == name || inDomain(name, privateNames)):
		return netip.Addr{}, 0, &fault{ReasonForbidden, shown + " is a name of a private network, which may not be asked unless it is allowed"}
	}
	return netip.Addr{}, 0, nil
}

// metadataNames are the names of metadata services, and shortMetadataNames those
// that only mean one within a cloud: where a proxy may stand.
var (
	metadataNames      = []string{"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "metadata.tencentyun.com"}
	shortMetadataNames = []string{"metadata", "instance-data"}
)

// documentation are the networks of examples.
var documentation = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
}

// privateNames are the domains that no name server of the internet knows.
var privateNames = []string{"local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"}

// plainHost is a host as it is compared: without brackets and last dot, in small
// letters, other alphabets and wide digits as DNS has them.
func plainHost(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ascii, err := asciiName(host); err == nil {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// inDomain reports whether a name is one of domains or below one.
func inDomain(name string, domains []string) bool {
	for _, d := range domains {
		if name == d || strings.HasSuffix(name, "."+d) {
			return true
		}
	}
	return false
}
