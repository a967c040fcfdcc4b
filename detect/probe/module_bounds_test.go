package probe

import (
	"strings"
	"testing"
)

func TestConditionsOfOneModuleAreBoundedTogether(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key, each, want string
		many            int
	}{
		"expressions": {"fail_if_body_matches_regexp", `a{900}`, "steps together", 120},
		"copies":      {"json", `[.,.,.,.,.,.,.,.] | length > 0`, "all conditions together make more than 256 copies", 90},
		"number":      {"json", `.a`, "more than 100 conditions", 120},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := func(n int) []byte {
				return []byte("prober: http\nhttp:\n  " + tc.key + ":\n" + strings.Repeat("    - '"+tc.each+"'\n", n))
			}
			if m, problems := (Source{}).LoadModule("few", text(10)); m == nil {
				t.Errorf("ten: got %v", problems)
			}
			m, problems := Source{}.LoadModule("many", text(tc.many))
			if m != nil || len(problems) == 0 || !strings.Contains(problems[0].Message, tc.want) {
				t.Errorf("many: got %v, want %q", problems, tc.want)
			}
		})
	}
}

func TestWhatCouldBeReadOfAModuleIsJudged(t *testing.T) {
	t.Parallel()
	_, problems := Source{}.LoadModule("m", []byte(`prober: http
http:
  metod: GET
  method: CONNECT
  fail_if_header_matches: [ { header: A, regexp: "(" } ]
`))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`3:3: unknown key "metod"; did you mean method?`,
		"4:3: method: CONNECT asks a proxy, no target; proxy_url goes through one",
		"5:50: this is no regular expression: missing closing ): `(`",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
