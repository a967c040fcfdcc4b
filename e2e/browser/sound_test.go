package browser_test

import (
	_ "embed"
	"strings"
)

// sound.js looks at a page as somebody does who can't see it, or has a small
// screen: see there what it reports.
//
//go:embed testdata/sound.js
var soundJS string

// sound fails the test for whatever is wrong with the page as it is now.
func (b *tab) sound() {
	b.t.Helper()
	for _, problem := range eval[[]string](b, soundJS) {
		b.t.Errorf("%s (%s, %s): %s", strings.TrimPrefix(eval[string](b, `location.pathname + location.search`), b.base), b.lang, b.size.name, problem)
	}
}
