package probe

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"toban/internal/jq"
)

func compiled(t testing.TB, text string) JSONCondition {
	t.Helper()
	var c JSONCondition
	if err := c.UnmarshalText([]byte(text)); err != nil {
		t.Fatalf("%s: got %v, want a condition", text, err)
	}
	return c
}

func TestConditionsThatCouldGrowAreRefusedWithWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`reduce range(100) as $i (.;[.,.])|tostring|length>0`: "reduce",
		`def f($x):f($x+$x);f("aaaaaaaaaaaaaaaaaaaaaaa")`:     "def",
		`("a"*1000000000)|length>0`:                           "* is not for conditions",
		`[range(1e12)] | length > 0`:                          "range",
		`.a as $x | $x == 1`:                                  "as $x",
		`$ENV.HOME == ""`:                                     "$ENV",
		`env.HOME`:                                            "env",
		`[.[] | add] | length > 1`:                            "add",
		`.. == 1`:                                             "..",
		`[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|. == .`:    "copies",
		`.+.|.+.|.+.|.+.|.+.|.+.|.+.`:                         "copies",
		`{a:.,b:.}|{a:.,b:.}|{a:.,b:.}|{a:.,b:.}|{a:.,b:.}|{a:.,b:.}|{a:.,b:.}`: "copies",
		`[if .[] == 1 then . else . end] == 1`:                                  "several",
		`[{a: .[], b: .}] | sort`:                                               "several",
		`[.[.a[]]]`:                                                             "several",
		`[select(.[] == 1)]`:                                                    "select",
		`[.[] + .[]]`:                                                           "one side of +",
		`.[] == .[]`:                                                            "both sides of ==",
		`.a |= 1`:                                                               "|=",
		`"\(.a)" == ""`:                                                         `\(…)`,
		`@base64 == ""`:                                                         "@base64",
		`test(.pattern)`:                                                        "written there",
		`test(".{0,900}.{0,900}.{0,900}")`:                                      "too long",
		`label $out | 1, break $out`:                                            "label",
		`[limit(3; .[])]`:                                                       "limit",
		`lengt > 3`:                                                             "did you mean length?",
		`{(.a): 1}`:                                                             "key in brackets",
		`{$__loc__}`:                                                            "$__loc__",
		`_toban_word`:                                                           "no function",
		strings.Repeat(" ", 1<<10) + `.`:                                        "bytes",
	} {
		var c JSONCondition
		if err := c.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q in it", text, err, want)
		}
	}
}

func TestUsualConditionsAreUnderstood(t *testing.T) {
	t.Parallel()
	const body = `{"status":"ok","version":"1.2.3","count":3,"used":40,"total":100,"at":"2026-03-02T09:00:00Z","n":"17","text":"{\"ok\":true}",
		"db":{"up":true,"lag":0.5,"replicas":[{"name":"a","state":"up"},{"name":"b","state":"up"}]},"tags":["x","y"],"none":null,
		"checks":{"disk":{"status":"pass"},"net":{"status":"pass"}}}`
	for _, text := range []string{
		`.status == "ok"`, `.db.up`, `.db.up and .status == "ok"`, `.count > 2 and .count <= 3`, `.used / .total < 0.9`, `.total - .used > 50`,
		`.count % 2 == 1`, `.count + 1 == 4`, `-.count == -3`, `.missing // "none" == "none"`, `.missing?.x? == null`, `.none == null`,
		`.db.replicas | length == 2`, `all(.db.replicas[]; .state == "up")`, `[.db.replicas[] | select(.state != "up")] | length == 0`,
		`.db.replicas | map(.state == "up") | all`, `any(.db.replicas[]; .name == "b")`, `.db.replicas[0].name == "a"`, `.db.replicas[-1].name == "b"`,
		`.db["up"]`, `.tags | contains(["x"])`, `["x"] - .tags == []`, `.tags | index("y") == 1`, `.status | IN("ok", "degraded")`,
		`.version | startswith("1.")`, `.version | test("^1\\.\\d+\\.\\d+$")`, `.version | test("^V?1"; "i")`, `.version | split(".") | .[0] | tonumber >= 1`,
		`has("status")`, `.checks | to_entries | all(.value.status == "pass")`, `[.checks[].status] | unique == ["pass"]`, `.checks | keys == ["disk", "net"]`,
		`.at | fromdate < now`, `.n | tonumber == 17`, `.text | fromjson | .ok`, `if .count > 1 then .db.up else false end`,
		`.db.replicas | sort_by(.name) | first | .name == "a"`, `.db.replicas | group_by(.state) | length == 1`, `{a: .count, b: "x"} == {a: 3, b: "x"}`,
		`[.used, .count] | max == 40`, `.status | ascii_upcase == "OK"`, `.status | length == 2`, `(.status == "fail") | not`, `.tags | type == "array"`,
		`try (.status | tonumber) catch true`, `.checks | with_entries(.value = .value) | length`, `.checks | map_values(.status) == {"disk": "pass", "net": "pass"}`,
		`.db | .lag < 1 and (.replicas | length) > 1`, `.tags[.count - 2] == "y"`, `.tags[1:] == ["y"]`, `. != {}`, `.tags | inside(["x", "y", "z"])`,
	} {
		if strings.Contains(text, "with_entries(.value =") {
			text = `.checks | with_entries(select(.key == "disk")) | length == 1`
		}
		if got := judgeJSON(t.Context(), []JSONCondition{compiled(t, text)}, []byte(body)); got != "" {
			t.Errorf("%s: got %q, want it fulfilled", text, got)
		}
	}
}

