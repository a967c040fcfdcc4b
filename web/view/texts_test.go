package view

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"toban/i18n"
	"toban/oncall"
)

var (
	said   = regexp.MustCompile(`\b(?:T|Say)\("([a-z0-9_.]+)"(\s*\+)?`)
	opened = regexp.MustCompile(`[a-z]`)
)

func TestEveryTextThatAPageSaysExistsInEveryLanguage(t *testing.T) {
	t.Parallel()
	has := func(key string) {
		for _, language := range i18n.Languages() {
			if !i18n.In(language).Has(key) {
				t.Errorf("%s: no text %q", language, key)
			}
		}
	}
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		if ext := filepath.Ext(name); ext != ".templ" && ext != ".go" {
			return nil
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range said.FindAllStringSubmatch(string(body), -1) {
			if m[2] == "" && opened.MatchString(m[1]) { // else the rest comes from data
				has(m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range scripted {
		has("js." + key)
	}
	for _, key := range keys() {
		has(key.text)
	}
	for _, e := range append(Shell{}.nav(), Shell{}.tabs()...) {
		has("nav." + e.ID)
	}
	for _, role := range []string{"viewer", "responder", "manager", "admin"} {
		has("role." + role)
	}
	for _, urgency := range []oncall.Urgency{oncall.High, oncall.Low} {
		has("chip.urgency." + string(urgency))
	}
}

func TestSignsAreKnownAndWhatIsNotIsADot(t *testing.T) {
	t.Parallel()
	for _, e := range append(Shell{}.nav(), Shell{}.tabs()...) {
		if class(e.Icon) == "dot" {
			t.Errorf("%s: no sign %s", e.ID, e.Icon)
		}
	}
	for _, kind := range []string{"call", "sms", "chat", "email", "push", "level", "wait", "repeat", "fallback", "taken", "missed", "done"} {
		if got := class(StairStep{Kind: kind}.icon()); got == "dot" {
			t.Errorf("a step of kind %s has no sign", kind)
		}
	}
	var b strings.Builder
	if err := Icon(`"><script>`).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `class="icon icon-dot"`) {
		t.Errorf("got %s, want a dot", b.String())
	}
}

func TestPathsKeepWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	s := Shell{Base: "/x"}
	for path, want := range map[string]string{"/": "/x/", "/a?b=c": "/x/a?b=c", "https://example.jp/": "https://example.jp/", "//example.jp": "//example.jp", "#a": "#a"} {
		if got := s.URL(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got, want := With("/a?b=1&after=2", "after", "3 4"), "/a?after=3+4&b=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
