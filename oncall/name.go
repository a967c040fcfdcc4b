package oncall

import (
	"strings"
	"unicode"
)

// MaxName is how many characters a name in the configuration may have.
const MaxName = 63

// IsName reports whether a text can be a name in the configuration: letters and
// digits of any script, and after the first of them marks, . _ and - too. A name
// becomes an id, part of URLs and of what people type.
func IsName(text string) bool {
	n := 0
	for _, r := range text {
		alone := unicode.In(r, unicode.L, unicode.N) // U+FFFD of what is no UTF-8 is neither
		if !alone && (n == 0 || !unicode.Is(unicode.M, r) && !strings.ContainsRune("._-", r)) {
			return false
		}
		n++
	}
	return n > 0 && n <= MaxName
}
