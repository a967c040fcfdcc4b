package view

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens")

func htmlOf(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	tag = regexp.MustCompile(`(<[^<>]+>)`)
	// around is what the frame draws: it has goldens of its own.
	around   = regexp.MustCompile(`(?s)^.*<main[^>]*>|</main>.*$`)
	identity = regexp.MustCompile(`\sid="([^"]+)"`)
	target   = regexp.MustCompile(`\s(?:for|aria-describedby|aria-labelledby|popovertarget|aria-controls)="([^"]+)"`)
)

// lines puts each tag on a line of its own, so that a difference is readable.
func lines(html string) string {
	var b strings.Builder
	for line := range strings.Lines(tag.ReplaceAllString(around.ReplaceAllString(html, ""), "\n$1\n")) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// drawnAsItWas compares pages with those that were looked at, in a folder of
// testdata and in both languages.
func drawnAsItWas(t *testing.T, folder string, pages func(*testing.T, string) map[string]templ.Component) {
	t.Helper()
	for _, lang := range []string{"ja", "en"} {
		all := pages(t, lang)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			golden := filepath.Join("testdata", folder, name+"-"+lang+".html")
			got := lines(htmlOf(t, all[name]))
			if got == "" {
				t.Fatalf("%s: nothing is left of the page", name)
			}
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got, -update writes it):\n%s", name, diff)
			}
		}
	}
}

// idsOnce looks that each id of a page is there once and that nothing points
// nowhere.
func idsOnce(t *testing.T, name, html string) {
	t.Helper()
	ids := map[string]bool{}
	for _, m := range identity.FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("%s: the id %s is there twice", name, m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range target.FindAllStringSubmatch(html, -1) {
		for id := range strings.FieldsSeq(m[1]) {
			if !ids[id] {
				t.Errorf("%s: something points to %s, which is not there", name, id)
			}
		}
	}
}
