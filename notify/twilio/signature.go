package twilio

import (
	"crypto/hmac"
	"crypto/sha1" // the vendor's scheme
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/url"
	"slices"
	"strings"
)

// signed reports whether signature is that of a request to target, by any of
// the tokens. target is the address as the provider knows it, without a
// fragment. The port is tried with and without: the provider is not of one mind
// about it. A JSON body is not signed itself; its hash is, in the query.
func signed(target *url.URL, form url.Values, body []byte, signature string, tokens ...string) bool {
	if hash := target.Query().Get("bodySHA256"); hash != "" {
		sum := sha256.Sum256(body)
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(strings.ToLower(hash))) != 1 {
			return false
		}
		form = nil
	}
	var params strings.Builder
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		params.WriteString(name)
		params.WriteString(form.Get(name))
	}
	ok := 0
	for _, token := range tokens {
		if token == "" {
			continue
		}
		for _, address := range []string{withPort(target), withoutPort(target)} {
			mac := hmac.New(sha1.New, []byte(token))
			mac.Write([]byte(address))
			mac.Write([]byte(params.String()))
			want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
			ok |= subtle.ConstantTimeCompare([]byte(want), []byte(signature))
		}
	}
	return ok == 1
}

func withPort(u *url.URL) string {
	if u.Port() != "" {
		return u.String()
	}
	port := "80"
	if u.Scheme == "https" {
		port = "443"
	}
	with := *u
	with.Host = net.JoinHostPort(u.Hostname(), port)
	return with.String()
}

func withoutPort(u *url.URL) string {
	without := *u
	without.Host = u.Hostname()
	if strings.Contains(without.Host, ":") { // an IPv6 address keeps its brackets
		without.Host = "[" + without.Host + "]"
	}
	return without.String()
}
