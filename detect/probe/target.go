package probe

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxTarget is the longest target that is looked at, in bytes.
const maxTarget = 2 << 10

// longest is how long a check may take whose caller has set no deadline.
const longest = 2 * time.Minute

// limited is ctx with a deadline in any case.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, longest)
}

// hostPort takes a target apart: "host", "host:port", "[2001:db8::1]:port", an
// address of either family, or a URL, of which it takes host and port. Without
// a port it is standard, which may be "".
func hostPort(target, standard string) (host, port string, err error) {
	target = strings.TrimSpace(target)
	switch {
	case target == "":
		return "", "", &fault{ReasonTarget, "the target is empty"}
	case len(target) > maxTarget:
		return "", "", &fault{ReasonTarget, "the target is longer than " + strconv.Itoa(maxTarget) + " bytes"}
	}
	if scheme, _, ok := strings.Cut(target, "://"); ok && scheme != "" {
		u, err := url.Parse(target)
		if err != nil {
			return "", "", &fault{ReasonTarget, "the target is not a URL"} // its text may hold a password
		}
		target = u.Host
	}
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(target, "["), "]")); err == nil {
		return ip.String(), standard, nil
	}
	host, port, err = net.SplitHostPort(target)
	if err != nil {
		host, port = target, standard
	}
	if host, err = asciiName(host); err != nil {
		return "", "", err
	}
	if host == "" || strings.ContainsAny(host, " /[]@?#\t\r\n\x00") || strings.Contains(host, ":") && !isAddress(host) {
		return "", "", &fault{ReasonTarget, "the target names no host that can be understood"}
	}
	if port == "" {
		port = standard
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return "", "", &fault{ReasonTarget, "the target's port is not a number from 1 to 65535"}
	}
	return host, port, nil
}

// asciiName is a domain name as DNS and TLS know it: 例え.example is
// xn--r8jz45g.example.
func asciiName(name string) (string, error) {
	for i := range len(name) {
		if name[i] < utf8.RuneSelf {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", &fault{ReasonTarget, "there can't be a host of that name"}
		}
		return ascii, nil
	}
	return name, nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
