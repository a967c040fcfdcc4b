package view

import (
	"net/url"
	"strings"
)

// outward reports whether a text, as a whole, is an address that a browser may be
// sent to: whoever may send an alert has written it.
func outward(text string) bool {
	const longest = 2 << 10
	if len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}
