package tree

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Name    string            `yaml:"name"`
	Wait    time.Duration     `yaml:"wait"`
	Many    []string          `yaml:"many"`
	On      bool              `yaml:"on"`
	Maybe   *bool             `yaml:"maybe"`
	Count   int               `yaml:"count"`
	Match   *regexp.Regexp    `yaml:"match"`
	Network netip.Prefix      `yaml:"network"`
	Inner   inner             `yaml:"inner"`
	Some    *inner            `yaml:"some"`
	Map     map[string]string `yaml:"map"`
	Raw     *Node             `yaml:"raw"`
	Shared  `yaml:",inline"`
	Hidden  string `yaml:"-"`
	Plain   string
}

type inner struct {
	A string `yaml:"a"`
	B int    `yaml:"b"`
}

// Shared has a key of the struct around it.
type Shared struct {
	Both string `yaml:"both"`
}

func TestAllKindsOfValuesAreRead(t *testing.T) {
	t.Parallel()
	text := `
name: "it: is"
wait: 1m30s
many: [a, HTTP/1.1, http://example.jp:80/x]
on: yes
maybe: Off
count: 0x10
match: "^a+$"
network: 10.0.0.0/8
inner: { a: x, b: 3 }
some:
  a: |
    two
    lines
map: { k: 1, l: true }
raw: [1]
both: in
plain: by its name
`
	root, problems := Parse([]byte(text))
	s := sample{Count: 5, Name: "before"}
	problems = append(problems, Decode(root, &s)...)
	if len(problems) > 0 {
		t.Fatalf("got %v, want no problems", problems)
	}
	off := false
	want := sample{
		Name: "it: is", Wait: 90 * time.Second, Many: []string{"a", "HTTP/1.1", "http://example.jp:80/x"}, On: true, Maybe: &off, Count: 16,
		Match: regexp.MustCompile("^a+$"), Network: netip.MustParsePrefix("10.0.0.0/8"), Inner: inner{"x", 3}, Some: &inner{A: "two\nlines\n"},
		Map: map[string]string{"k": "1", "l": "true"}, Shared: Shared{"in"}, Plain: "by its name",
	}
	if s.Raw == nil || len(s.Raw.List) != 1 {
		t.Errorf("got raw %+v, want the node", s.Raw)
	}
	s.Raw = nil
	if diff := cmp.Diff(want, s, cmp.Comparer(func(a, b *regexp.Regexp) bool { return a.String() == b.String() }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestAnchorsAliasesAndMergeKeysAreFollowed(t *testing.T) {
	t.Parallel()
	root, problems := Parse([]byte(`
base: &base { a: from base, b: 1 }
inner:
  <<: *base
  b: 2
some:
  <<: [{ a: first }, *base]
many: &list [x, y]
`))
	var s struct {
		sample `yaml:",inline"`
		Base   inner `yaml:"base"`
	}
	if problems = append(problems, Decode(root, &s)...); len(problems) > 0 {
		t.Fatalf("got %v", problems)
	}
	if want := (inner{"from base", 2}); s.Inner != want {
		t.Errorf("got %+v, want %+v", s.Inner, want)
	}
	if want := (inner{"first", 1}); *s.Some != want {
		t.Errorf("got %+v, want %+v", *s.Some, want)
	}
}

func TestProblemsNameTheirPlaceAndTheMend(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"nam: x", `1:1: unknown key "nam"; did you mean name?`},
		{"inner:\n  c: 1", `2:3: unknown key "c"; did you mean a?`},
		{"wait: soon", "1:7: wait: \"soon\" is no time; write it as in 5s, 1m30s or 14d"},
		{"wait: -5s", `1:7: wait: "-5s" is not a time from 0 on`},
		{"on: perhaps", `1:5: on is true or false, not "perhaps"`},
		{"on: 'true'", `1:5: on is true or false, not "true"`},
		{"count: many", `1:8: count is a whole number, not "many"`},
		{"name: [a]", "1:7: name has to be one value, not a list"},
		{"inner: text", "1:8: inner has to be keys with values, not one value"},
		{"match: '['", "1:8: match: error parsing regexp: missing closing ]: `[`"},
		{"name: a\nname: b", `2:1: "name" is there twice; first in line 1`},
		{"name: *nobody", "no anchor of that name"},
		{"name: !!python/object x", "is not used here"},
		{"a: b: c", "1:"},
		{"name: \"open", "1:"},
		{"name: a\n\xff: b", "2:1: this line is not UTF-8 text"},
		{"? a\n: b", "write a key as"},
		{"many: [a, ]\nmap: {k: }\nname:", ""},
		{"", ""},
		{"# nothing but words", ""},
	} {
		root, problems := Parse([]byte(tc.text))
		if root != nil && !Failed(problems) {
			var s sample
			problems = append(problems, Decode(root, &s)...)
		}
		got := ""
		if len(problems) > 0 {
			got = problems[0].String()
		}
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

func TestWhatWouldGrowWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		bomb.WriteString("a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*a"+string(rune('0'+i))+", ", 10), ", ") + "]\n")
	}
	for name, text := range map[string]string{
		"aliases": bomb.String(), "depth": strings.Repeat("[", 100) + strings.Repeat("]", 100), "dashes": strings.Repeat("- ", 100) + "a",
		"size": strings.Repeat("# long\n", 200_000), "itself": "a: &a [*a]",
	} {
		start := time.Now()
		if _, problems := Parse([]byte(text)); !Failed(problems) {
			t.Errorf("%s: got no error, want it refused", name)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestDurationsAreReadAsGoAndPrometheusWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"5s": 5 * time.Second, "1m30s": 90 * time.Second, "14d": 336 * time.Hour, "2w": 336 * time.Hour, "1y": 8760 * time.Hour, "0": 0, "0s": 0} {
		if got, err := Duration(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "-1s", "1000y", "900000000h", "d", "1.5d"} {
		if got, err := Duration(text); err == nil {
			t.Errorf("%s: got %s, want an error", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"name: a", "inner: { a: b }", "a: &x [1]\nb: *x", "<<: { a: b }", "some:\n  <<: [{a: 1}]\n", "many: !!binary aGk=", "- - a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, problems := Parse(text)
		if root != nil && !Failed(problems) {
			var s sample
			for _, p := range Decode(root, &s) {
				if p.Line < 1 || p.Column < 1 || p.Message == "" {
					t.Errorf("got %+v, want a place and a message", p)
				}
			}
		}
	})
}
