package cli

import (
	"bytes"
	"testing"
)

func TestATerminalIsToldNothingThatItObeys(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"決済 7 %\tab\n":             "決済 7 %\tab\n",
		"a\x1b[2Jb\x07\rc\x00\x7f": "a [2Jb  c  ",
		"a\u009b31mb\u00a0é":       "a 31mb\u00a0é",
		"":                         "",
		"\xc2":                     "\xc2",
	} {
		var out bytes.Buffer
		if n, err := (plain{&out}).Write([]byte(in)); n != len(in) || err != nil || out.String() != want {
			t.Errorf("%q: got %q, %d, %v, want %q", in, out.String(), n, err, want)
		}
	}
}

func TestATitleIsOneShortLine(t *testing.T) {
	t.Parallel()
	if got, want := line("a\nb\r\n\tc  d", 20), "a b c d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := line("決済のエラー率", 4), "決済の…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
