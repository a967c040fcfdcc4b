package promcheck_test

import (
	"io"
	"slices"
	"testing"

	"toban/internal/promcheck"
)

func TestAnAnswerIsReadOrItIsNone(t *testing.T) {
	t.Parallel()
	asked, err := io.ReadAll(promcheck.Input([]string{"up == 0", `a{b="c"}`}))
	if err != nil || string(asked) != `["up == 0","a{b=\"c\"}"]` {
		t.Errorf("got %s %v", asked, err)
	}
	for _, tc := range []struct {
		answer string
		code   int
		want   []promcheck.Fault
		ok     bool
	}{
		{"", 0, nil, true},
		{"1:2:3: unexpected: x\n  to paste\n", 1, []promcheck.Fault{{Index: 1, Line: 2, Column: 3, Message: "unexpected: x"}}, true},
		{"", 1, nil, false},
		{"9:1:1: another\n", 1, nil, false},
		{"", 2, nil, false},
	} {
		got, err := promcheck.Read([]byte(tc.answer), tc.code, 2)
		if !slices.Equal(got, tc.want) || (err == nil) != tc.ok {
			t.Errorf("%q %d: got %v %v, want %v", tc.answer, tc.code, got, err, tc.want)
		}
	}
}
