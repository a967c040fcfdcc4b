package twilio

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// overrides are the connection settings that a callback's address carries in
// its fragment, as in …/status#rc=3&rp=all&ct=2000. The fragment is neither
// requested nor signed.
type overrides struct {
	connect, read, total time.Duration
	retries              int
	policy               []string // failures that are tried again
}

// Kinds of failure in a retry policy.
const (
	failedConnect = "ct"
	failedRead    = "rt"
	failed4xx     = "4xx"
	failed5xx     = "5xx"
	failedAll     = "all"
)

// splitOverrides returns the address to ask and how. A bad setting is a failure
// of the callback, with the vendor's code.
func splitOverrides(target string) (address string, o overrides, bad *Note) {
	o = overrides{
		connect: 5 * time.Second, read: 15 * time.Second, total: 15 * time.Second,
		retries: 1, policy: []string{failedConnect},
	}
	address, fragment, _ := strings.Cut(target, "#")
	settings, err := url.ParseQuery(fragment)
	if err != nil {
		return address, o, &Note{Code: 11100, Text: "the fragment of the URL can't be read"}
	}
	for _, n := range []struct {
		name     string
		min, max int
		set      func(int)
	}{
		{"ct", 100, 10000, func(ms int) { o.connect = time.Duration(ms) * time.Millisecond }},
		{"rt", 100, 15000, func(ms int) { o.read = time.Duration(ms) * time.Millisecond }},
		{"tt", 100, 15000, func(ms int) { o.total = time.Duration(ms) * time.Millisecond }},
		{"rc", 0, 5, func(count int) { o.retries = count }},
	} {
		if text := settings.Get(n.name); text != "" {
			value, err := strconv.Atoi(text)
			if err != nil || value < n.min || value > n.max {
				return address, o, &Note{Code: 11100, Text: "the connection override " + n.name + " is out of range"}
			}
			n.set(value)
		}
	}
	if text := settings.Get("rp"); text != "" {
		o.policy = strings.Split(text, ",")
		for _, p := range o.policy {
			if !slices.Contains([]string{failedConnect, failedRead, failed4xx, failed5xx, failedAll}, p) {
				return address, o, &Note{Code: 11243, Text: "HTTP retry policy is invalid"}
			}
		}
	}
	return address, o, nil
}

// again says whether such a failure is tried again.
func (o overrides) again(failure string) bool {
	return slices.Contains(o.policy, failure) || slices.Contains(o.policy, failedAll)
}
