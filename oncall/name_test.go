package oncall

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestANameHasLettersAndDigitsOfAnyScript(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]{0,62}$`)
	same := func(text string) bool { return IsName(text) == shape.MatchString(text) }
	for _, text := range []string{
		"", "a", "松", "かが", "が", "1", ".a", "a.b_c-d", "a b", "a\n", "\xff", "a\xff", "�", "Ⅷ", "é",
		strings.Repeat("あ", 63), strings.Repeat("あ", 64), "-", "a/b", "゙か",
	} {
		if !same(text) {
			t.Errorf("%q: got %v", text, IsName(text))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if text := rapid.String().Draw(t, "text"); !same(text) {
			t.Fatalf("%q: got %v", text, IsName(text))
		}
	})
}
