package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxName = 80

// badName says what is wrong with the name of a channel; empty when nothing is.
// Letters of scripts without upper case are allowed, as Japanese.
func badName(name string) string {
	switch {
	case name == "":
		return "invalid_name_required"
	case !utf8.ValidString(name):
		return "invalid_name"
	case utf8.RuneCountInString(name) > maxName:
		return "invalid_name_maxlength"
	}
	for _, r := range name {
		switch {
		case r == '-', r == '_', r == 'ー', r == '々':
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			return "invalid_name_specials"
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r):
		default:
			return "invalid_name_specials"
		}
	}
	if strings.Trim(name, "-_") == "" {
		return "invalid_name_punctuation"
	}
	return ""
}

// nameTaken asks archived channels as well: their names stay theirs.
func (s *Server) nameTaken(name string, but *channel) bool {
	for _, c := range s.channels {
		if c != but && !c.Direct && c.Name == name {
			return true
		}
	}
	for _, g := range s.groups { // channels, users and groups share their names
		if g.Handle == name {
			return true
		}
	}
	return false
}