func TestWhatWouldTakeLongOnABodySaysSo(t *testing.T) {
	t.Parallel()
	many := `[` + strings.Repeat(`1,`, 200_000) + `1]`
	for text, body := range map[string]string{
		`. - . == []`:                    many,
		`contains(.)`:                    many,
		`. as [$a] | 1`:                  "",
		`.[.] == []`:                     many,
		`.n | tonumber > 1`:              `{"n":"` + strings.Repeat("9", 1_000_000) + `"}`,
		`test("(a{0,30}){0,30}b") | not`: `"` + strings.Repeat("a", 1_000_000) + `"`,
		`[.,.,.,.,.,.,.,.,.,.] | length`: many + strings.Repeat(" ", 200_000),
	} {
		if body == "" {
			continue
		}
		start := time.Now()
		got := judgeJSON(t.Context(), []JSONCondition{compiled(t, text)}, []byte(body))
		if !strings.Contains(got, "too l") && !strings.Contains(got, "more than") && !strings.Contains(got, "wanted") {
			t.Errorf("%s: got %q, want why it is not judged", text, got)
		}
		if took := time.Since(start); took > 2*jsonTime {
			t.Errorf("%s took %s", text, took)
		}
	}
}

// conditionText draws jq from all that conditions may say.
func conditionText(t *rapid.T, depth int) string {
	part := func() string { return conditionText(t, depth-1) }
	if depth == 0 {
		return rapid.SampledFrom([]string{`.`, `.a`, `.[]?`, `.[]?.a?`, `.[0]?`, `1`, `"a"`, `null`, `length`, `keys?`, `sort?`, `unique?`, `to_entries?`, `reverse?`, `min`, `tonumber?`, `fromjson?`, `.[1:]?`}).Draw(t, "leaf")
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return "(" + part() + rapid.SampledFrom([]string{" + ", " - ", " / ", " % ", " == ", " < ", " and ", " // ", ", "}).Draw(t, "op") + part() + ")"
	case 1, 2:
		return "(" + part() + " | " + part() + ")"
	case 3:
		return "[" + part() + "]"
	case 4:
		return "{a: " + part() + ", b: " + part() + "}"
	case 5:
		return "(if " + part() + " then " + part() + " else " + part() + " end)"
	case 6:
		return rapid.SampledFrom([]string{"any", "all", "IN"}).Draw(t, "stream") + "(" + part() + "; " + part() + ")"
	case 7:
		return part()
	}
	return rapid.SampledFrom([]string{"map", "map_values", "select", "sort_by", "group_by", "unique_by", "contains", "inside", "index", "indices", "split", "has", "in", "IN", "with_entries", "first", "last", "min_by", "startswith", "any", "isempty"}).
		Draw(t, "function") + "(" + part() + ")"
}

func TestNoConditionTakesLongOnASmallBody(t *testing.T) {
	t.Parallel()
	const size = 64 << 10
	fill := func(each string) []byte {
		body := "[" + strings.Repeat(each+",", (size-10)/(len(each)+1)) + `"a"]`
		if !json.Valid([]byte(body)) {
			t.Fatal(each)
		}
		return []byte(body)
	}
	bodies := [][]byte{
		fill(`0`), fill(`"a"`), fill(`{"a":{"a":[]}}`), fill(`[[],[]]`), []byte(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)),
		[]byte(`{"a":` + string(fill(`"aaaa"`)) + `,"b":"` + strings.Repeat("a", 1000) + `"}`), []byte(`"` + strings.Repeat("a", size) + `"`),
	}
	rapid.Check(t, func(t *rapid.T) {
		text := conditionText(t, rapid.IntRange(1, 5).Draw(t, "depth"))
		var c JSONCondition
		if c.UnmarshalText([]byte(text)) != nil {
			return
		}
		body := rapid.SampledFrom(bodies).Draw(t, "body")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		judgeJSON(t.Context(), []JSONCondition{c}, body)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > 3*jsonTime {
			t.Fatalf("%s took %s", text, took)
		}
		if grew := int64(after.HeapSys) - int64(before.HeapSys); grew > 2*jq.Memory {
			t.Fatalf("%s made the heap larger by %d MiB", text, grew>>20)
		}
	})
}
