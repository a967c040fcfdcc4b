// Package expression reads the regular expressions that people write for toban to
// look with at what others send. A regular expression takes as many steps as it
// has instructions for each byte that it looks at, and nothing stops it: so what
// would take long is refused before it is used.
package expression

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Limits of one expression.
const (
	MaxText    = 4 << 10    // bytes of its text
	MaxProgram = 2000       // instructions
	MaxUnseen  = 20_000_000 // instructions times bytes that nothing looks at in between: less than a second
)

// Compile reads an expression, and refuses one that would take too long.
func Compile(text string) (*regexp.Regexp, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a regular expression of more than %d bytes", MaxText)
	}
	size, err := Size(text)
	if err != nil {
		return nil, errors.New("this is no regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if size > MaxProgram {
		return nil, fmt.Errorf("this regular expression takes too long: it has %d steps for each letter, at most %d; repeat less often, as in .* instead of .{0,900}", size, MaxProgram)
	}
	return regexp.Compile(text)
}

// Longest is how many bytes of a text an expression of Compile's may look at while
// nothing looks at it.
func Longest(text string) (int, error) {
	if _, err := Compile(text); err != nil {
		return 0, err
	}
	size, err := Size(text)
	return MaxUnseen / max(1, size), err
}

// Size is how many instructions an expression has.
func Size(text string) (int, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return MaxProgram + 1, nil
	}
	return len(program.Inst), nil
}
