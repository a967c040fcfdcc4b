package access_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"toban/access"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ typed, want string }{
		{"ume", "ume"},
		{"Ume", "ume"},
		{" ume\n", "ume"},
		{"ｕｍｅ", "ume"},
		{"梅", "梅"},
		{"か\u3099", "が"}, // two runes become one
		{"ﾏﾂ", "マツ"},
		{"a.b_c-1", "a.b_c-1"},
		{"1", "1"},
		{strings.Repeat("a", 63), strings.Repeat("a", 63)},
		{strings.Repeat("a", 64), ""},
		{strings.Repeat("a", 1<<20), ""},
		{"", ""},
		{" ", ""},
		{".a", ""},
		{"-a", ""},
		{"a b", ""},
		{"a/b", ""},
		{"token/x", ""},
		{"a\x00", ""},
		{"\xff", ""},
		{"a@example.jp", ""},
		{"<b>", ""},
		{"㈱", ""},
	} {
		got, err := access.Name(tc.typed)
		code := ""
		if tc.want == "" {
			code = "access.name"
		}
		fails(t, tc.typed, err, code)
		if got != tc.want {
			t.Errorf("Name(%q) = %q, want %q", tc.typed, got, tc.want)
		}
	}
}

func FuzzANameIsItsOwnName(f *testing.F) {
	for _, s := range []string{"ume", "ＵＭＥ", "İstanbul", "ﬃ", "\u0345", "Ǆ", "か\u3099", "a.", "ß", "ΑΣ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := access.Name(typed)
		if err != nil {
			return
		}
		if again, err := access.Name(name); again != name || err != nil {
			t.Errorf("Name(%q) = %q, but Name of that = %q, %v", typed, name, again, err)
		}
		if n := utf8.RuneCountInString(name); n < 1 || n > 63 || !utf8.ValidString(name) || strings.ContainsAny(name, "/ <>&\"'\x00") {
			t.Errorf("Name(%q) = %q", typed, name)
		}
	})
}
