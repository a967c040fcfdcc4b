package config

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestWhatCouldNeverBeAskedIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{ http: http://example.jp:99999/ }`:            "x.yaml:2:14: \"99999\" is no port",
		`{ http: http://../ }`:                          "x.yaml:2:14: \"..\" can't be the name",
		`{ dns: ".." }`:                                 "x.yaml:2:13: \"..\" can't be a name in DNS",
		`{ ping: a..b }`:                                "x.yaml:2:14: \"a..b\" can't be the name",
		`{ http: https://example.jp, method: CONNECT }`: "x.yaml:2:42: CONNECT asks a proxy",
		`{ http: https://example.jp, expect: { json: "[.,.]|tostring" } }`:                                                         "x.yaml:2:50: json: tostring is not for conditions",
		`{ http: https://example.jp, expect: { body: ".{0,900}.{0,900}.{0,900}z" } }`:                                              "x.yaml:2:50: \".{0,900}.{0,900}.{0,900}z\": this regular expression takes too long",
		`{ module: { prober: http }, target: "http://example.jp:99999" }`:                                                          "x.yaml:2:42: \"99999\" is no port",
		`{ module: { prober: http, http: { json: "[.,.]|tostring" } }, target: "http://a.jp" }`:                                    "x.yaml:2:46: json: tostring is not for conditions",
		`{ module: { prober: http, http: { fail_if_body_matches_regexp: ["x{0,900}x{0,900}x{0,900}"] } }, target: "http://a.jp" }`: "takes too long",
		`{ tcp: "example.jp:25", expect: ".{0,900}.{0,900}.{0,900}z" }`:                                                            "takes too long",
		`{ http: https://example.jp, expect: { header: { A: "(a{0,30}){0,30}b{9}" } } }`:                                           "",
	} {
		_, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte("monitors:\n  a: " + text + "\n")}})
		var all []string
		for _, p := range problems {
			all = append(all, p.String())
		}
		if got := strings.Join(all, "\n"); want == "" && strings.Contains(got, "takes too long") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", text, got, want)
		}
	}
}
