package saying

import (
	"regexp"
	"sync"

	"toban/detect/probe"
)

// sentence is one of a check whose values are worth having in every language: they
// are the groups of its form, by name.
type sentence struct {
	reason probe.Reason
	key    string // below monitor.why
	title  string // below monitor.alert; "" = that of the reason
	said   string // below monitor.said, where what the check said holds for that moment alone
	form   *regexp.Regexp
}

// ReasonRule is the reason of a rule that fires.
const ReasonRule probe.Reason = "true"

// sentences are what checks say with values in it.
var sentences = sync.OnceValue(func() []sentence {
	form := regexp.MustCompile
	return []sentence{
		{probe.ReasonStatus, "status", "code", "", form(`^the status is (?P<got>(?P<code>\d+)\b.*), wanted is (?P<want>.+)$`)},
		{probe.ReasonStatus, "status", "", "", form(`^the status is (?P<got>.+), wanted is (?P<want>.+)$`)},
		{probe.ReasonExpired, "soon", "soon", "soon", form(`^the certificate ends in (?P<days>-?\d+) days, at (?P<time>.+); wanted are (?P<want>\d+)$`)},
		{probe.ReasonExpired, "over", "over", "", form(`^the certificate's time was over at (?P<time>.+)$`)},
		{probe.ReasonExpired, "early", "early", "", form(`^the certificate is valid from (?P<time>.+)$`)},
		{probe.ReasonBody, "large", "", "", form(`^the body is larger than (?P<n>\d+) bytes$`)},
		{probe.ReasonResolve, "unknown", "", "", form(`^no address for (?P<host>[^ ]+): the name is not known$`)},
		{probe.ReasonResolve, "resolve", "", "", form(`^no address for (?P<host>[^ ]+): no name server answered in time$`)},
		{probe.ReasonTimeout, "silent", "", "", form(`^connected to (?P<address>[^ ]+), and no answer came in time$`)},
		{probe.ReasonTimeout, "handshake", "", "", form(`^connected to (?P<address>[^ ]+), and there was no agreement on TLS in time$`)},
		{probe.ReasonTimeout, "connect", "", "", form(`^no connection to (?P<address>[^ ]+) in time$`)},
		{probe.ReasonRefused, "refused", "", "", form(`^the connection was refused \((?P<address>[^ ]+)\)$`)},
		{ReasonRule, "rule", "", "", form(`: the value is (?P<value>[^ ]+)$`)},
	}
})

// Keys are those of the catalogue by which sentences with values are said, below
// monitor.
func Keys() (keys []string) {
	for _, one := range sentences() {
		keys = append(keys, "why."+one.key)
		if one.title != "" {
			keys = append(keys, "alert."+one.title)
		}
		if one.said != "" {
			keys = append(keys, "said."+one.said)
		}
	}
	return keys
}
