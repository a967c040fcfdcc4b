package probe

import (
	"encoding/base64"
	"log/slog"
	"net/url"
	"slices"
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
type redactor struct {
	replace *strings.Replacer
	more    *strings.Replacer // of one check alone
}

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
	return redactor{replace: strings.NewReplacer(pairs...)}
}

// Secrets are texts that are not to be shown.
type Secrets struct{ in redactor }

// NewSecrets returns Secrets that hide those of at least four bytes, also as
// headers and URLs have them.
func NewSecrets(all []string) Secrets { return Secrets{newRedactor(all)} }

// Hide returns a text without the secrets.
func (s Secrets) Hide(text string) string { return s.in.text(text) }

// and hides some more, which one check has used.
func (r redactor) and(secrets []string) redactor {
	r.more = newRedactor(secrets).replace
	return r
}

func (r redactor) text(s string) string {
	if r.replace != nil {
		s = r.replace.Replace(s)
	}
	if r.more != nil {
		s = r.more.Replace(s)
	}
	return s
}

// holdsSecret reports whether there is a secret in a text.
func (s Source) holdsSecret(text string) bool {
	return slices.ContainsFunc(s.Secrets, func(secret string) bool { return secret != "" && strings.Contains(text, secret) })
}

// secretsOf are the parts of a target that log somebody in.
func secretsOf(target *url.URL) (all []string) {
	if target == nil {
		return nil
	}
	if password, ok := target.User.Password(); ok {
		all = append(all, password, target.User.Username()+":"+password) // as it is, and as the header has it
	}
	if target.RawQuery == "" {
		return all
	}
	for key, values := range target.Query() {
		if secretHeader(key) {
			all = append(all, values...)
		}
	}
	return all
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
