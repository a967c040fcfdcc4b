package oncall

import "strings"

// ShownTarget is the target as labels, chat and pages show it: without what may
// be secret in it. Values of a query are as often a token as not.
func (m *Monitor) ShownTarget() string {
	target, _, _ := strings.Cut(m.Target, "#")
	path, query, asked := strings.Cut(WithoutUser(target), "?")
	if !asked || query == "" {
		return path
	}
	return path + "?" + shownQuery(query)
}

func shownQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, has := strings.Cut(pair, "=")
		if pairs[i] = key + "=…"; !has {
			pairs[i] = "…" // without a key, it is all value
		}
	}
	return strings.Join(pairs, "&")
}

// ShownWritten is Written for those who may look and not change anything.
func (m *Monitor) ShownWritten() string {
	_, query, _ := strings.Cut(m.Target, "?")
	if query, _, _ = strings.Cut(query, "#"); query == "" {
		return m.Written
	}
	return strings.ReplaceAll(m.Written, "?"+query, "?"+shownQuery(query))
}

// HasUser reports whether a URL names a user, mostly with a password. One without
// a scheme counts, too: it is asked by http.
func HasUser(url string) bool {
	_, _, has := cutUser(url)
	return has
}

// WithoutUser is a URL without the user and the password in it.
func WithoutUser(url string) string {
	scheme, rest, _ := cutUser(url)
	return scheme + rest
}

// cutUser takes the user out of a URL: what is before and after it.
func cutUser(url string) (scheme, rest string, has bool) {
	rest = url
	if before, after, ok := strings.Cut(url, "://"); ok && !strings.ContainsAny(before, "/?#@") {
		scheme, rest = before+"://", after
	}
	end := strings.IndexAny(rest, "/?#\\")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	return scheme, rest[at+1:], at >= 0
}
