package jq

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"toban/internal/expression"
	"toban/internal/nearest"
)

const (
	maxMapping = 16 << 10 // bytes of a mapping's text
	maxNested  = 200      // parts of it within each other
)

// costs says what a function may be asked about in a mapping.
type costs uint8

const (
	anything costs = iota + 1 // it is as quick whatever it gets, or goes in many steps
	large                     // bounded by boundLarge, as are its arguments
	list                      // bounded by boundMuch, and its arguments by boundWord
	small                     // bounded by boundSmall, and its arguments by boundWord
	shown                     // its arguments are bounded by boundSmall
)

// more are the functions of mappings beside those of conditions, by what they may
// be asked about: name/arguments.
func more() map[costs]string {
	return map[costs]string{
		anything: `range/1 range/2 range/3 limit/2 skip/2 until/2 while/2 repeat/1 recurse/0 recurse/1 recurse/2 nth/1 nth/2 walk/1 env/0
			exp/0 exp2/0 exp10/0 log/0 log2/0 log10/0 pow/2 significand/0 getpath/1`,
		large: `tostring/0 tojson/0 add/0 add/1 flatten/0 flatten/1 explode/0 implode/0 ascii/0 trimstr/1 toboolean/0`,
		list:  `join/1`,
		small: `mktime/0 gmtime/0 localtime/0 strftime/1 strptime/1 strflocaltime/1 error/0`,
		shown: `error/1`,
	}
}

// patterned are the functions of mappings that take a regular expression.
func patterned() string {
	return `test/1 test/2 match/1 match/2 capture/1 capture/2 scan/1 scan/2 split/2 splits/1 splits/2 sub/2 sub/3 gsub/2 gsub/3`
}

// mapping looks at a mapping, refuses what could take long in one step, and puts
// bounds before what could on large values.
func mapping(q *gojq.Query, depth int) error {
	switch {
	case q == nil:
		return nil
	case depth > maxNested:
		return fmt.Errorf("this is nested deeper than %d levels", maxNested)
	case q.Meta != nil || len(q.Imports) > 0:
		return unmapped("a module", "write the mapping itself")
	case len(q.FuncDefs) > 0:
		return unmapped("def", "write out what the function says")
	}
	if q.Term != nil && q.Left == nil {
		return mappingTerm(q.Term, depth+1)
	}
	for _, p := range q.Patterns {
		if err := mappingPattern(p, depth+1); err != nil {
			return err
		}
	}
	if err := each(depth, q.Left, q.Right); err != nil {
		return err
	}
	switch q.Op {
	case gojq.OpAdd, gojq.OpDiv, gojq.OpMod, gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
		q.Left, q.Right = bounded(q.Left, boundLarge), bounded(q.Right, boundLarge)
	case gojq.OpSub:
		q.Left, q.Right = bounded(q.Left, boundMuch), bounded(q.Right, boundLittle)
	case gojq.OpMul:
		q.Left, q.Right = bounded(q.Left, boundTimes), bounded(q.Right, boundTimes)
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		return unmapped(q.Op.String(), "make the object anew, as in . + {key: .id}")
	}
	return nil
}

// unmapped says that a word of jq is not for mappings.
func unmapped(what, instead string) error {
	return fmt.Errorf("%s is not for mappings, which have to end soon on any body; %s", what, instead)
}

