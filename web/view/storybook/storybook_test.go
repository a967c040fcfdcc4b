package storybook

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens")

func zones(t *testing.T) Zones {
	t.Helper()
	load := func(name string) *time.Location {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}
	return Zones{Tokyo: load("Asia/Tokyo"), NewYork: load("America/New_York")}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var tags = regexp.MustCompile(`(<[^<>]+>)`)

// normal puts each tag on a line of its own, so that a difference is readable.
func normal(html string) string {
	var b strings.Builder
	for line := range strings.Lines(tags.ReplaceAllString(html, "\n$1\n")) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func TestEveryComponentIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"ja", "en"} {
		for name, page := range map[string]string{
			"page-" + lang:   render(t, Page(Shell(lang, "", zones(t)), zones(t))),
			"signed-" + lang: render(t, Signed(Shell(lang, "dark", zones(t)))),
		} {
			golden := filepath.Join("testdata", name+".html")
			got := normal(page)
			if *update {
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

func TestNothingInAPageIsInlineOrFromElsewhere(t *testing.T) {
	t.Parallel()
	s := Shell("en", "", zones(t))
	for _, page := range []string{render(t, Page(s, zones(t))), render(t, Signed(s))} {
		for _, bad := range []string{"<style", " style=", "javascript:", "http://", "https://", `="//`} {
			if strings.Contains(page, bad) {
				t.Errorf("the page holds %q", bad)
			}
		}
		for _, tag := range regexp.MustCompile(`<script[^>]*>[^<]*`).FindAllString(page, -1) {
			if !strings.Contains(tag, " src=") || !strings.HasSuffix(tag, ">") {
				t.Errorf("inline script: %s", tag)
			}
		}
		if on := regexp.MustCompile(`<[^>]* on[a-z]+=`).FindString(page); on != "" {
			t.Errorf("inline handler: %s", on)
		}
	}
}

func TestEveryIDIsThereOnce(t *testing.T) {
	t.Parallel()
	page := render(t, Page(Shell("ja", "", zones(t)), zones(t)))
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			t.Errorf("id %q is there twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby|popovertarget|aria-controls)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		for id := range strings.FieldsSeq(m[1]) {
			if !seen[id] {
				t.Errorf("%s names an id that is not there", m[0])
			}
		}
	}
}

func TestBelowAProxyEveryAddressHasThePrefix(t *testing.T) {
	t.Parallel()
	s := Shell("en", "", zones(t))
	s.Base, s.Static = "/x", "/x/static/test"
	page := render(t, Page(s, zones(t)))
	for _, m := range regexp.MustCompile(` (?:href|src|action|data-live)="([^"#]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "/x/") {
			t.Errorf("%s leaves the prefix out", m[0])
		}
	}
}
