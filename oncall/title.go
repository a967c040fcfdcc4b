package oncall

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Flatten returns text as one line, for a title: it goes into tables, topics
// and spoken sentences, and none of these may be broken or coloured by a
// sender. Line breaks and tabs, several as one, become a space; other control
// characters, the colour codes of terminals and what turns the direction of
// writing round are left out; bytes that are no text become U+FFFD.
func Flatten(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, unruly) < 0 {
		return strings.TrimSpace(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	last, broken := ' ', false
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == '\x1b':
			n = escapeLength(text)
		case breaks(r):
			broken = true
		case unruly(r):
		default:
			if broken && last != ' ' && r != ' ' {
				b.WriteByte(' ')
			}
			b.WriteRune(r)
			last, broken = r, false
		}
		text = text[n:]
	}
	return strings.TrimSpace(b.String())
}

// breaks reports whether r ends a line or jumps within one.
func breaks(r rune) bool {
	return '\t' <= r && r <= '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// unruly reports whether r has no place in one line of text.
func unruly(r rune) bool {
	return breaks(r) || unicode.IsControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// escapeLength is how long the terminal's sequence is with which text begins,
// such as ESC [ 3 1 m; one that does not end is its ESC alone.
func escapeLength(text string) int {
	if len(text) < 2 || text[1] != '[' {
		return 1
	}
	const longest = 32
	for i := 2; i < min(len(text), longest); i++ {
		switch c := text[i]; {
		case '@' <= c && c <= '~':
			return i + 1
		case c < ' ' || c > '?':
			return 1
		}
	}
	return 1
}
