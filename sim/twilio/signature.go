package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Sign returns the X-Twilio-Signature of a request to target: the address
// exactly as it is requested, without its fragment. form is the body of a form
// POST and nil otherwise.
func Sign(token, target string, form url.Values) string {
	var b strings.Builder
	b.WriteString(target)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		b.WriteString(name)
		b.WriteString(form.Get(name))
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withPort adds the port that the scheme implies: the real back end signs
// sometimes with it and sometimes without.
func withPort(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Port() != "" {
		return target
	}
	port := ":80"
	if u.Scheme == "https" {
		port = ":443"
	}
	u.Host += port
	return u.String()
}
