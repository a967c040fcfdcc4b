package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// systemChecker looks the target up as programs on this machine do: with its
// hosts file, search list and name servers.
type systemChecker struct {
	DNSSettings
	options Options
}

// Check implements Checker.
func (c *systemChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	t := begin()
	answers, err := c.ask(ctx, t, target)
	if err == nil {
		err = c.judge(answers)
	}
	if err != nil {
		t.failed(err)
	}
	t.sample(durations("probe_dns_duration_seconds", "Duration of DNS request by phase", t.result.Phases, "resolve", "connect", "request")...)
	t.sample(dnsCounts(len(answers), 0, 0, answers != nil)...)
	text := strings.Join(answers, "\n")
	return t.end(ctx, &Evidence{Body: safeText([]byte(text), MaxBodySample), BodySize: int64(len(text))})
}

// ask returns the answers; none, but not nil, where the name is not known and
// that is what the module wants.
func (c *systemChecker) ask(ctx context.Context, t *trial, target string) ([]string, error) {
	name, _, err := hostPort(target, "")
	if err != nil {
		return nil, err
	}
	start := time.Now()
	answers, err := c.lookup(ctx, name)
	took := time.Since(start)
	t.phase("request", took)
	t.try("looked up ", name, " ", c.QueryType, " in ", brief(took), ": ", strconv.Itoa(len(answers)), " answers")
	if err == nil {
		return append([]string{}, answers...), nil
	}
	var d *net.DNSError
	switch {
	case !errors.As(err, &d):
		return nil, err
	case d.IsNotFound && slices.Contains(c.ValidRcodes, "NXDOMAIN"):
		return []string{}, nil
	case d.IsNotFound:
		return nil, &fault{ReasonAnswer, "the name is not known, or has no such record"}
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	case d.IsTimeout, ctx.Err() != nil:
		return nil, &fault{ReasonTimeout, "no name server answered in time"}
	}
	return nil, &fault{ReasonAnswer, "the system's resolver says: " + safeText([]byte(d.Err), 200)}
}

func (c *systemChecker) lookup(ctx context.Context, name string) (answers []string, err error) {
	r := c.options.resolver()
	switch kind := strings.ToUpper(c.QueryType); kind {
	case "CNAME":
		alias, err := r.LookupCNAME(ctx, name)
		return []string{alias}, err
	case "MX":
		list, err := r.LookupMX(ctx, name)
		for _, mx := range list {
			answers = append(answers, strconv.Itoa(int(mx.Pref))+" "+mx.Host)
		}
		return answers, err
	case "NS":
		list, err := r.LookupNS(ctx, name)
		for _, ns := range list {
			answers = append(answers, ns.Host)
		}
		return answers, err
	case "PTR":
		return r.LookupAddr(ctx, name)
	case "TXT":
		return r.LookupTXT(ctx, name)
	default:
		network := map[string]string{"A": "ip4", "AAAA": "ip6", "": "ip"}[kind]
		var list []netip.Addr
		if list, err = r.LookupNetIP(ctx, network, name); err != nil {
			return nil, err
		}
		for _, ip := range list {
			answers = append(answers, ip.Unmap().String())
		}
		return answers, nil
	}
}

func (c *systemChecker) judge(answers []string) error {
	if len(c.ValidRcodes) > 0 && !slices.Contains(c.ValidRcodes, "NOERROR") && len(answers) > 0 {
		return &fault{ReasonAnswer, "the name is known; wanted " + strings.Join(c.ValidRcodes, " or ")}
	}
	if len(c.Expect) == 0 {
		return nil
	}
	return expected(c.Expect, answers)
}
