package jq

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// functionOf says what a function does, as far as it matters for how large and
// how long a condition gets.
type functionOf uint8

const (
	givesWord   functionOf = iota + 1 // a number, a text or a truth
	givesNone                         // no result at all
	givesPart                         // as much as it gets, or less
	readsWord                         // takes long on a long text
	readsJSON                         // likewise, and has a body of its own
	sorts                             // all that it gets
	sortsBy                           // likewise, by what its argument says
	takesOne                          // argument
	looksUp                           // its argument in all that it gets
	holds                             // compares all with all: what it gets with its argument
	within                            // the same the other way round
	matchesText                       // a regular expression
	chooses                           // what its argument is true of
	decides                           // whether something is true of what its arguments give
	changes                           // each of what it gets
)

// functions are those that conditions may call, by what they do: name/arguments.
func functions() map[functionOf]string {
	return map[functionOf]string{
		givesWord: `length/0 utf8bytelength/0 not/0 type/0 any/0 all/0 floor/0 ceil/0 round/0 fabs/0 abs/0 sqrt/0 trunc/0 isnan/0 isinfinite/0
			isfinite/0 isnormal/0 infinite/0 nan/0 now/0 todate/0 todateiso8601/0`,
		givesNone: `empty/0`,
		givesPart: `keys/0 min/0 max/0 first/0 last/0 reverse/0 ascii_downcase/0 ascii_upcase/0 trim/0 ltrim/0 rtrim/0 to_entries/0 from_entries/0
			arrays/0 objects/0 iterables/0 booleans/0 numbers/0 finites/0 normals/0 strings/0 nulls/0 values/0 scalars/0`,
		readsWord:   `tonumber/0 fromdate/0 fromdateiso8601/0`,
		readsJSON:   `fromjson/0`,
		sorts:       `sort/0 unique/0`,
		sortsBy:     `sort_by/1 unique_by/1 group_by/1 min_by/1 max_by/1`,
		takesOne:    `has/1 in/1 startswith/1 endswith/1 ltrimstr/1 rtrimstr/1 split/1`,
		looksUp:     `index/1 rindex/1 indices/1`,
		holds:       `contains/1`,
		within:      `inside/1`,
		matchesText: `test/1 test/2`,
		chooses:     `select/1`,
		decides:     `any/1 all/1 any/2 all/2 isempty/1 IN/1 IN/2`,
		changes:     `map/1 map_values/1 with_entries/1 first/1 last/1`,
	}
}

func functionKind(name string, args int) (functionOf, bool) {
	wanted := name + "/" + strconv.Itoa(args)
	for kind, names := range functions() {
		for each := range strings.FieldsSeq(names) {
			if each == wanted {
				return kind, true
			}
		}
	}
	return 0, false
}

func functionNames() (all []string) {
	for _, names := range functions() {
		for each := range strings.FieldsSeq(names) {
			name, _, _ := strings.Cut(each, "/")
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// insteadOf says what is written instead of functions that are not for
// conditions.
func insteadOf(name string) string {
	for instead, names := range map[string]string{
		`use any(…; …), all(…; …) or length`:             "add join range limit skip until while repeat recurse walk paths leaf_paths tostream combinations splits ascii implode explode nth",
		`compare the value itself, as in .id == 5`:       "tostring tojson ascii @text @json error",
		`name the path, as in .checks[][]`:               "flatten getpath setpath delpaths path del to_paths pick transpose env",
		`use test("…"), startswith("…") or split("…")`:   "match capture scan sub gsub",
		`a condition sees the body alone`:                "input inputs input_filename debug stderr halt halt_error builtins input_line_number getpath ltrimstr get_search_list modulemeta",
		`use sort_by(…), group_by(…) or unique_by(…)`:    "INDEX GROUP_BY JOIN ascii",
		`use fromdate or todate, and compare the number`: "strptime strftime mktime gmtime localtime strflocaltime date dateadd datesub",
	} {
		for each := range strings.FieldsSeq(names) {
			if each == name {
				return instead
			}
		}
	}
	return ""
}

// Bounds are functions of ours, which stand before operations of jq and refuse
// what those would take too long for. No condition can name them itself.
const (
	boundMuch   = "_toban_much"
	boundLittle = "_toban_little"
	boundWord   = "_toban_word"
	boundText   = "_toban_text"
	boundJSON   = "_toban_json"
	boundLarge  = "_toban_large"
	boundTimes  = "_toban_times"
	boundSmall  = "_toban_small"
)

const (
	much   = 64 << 10 // values and bytes in lists and objects that are compared with …
	little = 1 << 10  // … as many as these
	inWord = 1 << 10  // bytes of a text that is read, or looked for
	most   = 1 << 20  // values and bytes of anything that a mapping works on in one step
	digits = 1 << 10  // bytes of a whole number
	inText = 16 << 10 // bytes of a text in which a mapping looks for all matches
	parts  = 4 << 10  // values and bytes of times, and of what is shown
)

func bounds() []gojq.CompilerOption {
	container := func(limit int) func(any, []any) any {
		return func(v any, _ []any) any {
			switch v.(type) {
			case []any, map[string]any:
				if left := limit; !fits(v, &left) {
					return fmt.Errorf("a list or an object is too large to be compared with each value of another (more than %d values and bytes)", limit)
				}
			}
			return v
		}
	}
	whole := func(limit int) func(any, []any) any {
		return func(v any, _ []any) any {
			if left := limit; !fits(v, &left) {
				return fmt.Errorf("a value of more than %d values and bytes is too large here", limit)
			}
			return v
		}
	}
	return []gojq.CompilerOption{
		gojq.WithFunction(boundLarge, 0, 0, whole(most)),
		gojq.WithFunction(boundSmall, 0, 0, whole(parts)),
		gojq.WithFunction(boundTimes, 0, 0, func(v any, _ []any) any {
			if _, text := v.(string); text {
				return errors.New("a text is not multiplied in a mapping")
			}
			return whole(most)(v, nil)
		}),
		gojq.WithFunction(boundMuch, 0, 0, container(much)),
		gojq.WithFunction(boundLittle, 0, 0, container(little)),
		gojq.WithFunction(boundWord, 0, 0, func(v any, _ []any) any {
			switch v := v.(type) {
			case []any, map[string]any:
				return errors.New("a text or a number is wanted, not a list or an object")
			case string:
				if len(v) > inWord {
					return fmt.Errorf("a text of more than %d bytes", inWord)
				}
			}
			return v
		}),
		gojq.WithFunction(boundText, 1, 1, func(v any, args []any) any {
			if longest, ok := args[0].(int); ok && len(textOf(v)) > longest {
				return fmt.Errorf("a text of more than %d bytes is too long for this regular expression", longest)
			}
			return v
		}),
		gojq.WithFunction(boundJSON, 0, 0, func(v any, _ []any) any {
			var doc any
			if text, ok := v.(string); !ok || json.Unmarshal([]byte(text), &doc) != nil {
				return errors.New("fromjson: this is not JSON in a text")
			}
			return doc
		}),
	}
}

func textOf(v any) string {
	text, _ := v.(string)
	return text
}

// fits reports whether v has no more values and bytes than are left.
func fits(v any, left *int) bool {
	*left--
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case *big.Int:
		return v.BitLen() <= 8*digits && *left >= 0
	case []any:
		for _, each := range v {
			if *left < 0 || !fits(each, left) {
				return false
			}
		}
	case map[string]any:
		for key, each := range v {
			if *left -= len(key); *left < 0 || !fits(each, left) {
				return false
			}
		}
	}
	return *left >= 0
}
