// Package yamltoken reads YAML for everything that needs its places: it mends what
// the library's scanner makes of a text before it is parsed, and refuses what would
// take the parser too long.
package yamltoken

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// Rejoin undoes what the library's scanner does inside { }: it takes every colon
// for the end of a key. By YAML's rules one without a space behind it is part of
// the text, as in weekdays 09:00-18:00 and env:NAME.
func Rejoin(tokens token.Tokens) token.Tokens {
	var out token.Tokens
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if t.Type == token.MappingValueType && len(out) > 0 && i+1 < len(tokens) {
			before, after := out[len(out)-1], tokens[i+1]
			if plain(before) && plain(after) && touch(before, t) && touch(t, after) {
				joined := token.String(before.Value+":"+after.Value, before.Origin+t.Origin+after.Origin, before.Position)
				out = out[:len(out)-1]
				out.Add(joined)
				i++
				continue
			}
		}
		out.Add(t)
	}
	return out
}

// plain reports whether t is a scalar without quotes.
func plain(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType, token.NullType,
		token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType, token.InfinityType, token.NanType:
		return t.Position != nil
	}
	return false
}

// touch reports whether b begins where a ends.
func touch(a, b *token.Token) bool {
	return b.Position != nil && a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}
