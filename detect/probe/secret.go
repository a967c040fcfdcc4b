package probe

import (
	"encoding/base64"
	"log/slog"
	"net/url"
	"strings"
)

// Secret is a text that is never shown: not by fmt, not by slog, not in JSON.
type Secret string

const hidden = "‹secret›"

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// redactor takes the secrets of a module out of what is shown: a target may send
// back what it was sent.
type redactor struct{ replace *strings.Replacer }

// newRedactor hides secrets and what is made of them for headers and URLs. One
// of a few letters would tear holes into every text, and is left.
func newRedactor(secrets []string) redactor {
	const least = 4
	var pairs []string
	for _, s := range secrets {
		for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)), url.QueryEscape(s)} {
			if len(form) >= least {
				pairs = append(pairs, form, hidden)
			}
		}
	}
	if pairs == nil {
		return redactor{}
	}
	return redactor{strings.NewReplacer(pairs...)}
}

func (r redactor) text(s string) string {
	if r.replace == nil {
		return s
	}
	return r.replace.Replace(s)
}

// showURL is u without what may be secret in it: user and password, and the
// values of its query.
func showURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if shown.Path == "" && shown.Host != "" {
		shown.Path = "/"
	}
	text := shown.String()
	if u.RawQuery == "" {
		return text
	}
	var keys []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		key, _, has := strings.Cut(pair, "=")
		if has {
			key += "=…"
		} else if len(keys) == 0 {
			key = "…" // a query without a key may be a token
		}
		keys = append(keys, key)
	}
	return text + "?" + strings.Join(keys, "&")
}
