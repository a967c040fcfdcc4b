package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	masked      = "‹secret›"
	maxDocument = 16 << 10 // bytes
)

var phoneShape = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// document is v as the audit log keeps it; nil for nil.
func document(v any) (json.RawMessage, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, nil
	}
	out, err := encode(mask(tree)) // maps have sorted keys
	if err != nil || len(out) <= maxDocument {
		return out, err
	}
	sum := sha256.Sum256(out)
	return encode(map[string]any{"bytes": len(out), "sha256": hex.EncodeToString(sum[:])})
}

// encode writes v as people will read it: without escapes for HTML, which is the
// pages' affair.
func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// mask hides what must not be read by everybody who may read the log.
func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, each := range v {
			if secret(name) {
				v[name] = hide(each)
			} else {
				v[name] = mask(each)
			}
		}
	case []any:
		for i, each := range v {
			v[i] = mask(each)
		}
	case string:
		if phoneShape.MatchString(v) {
			return v[:3] + " •••• " + v[len(v)-2:]
		}
	}
	return v
}

// hide hides every word and number in v. A reference to a secret is none, and
// whether there is one may be known.
func hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, each := range v {
			v[name] = hide(each)
		}
		return v
	case []any:
		for i, each := range v {
			v[i] = hide(each)
		}
		return v
	case string:
		if v == "" || strings.HasPrefix(v, "env:") || strings.HasPrefix(v, "file:") {
			return v
		}
		return masked
	case json.Number:
		return masked
	}
	return v
}

// secret reports whether a member of that name holds one: its last word says so,
// as in routing_key, botToken, client-secrets.
func secret(name string) bool {
	end := strings.TrimRightFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	start := strings.LastIndexFunc(end, func(r rune) bool { return !unicode.IsLetter(r) }) + 1
	word := end[start:]
	for i := len(word) - 1; i > 0; i-- { // botToken → Token, but not TOKEN → N
		if unicode.IsUpper(rune(word[i])) && unicode.IsLower(rune(word[i-1])) {
			word = word[i:]
			break
		}
	}
	word = strings.TrimSuffix(strings.ToLower(word), "s")
	return slices.Contains([]string{
		"token", "password", "passwd", "secret", "key", "apikey", "passphrase", "pin", "credential", "authorization", "auth", "cookie", "p256dh", "dh",
	}, word)
}
