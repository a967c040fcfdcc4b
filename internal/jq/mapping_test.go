package jq

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"
)

func run(t *testing.T, p *Program, body string) (out []any, err error) {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	ctx, stop := Within(t.Context(), 200*time.Millisecond)
	defer stop()
	for v, err := range p.Run(ctx, doc) {
		if err != nil {
			return out, errors.Join(err, context.Cause(ctx))
		}
		out = append(out, v)
	}
	return out, nil
}

func TestWhatSendersNeedIsAMapping(t *testing.T) {
	t.Parallel()
	const body = `{"id":7,"title":"cart","state":"FIRING","at":1700000000,"common":{"shop":"tokyo"},"tags":["env:prod","team:web"],"all":[{"id":1,"n":"a"},{"id":2,"n":"b"}],"raw":"{\"k\":1}","long":" x "}`
	for text, want := range map[string]string{
		`{key: .id, action: .state, summary: .title, severity: (.level // "critical")}`: `{"action":"FIRING","key":7,"severity":"critical","summary":"cart"}`,
		`{key: "\(.id)-\(.title)", action: (.state | ascii_downcase)}`:                  `{"action":"firing","key":"7-cart"}`,
		`.common as $c | [.all[] | {key: .id, labels: {shop: $c.shop}}]`:                `[{"key":1,"labels":{"shop":"tokyo"}},{"key":2,"labels":{"shop":"tokyo"}}]`,
		`{labels: (.tags | map(split(":") | {(.[0]): .[1]}) | add)}`:                    `{"labels":{"env":"prod","team":"web"}}`,
		`{labels: ([.tags[] | capture("(?<key>[^:]+):(?<value>.+)")] | from_entries)}`:  `{"labels":{"env":"prod","team":"web"}}`,
		`{starts_at: (.at | todate), summary: (.title | sub("c"; "C"))}`:                `{"starts_at":"2023-11-14T22:13:20Z","summary":"Cart"}`,
		`if .state == "FIRING" then {action: "trigger"} else empty end`:                 `{"action":"trigger"}`,
		`reduce .all[] as $a ({}; . + {($a.n): $a.id})`:                                 `{"a":1,"b":2}`,
		`.raw | fromjson | .k * 100`:                                                    `100`,
		`[.all[].n] | join(", ")`:                                                       `"a, b"`,
		`.common | with_entries(.key |= . + "x")`:                                       "",
		`.common | with_entries({key: (.key + "_"), value})`:                            `{"shop_":"tokyo"}`,
		`try error("no") catch .`:                                                       `"no"`,
		`[limit(2; range(10))]`:                                                         `[0,1]`,
		`@base64 "\(.title)"`:                                                           `"Y2FydA=="`,
		`(.all | tojson), (env | type)`:                                                 `"[{\"id\":1,\"n\":\"a\"},{\"id\":2,\"n\":\"b\"}]" "object"`,
		`.long | trim | test("^X$"; "i")`:                                               `true`,
	} {
		p, err := Mapping(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s: got no error", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		out, err := run(t, p, body)
		var got []string
		for _, v := range out {
			raw, _ := json.Marshal(v)
			got = append(got, string(raw))
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s: got %s %v, want %s", text, got, err, want)
		}
	}
}

func TestMappingsThatCouldNotBeStoppedAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`.[900000000] = 1`:                     "make the object anew",
		`setpath([900000000]; 1)`:              "setpath",
		`del(.a)`:                              "del is not for mappings",
		`transpose`:                            "transpose",
		`def f: f; f`:                          "def",
		`input`:                                "the body alone",
		`test(.pattern)`:                       "written there",
		`gsub(".{0,900}.{0,900}.{0,900}"; "")`: "takes too long",
		`lengt`:                                "did you mean length?",
		`_toban_large`:                         "no function",
		`{key: .id`:                            "this is no jq",
		strings.Repeat("(", 300) + "." + strings.Repeat(")", 300): "nested deeper",
		strings.Repeat(" ", maxMapping) + ".":                     "bytes",
	} {
		if _, err := Mapping(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q in it", text, err, want)
		}
	}
}

func TestEachStepOfAMappingIsBounded(t *testing.T) {
	long := `{"s":"` + strings.Repeat("ab", 400_000) + `","l":[` + strings.Repeat("1,", 200_000) + `1]}`
	for _, text := range []string{
		`"x" * 1000000000`,
		`[range(1; infinite)]`,
		`reduce range(100) as $i (.; . + .)`,
		`reduce range(100) as $i (.s; . + .)`,
		`reduce range(100) as $i (7; . * .)`,
		`reduce range(60) as $i (1; [., .]) | . == .`,
		`reduce range(60) as $i (1; [., .]) | tojson`,
		`reduce range(60) as $i (1; [., .]) | error`,
		`reduce range(60) as $i (1; [., .]) | "\(.)"`,
		`reduce range(60) as $i (1; [., .]) | [.] | unique_by(.)`,
		`reduce range(60) as $i (1; [., .]) | IN(.)`,
		`reduce range(60) as $i (1; [., .]) | flatten`,
		`.l - .l`,
		`.l | contains(.)`,
		`.l as $l | $l | inside($l)`,
		`.s as $s | .s | indices($s)`,
		`.s | [match("a"; "g")] | length`,
		`.s as $s | [.l[]|tostring] | join($s)`,
		`[.l[] as $x | .l] | tojson`,
		`.s[:16384] | [match("a"; "g")] | length`,
		`.s[:16384] | gsub("a"; "bb") | length`,
		`[recurse]| map(tojson) | add | length`,
	} {
		p, err := Mapping(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		runtime.GC()
		start := time.Now()
		out, err := run(t, p, long)
		if took := time.Since(start); took > 2*time.Second || err == nil && len(out) != 1 {
			t.Errorf("%s: %d results after %s, %v", text, len(out), took, err)
		}
	}
}