func each(depth int, all ...*gojq.Query) error {
	for _, q := range all {
		if err := mapping(q, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func mappingPattern(p *gojq.Pattern, depth int) error {
	for _, inner := range p.Array {
		if err := mappingPattern(inner, depth+1); err != nil {
			return err
		}
	}
	for _, o := range p.Object {
		if err := errors.Join(mappingText(o.KeyString, depth), each(depth, o.KeyQuery)); err != nil {
			return err
		}
		if o.Val != nil {
			if err := mappingPattern(o.Val, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// mappingText bounds what is put into a text.
func mappingText(s *gojq.String, depth int) error {
	if s == nil {
		return nil
	}
	for i, q := range s.Queries {
		if q.Term != nil && q.Term.Type == gojq.TermTypeString && q.Term.Str.Queries == nil {
			continue // the text between
		}
		if err := mapping(q, depth+1); err != nil {
			return err
		}
		s.Queries[i] = bounded(q, boundLarge)
	}
	return nil
}

func mappingIndex(i *gojq.Index, depth int) error {
	if i == nil {
		return nil
	}
	if err := errors.Join(mappingText(i.Str, depth), each(depth, i.Start, i.End)); err != nil {
		return err
	}
	for _, q := range []**gojq.Query{&i.Start, &i.End} {
		if *q != nil {
			*q = bounded(*q, boundWord)
		}
	}
	return nil
}

func mappingTerm(t *gojq.Term, depth int) (err error) {
	for _, s := range t.SuffixList {
		if err := mappingIndex(s.Index, depth); err != nil {
			return err
		}
	}
	switch t.Type {
	case gojq.TermTypeIndex:
		err = mappingIndex(t.Index, depth)
	case gojq.TermTypeFunc:
		err = mappingFunction(t, depth)
	case gojq.TermTypeObject:
		for _, kv := range t.Object.KeyVals {
			if err == nil {
				err = errors.Join(mappingText(kv.KeyString, depth), each(depth, kv.KeyQuery, kv.Val))
			}
		}
	case gojq.TermTypeArray:
		err = each(depth, t.Array.Query)
	case gojq.TermTypeUnary:
		err = mappingTerm(t.Unary.Term, depth+1)
	case gojq.TermTypeFormat:
		if t.Str != nil {
			return mappingText(t.Str, depth)
		}
		boundedTerm(t, boundLarge)
	case gojq.TermTypeString:
		err = mappingText(t.Str, depth)
	case gojq.TermTypeIf:
		err = each(depth, t.If.Cond, t.If.Then, t.If.Else)
		for _, e := range t.If.Elif {
			if err == nil {
				err = each(depth, e.Cond, e.Then)
			}
		}
	case gojq.TermTypeTry:
		err = each(depth, t.Try.Body, t.Try.Catch)
	case gojq.TermTypeReduce:
		err = mappingLoop(t.Reduce.Patterns, depth, t.Reduce.Query, t.Reduce.Start, t.Reduce.Update)
	case gojq.TermTypeForeach:
		err = mappingLoop(t.Foreach.Patterns, depth, t.Foreach.Query, t.Foreach.Start, t.Foreach.Update, t.Foreach.Extract)
	case gojq.TermTypeLabel:
		err = each(depth, t.Label.Body)
	case gojq.TermTypeQuery:
		err = each(depth, t.Query)
	}
	return err
}

func mappingLoop(patterns []*gojq.Pattern, depth int, all ...*gojq.Query) error {
	for _, p := range patterns {
		if err := mappingPattern(p, depth+1); err != nil {
			return err
		}
	}
	return each(depth, all...)
}

// mappingFunction looks at a call.
func mappingFunction(t *gojq.Term, depth int) error {
	f := t.Func
	if strings.HasPrefix(f.Name, "$") {
		return nil
	}
	named := fmt.Sprintf("%s/%d", f.Name, len(f.Args))
	if slices.Contains(strings.Fields(patterned()), named) {
		return mappingMatch(t, depth)
	}
	if err := each(depth, f.Args...); err != nil {
		return err
	}
	bound, ofArgs := "", ""
	kind, known := functionKind(f.Name, len(f.Args))
	for c, names := range more() {
		if !slices.Contains(strings.Fields(names), named) {
			continue
		}
		known = true
		switch c {
		case large:
			bound, ofArgs = boundLarge, boundLarge
		case list:
			bound, ofArgs = boundMuch, boundWord
		case small:
			bound, ofArgs = boundSmall, boundWord
		case shown:
			ofArgs = boundSmall
		}
	}
	switch kind {
	case readsJSON:
		f.Name = boundJSON
		bound = boundLarge
	case readsWord:
		bound = boundWord
	case givesPart, sorts, sortsBy:
		bound = boundLarge
	case takesOne:
		bound, ofArgs = boundLarge, boundLarge
	case looksUp:
		bound, ofArgs = boundLarge, boundWord
	case holds:
		bound, ofArgs = boundMuch, boundLittle
	case within:
		bound, ofArgs = boundLittle, boundMuch
	case decides:
		if f.Name == "IN" {
			bound, ofArgs = boundLarge, boundLarge
		}
	}
	if !known {
		return notMapped(f.Name, len(f.Args))
	}
	if ofArgs != "" {
		for i, q := range f.Args {
			f.Args[i] = bounded(q, ofArgs)
		}
	}
	if bound != "" {
		boundedTerm(t, bound)
	}
	return nil
}

// mappingMatch looks at a function with a regular expression, which has to be
// written there.
func mappingMatch(t *gojq.Term, depth int) error {
	f := t.Func
	text, ok := written(f.Args[0])
	if !ok {
		return fmt.Errorf("%s takes a regular expression that is written there, as in %s(\"^ok\"…)", f.Name, f.Name)
	}
	longest, err := expression.Longest(text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if f.Name != "test" { // each match counts the letters in front of it
		longest = min(longest, inText)
	}
	rest := f.Args[1:]
	if substitutes := strings.HasSuffix(f.Name, "sub"); substitutes {
		if err := mapping(rest[0], depth+1); err != nil {
			return err
		}
		f.Args[1] = bounded(rest[0], boundWord)
		rest = rest[1:]
	}
	for _, flags := range rest {
		if text, ok := written(flags); !ok || strings.Trim(text, "gimnsx") != "" {
			return fmt.Errorf("%s: the flags are written there, among g, i, n, s and x", f.Name)
		}
	}
	boundedTerm(t, boundText, number(longest))
	return nil
}

func notMapped(name string, args int) error {
	for instead, names := range map[string]string{
		"make the object anew, as in {key: .id} or . + {key: .id}": "setpath delpaths del pick path paths leaf_paths to_paths",
		"use map(…), flatten or group_by(…)":                       "transpose combinations tostream fromstream truncate_stream INDEX GROUP_BY JOIN",
		"a mapping sees the body alone":                            "input inputs input_filename debug stderr halt halt_error builtins input_line_number get_search_list modulemeta",
	} {
		if slices.Contains(strings.Fields(names), name) {
			return unmapped(name, instead)
		}
	}
	known := functionNames()
	for _, names := range append(slices.Collect(maps.Values(more())), patterned()) {
		for one := range strings.FieldsSeq(names) {
			word, _, _ := strings.Cut(one, "/")
			known = append(known, word)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if slices.Contains(known, name) {
		return fmt.Errorf("%s is not called with %d arguments in a mapping", name, args)
	}
	return fmt.Errorf("%s is no function for mappings%s", name, nearest.Hint(name, known))
}
