package oncall

import (
	"testing"
	"unicode/utf8"
)

func TestATitleIsOneLineOfText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"as it is", "決済が止まっています", "決済が止まっています"},
		{"its own spaces stay", "  disk  full　(90 %) ", "disk  full　(90 %)"},
		{"lines", "disk full\r\n\r\n\ton db-1\n", "disk full on db-1"},
		{"a space beside a break", "disk full \n on db-1", "disk full  on db-1"},
		{"breaks that are no ASCII", "a\u2028b\u2029c\u0085d\ve", "a b c d e"},
		{"colours", "\x1b[1;31mFAIL\x1b[0m backup", "FAIL backup"},
		{"an escape that does not end", "\x1b[1;31", "[1;31"},
		{"an escape of another kind", "\x1b]0;title\x07x", "]0;titlex"},
		{"an escape alone", "x\x1b", "x"},
		{"control characters", "a\x00b\x7fc\u009bd", "abcd"},
		{"direction turned round", "pay\u202egnp\u202c \u2066x\u2069", "paygnp x"},
		{"joined signs stay whole", "👩‍👩‍👧\nx", "👩‍👩‍👧 x"},
		{"nothing of it is text", "\n\t\x1b[0m \x07", ""},
		{"bytes that are none", "a\xffb", "a\ufffdb"},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Flatten(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add("\x1b[1;31mFAIL\x1b[0m\nbackup\u2028\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Flatten(text)
		if !utf8.ValidString(got) {
			t.Errorf("got %q, want text", got)
		}
		for _, r := range got {
			if unruly(r) {
				t.Errorf("got %q with %q", got, r)
			}
		}
		if again := Flatten(got); again != got {
			t.Errorf("got %q, then %q, want the same", got, again)
		}
	})
}
