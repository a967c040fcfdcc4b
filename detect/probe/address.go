package probe

import (
	"context"
	"errors"
	"hash/fnv"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// Options are what checkers share: the way out and what is allowed on it.
type Options struct {
	Guard    Guard
	Resolver *net.Resolver // nil: the system's
	Source   string        // the local address to ask from; "": the system chooses
	Pinger   *Pinger       // shared by ICMP checks; nil: a socket for each check
}

// Words of preferred_ip_protocol. Without a word it is ip6, as in
// blackbox-exporter.
const (
	IP4 = "ip4"
	IP6 = "ip6"
)

// resolve finds the address to ask for host, and how long finding it took. Of
// several it takes the first of the preferred family ("ip4", "ip6"; "" is
// "ip6"), with fallback otherwise the first of the other. A host that is an
// address is its own answer. The guard has agreed to what is returned.
func (o Options) resolve(ctx context.Context, host, preferred string, fallback bool) (netip.Addr, time.Duration, error) {
	start := time.Now()
	found, err := o.lookup(ctx, host, preferred, fallback)
	took := time.Since(start)
	if err != nil {
		return netip.Addr{}, took, err
	}
	chosen := choose(found, preferred)
	if !chosen.IsValid() || !fallback && chosen.Is4() != (preferred == IP4) {
		return netip.Addr{}, took, &fault{ReasonResolve, host + " has no address of the wanted kind (" + family(preferred) + ")"}
	}
	return chosen, took, o.Guard.Check(chosen)
}

func (o Options) lookup(ctx context.Context, host, preferred string, fallback bool) ([]netip.Addr, error) {
	if host == "" {
		return nil, &fault{ReasonTarget, "the target names no host"}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	network := "ip"
	if !fallback {
		network = family(preferred)
	}
	found, err := o.resolver().LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, unresolved(ctx, host, err)
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, nil
}

func (o Options) resolver() *net.Resolver {
	if o.Resolver != nil {
		return o.Resolver
	}
	return net.DefaultResolver
}

// choose is the first address of the preferred family, else the first of all.
func choose(found []netip.Addr, preferred string) netip.Addr {
	for _, ip := range found {
		if ip.Is4() == (preferred == IP4) {
			return ip
		}
	}
	if len(found) == 0 {
		return netip.Addr{}
	}
	return found[0]
}

func family(preferred string) string {
	if preferred == IP4 {
		return IP4
	}
	return IP6
}

// unresolved says in a sentence why host has no address.
func unresolved(ctx context.Context, host string, err error) error {
	why := err.Error()
	var d *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.As(err, &d) && outOf(d.Err) != "":
		return &fault{ReasonPermission, outOf(d.Err)}
	case errors.As(err, &d) && d.IsNotFound:
		why = "the name is not known"
	case errors.As(err, &d) && d.IsTimeout, ctx.Err() != nil:
		why = "no name server answered in time"
	case errors.As(err, &d):
		why = d.Err
	}
	return &fault{ReasonResolve, "no address for " + host + ": " + why}
}

// dial connects to address, which is host:port, from the source of the options.
// The guard is asked about the address that the socket is about to use.
func (o Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Resolver:  o.Resolver,
		KeepAlive: -1, // a connection lives as long as a check, or is used again within an interval
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return &fault{ReasonForbidden, "there is no address"}
			}
			return o.Guard.Check(to.Addr())
		},
	}
	if o.Source != "" {
		from, err := o.source()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(network, "udp") {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		} else {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		}
	}
	return dialer.DialContext(ctx, network, address)
}

// source is the local address to ask from; the zero Addr where the system chooses.
func (o Options) source() (netip.Addr, error) {
	if o.Source == "" {
		return netip.Addr{}, nil
	}
	from, err := netip.ParseAddr(o.Source)
	if err != nil {
		return netip.Addr{}, &fault{ReasonTarget, "source_ip_address is not an IP address"}
	}
	return from.Unmap(), nil
}

// from returns the options with another local address, if one is named.
func (o Options) from(source string) Options {
	if source != "" {
		o.Source = source
	}
	return o
}

// addressSamples are the three that blackbox-exporter gives for the address of
// every target. An address that wasn't found is 0.
func addressSamples(ip netip.Addr, lookup time.Duration) []Sample {
	var protocol, hash float64
	if ip.IsValid() {
		h := fnv.New32a()
		_, _ = h.Write(ip.AsSlice()) // a hash takes everything
		hash, protocol = float64(h.Sum32()), 6
		if ip.Is4() {
			protocol = 4
		}
	}
	return []Sample{
		{Name: "probe_dns_lookup_time_seconds", Help: "Returns the time taken for probe dns lookup in seconds", Value: lookup.Seconds()},
		{Name: "probe_ip_addr_hash", Help: "Specifies the hash of IP address. It's useful to detect if the IP address changes.", Value: hash},
		{Name: "probe_ip_protocol", Help: "Specifies whether probe ip protocol is IP4 or IP6", Value: protocol},
	}
}

// validateAddress says what is wrong with the words that all kinds have.
func validateAddress(preferred, source string) error {
	if preferred != "" && preferred != IP4 && preferred != IP6 {
		return errors.New("preferred_ip_protocol: ip4 or ip6")
	}
	if _, err := (Options{Source: source}).source(); err != nil {
		return err
	}
	return nil
}
