package jq

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"toban/internal/expression"
	"toban/internal/nearest"
)

// A condition is jq without what can grow. One operation of jq is not stopped
// by anything, so each has to be small: no value is multiplied more often than
// maxCopies, and no operation takes more than a little longer than its values
// are large.
const (
	maxCondition = 1 << 10 // bytes of a condition's text
	maxCopies    = 64      // of the body, that a condition may hold at once
	sortCopies   = 4       // what sorting costs, in copies
)

// grown is what is known of the results of an expression, whatever the body is.
type grown struct {
	copies  int  // how many times as much as the body the results are together, at most
	several bool // there may be more results than one
	fixed   bool // the body has no part in it
}

var (
	one     = grown{copies: 1}
	literal = grown{copies: 1, fixed: true}
)

// language reads a condition, refuses what is not for conditions, and puts a
// bound before the operations that could take long.
type language struct{ most int }

// refused says that a word of jq is not for conditions.
func refused(what, instead string) error {
	return fmt.Errorf("%s is not for conditions, which have to end soon on any body; %s", what, instead)
}

func (l *language) held(g grown) (grown, error) {
	if l.most = max(l.most, g.copies); l.most > maxCopies {
		return g, fmt.Errorf("this makes more than %d copies of the body (sorting counts as %d); use fewer commas, sums and collections", maxCopies, sortCopies)
	}
	return g, nil
}

// query looks at q, whose input is in.
func (l *language) query(q *gojq.Query, in grown) (grown, error) {
	switch {
	case q.Meta != nil || len(q.Imports) > 0:
		return in, refused("a module", "write the condition itself")
	case len(q.FuncDefs) > 0:
		return in, refused("def", "write out what the function says")
	case len(q.Patterns) > 0:
		return in, refused("as $"+strings.TrimPrefix(q.Patterns[0].Name, "$"), "write the path again where it is needed, or any(…; …)")
	case q.Term != nil:
		return l.term(q.Term, in)
	case q.Left == nil || q.Right == nil:
		return in, errors.New("a condition is wanted, as in .status == \"ok\"")
	}
	a, err := l.query(q.Left, in)
	if err != nil {
		return a, err
	}
	if q.Op == gojq.OpPipe {
		b, err := l.query(q.Right, a)
		b.several, b.fixed = a.several || b.several, a.fixed && b.fixed
		return b, err
	}
	b, err := l.query(q.Right, in)
	if err != nil {
		return b, err
	}
	both := grown{a.copies + b.copies, a.several || b.several, a.fixed && b.fixed}
	switch q.Op {
	case gojq.OpComma:
		both.several = true
		return l.held(both)
	case gojq.OpAlt:
		return l.held(both)
	case gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe, gojq.OpAnd, gojq.OpOr:
		if a.several && b.several {
			return both, fmt.Errorf("both sides of %s have several values, and each would meet each; use any(…; …) or all(…; …)", q.Op)
		}
		both.copies = 1
		return both, nil
	case gojq.OpAdd, gojq.OpSub, gojq.OpDiv, gojq.OpMod:
		if a.several && !b.fixed || b.several && !a.fixed || a.several && b.several {
			return both, fmt.Errorf("one side of %s has several values, so that the other has to be a number or a text", q.Op)
		}
		switch {
		case q.Op == gojq.OpMod || isNumber(q.Left) || isNumber(q.Right):
			both.copies = 1
		case q.Op != gojq.OpAdd:
			both.copies = a.copies
		}
		if q.Op == gojq.OpSub && !isNumber(q.Left) && !isNumber(q.Right) {
			q.Left, q.Right = bounded(q.Left, boundMuch), bounded(q.Right, boundLittle)
		}
		return l.held(both)
	case gojq.OpMul:
		return both, refused("*", "divide instead: .used / .total > 0.9")
	}
	return both, refused(q.Op.String(), "a condition changes nothing; compare with ==")
}

// isNumber reports whether q is a number as it is written.
func isNumber(q *gojq.Query) bool {
	return q.Term != nil && q.Term.Type == gojq.TermTypeNumber && len(q.Term.SuffixList) == 0
}

// bounded is q, whose result a bound is asked about.
func bounded(q *gojq.Query, bound string) *gojq.Query {
	f := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: bound}}}
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: &gojq.Query{Left: q, Op: gojq.OpPipe, Right: f}}}
}

// boundedTerm lets t ask a bound about its input first.
func boundedTerm(t *gojq.Term, bound string, args ...*gojq.Query) {
	call := &gojq.Query{Term: &gojq.Term{Type: t.Type, Func: t.Func}}
	f := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: bound, Args: args}}}
	t.Type, t.Func, t.Query = gojq.TermTypeQuery, nil, &gojq.Query{Left: f, Op: gojq.OpPipe, Right: call}
}

// single looks at an expression that may have one result.
func (l *language) single(q *gojq.Query, in grown, where string) (grown, error) {
	g, err := l.query(q, in)
	if err == nil && g.several {
		err = fmt.Errorf("%s takes one value and here are several; use any(…; …) or all(…; …)", where)
	}
	return g, err
}

func (l *language) term(t *gojq.Term, in grown) (g grown, err error) {
	in.several = false
	suffixes := t.SuffixList
	switch t.Type {
	case gojq.TermTypeIdentity:
		g = in
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		g = literal
	case gojq.TermTypeIndex:
		g, err = in, l.index(t.Index, in)
	case gojq.TermTypeFunc:
		g, err = l.function(t, in)
	case gojq.TermTypeObject:
		g, err = l.object(t.Object, in)
	case gojq.TermTypeArray:
		if g = literal; t.Array.Query != nil {
			g, err = l.query(t.Array.Query, in)
			g.several = false
		}
	case gojq.TermTypeUnary:
		g, err = l.term(t.Unary.Term, in)
		g.copies = 1
	case gojq.TermTypeString:
		g, err = literal, wholeText(t.Str)
	case gojq.TermTypeIf:
		g, err = l.choice(t.If, in)
	case gojq.TermTypeTry:
		if g, err = l.query(t.Try.Body, in); err == nil && t.Try.Catch != nil {
			var other grown
			other, err = l.query(t.Try.Catch, one)
			g.copies, g.several, g.fixed = max(g.copies, other.copies), g.several || other.several, false
		}
	case gojq.TermTypeQuery:
		g, err = l.query(t.Query, in)
	case gojq.TermTypeRecurse:
		err = refused("..", "name the path, as in .checks[].status")
	case gojq.TermTypeFormat:
		err = refused(t.Format, "compare the value itself")
	case gojq.TermTypeReduce:
		err = refused("reduce", "use any(…; …), all(…; …) or length")
	case gojq.TermTypeForeach:
		err = refused("foreach", "use any(…; …), all(…; …) or length")
	case gojq.TermTypeLabel, gojq.TermTypeBreak:
		err = refused("label and break", "use any(…; …) or first(…)")
	default:
		err = errors.New("this part of jq is not for conditions")
	}
	for _, s := range suffixes {
		if err != nil {
			break
		}
		if s.Index != nil {
			err = l.index(s.Index, in)
		}
		g.several = g.several || s.Iter
	}
	return g, err
}

// wholeText refuses texts that are put together.
func wholeText(s *gojq.String) error {
	if s != nil && s.Queries != nil {
		return refused(`\(…) in a text`, "compare the values themselves")
	}
	return nil
}

// index looks at what stands behind a dot or in brackets.
func (l *language) index(i *gojq.Index, in grown) error {
	if err := wholeText(i.Str); err != nil {
		return err
	}
	for _, q := range []**gojq.Query{&i.Start, &i.End} {
		if *q == nil {
			continue
		}
		g, err := l.single(*q, in, "[…]")
		if err != nil {
			return err
		}
		if !g.fixed || g.copies > 1 || (*q).Term != nil && (*q).Term.Type != gojq.TermTypeNumber && (*q).Term.Type != gojq.TermTypeString {
			*q = bounded(*q, boundWord)
		}
	}
	return nil
}

func (l *language) object(o *gojq.Object, in grown) (grown, error) {
	all := grown{copies: 1, fixed: true}
	for _, kv := range o.KeyVals {
		switch {
		case strings.HasPrefix(kv.Key, "$"):
			return all, refused(kv.Key, "a condition sees the body alone")
		case kv.KeyQuery != nil:
			return all, refused("a key in brackets", "write the key itself")
		}
		if err := wholeText(kv.KeyString); err != nil {
			return all, err
		}
		g := in
		if kv.Val != nil {
			var err error
			if g, err = l.query(kv.Val, in); err != nil {
				return all, err
			}
		}
		if g.several && !all.fixed || all.several && !g.fixed || all.several && g.several {
			return all, errors.New("one value of an object is several, so that the others have to be numbers or texts")
		}
		all = grown{all.copies + g.copies, all.several || g.several, all.fixed && g.fixed}
	}
	return l.held(all)
}

func (l *language) choice(c *gojq.If, in grown) (grown, error) {
	all := grown{copies: 1}
	branch := func(cond, then *gojq.Query) error {
		if _, err := l.single(cond, in, "if"); err != nil {
			return err
		}
		g, err := l.query(then, in)
		all.copies, all.several = max(all.copies, g.copies), all.several || g.several
		return err
	}
	err := branch(c.Cond, c.Then)
	for _, e := range c.Elif {
		if err == nil {
			err = branch(e.Cond, e.Then)
		}
	}
	if err != nil || c.Else == nil {
		all.copies = max(all.copies, in.copies)
		return all, err
	}
	g, err := l.query(c.Else, in)
	return grown{copies: max(all.copies, g.copies), several: all.several || g.several}, err
}

// function looks at a call.
func (l *language) function(t *gojq.Term, in grown) (grown, error) {
	f := t.Func
	if strings.HasPrefix(f.Name, "$") {
		return in, refused(f.Name, "a condition sees the body alone")
	}
	kind, ok := functionKind(f.Name, len(f.Args))
	if !ok {
		return in, unknownFunction(f.Name, len(f.Args))
	}
	switch kind {
	case givesWord:
		return one, nil
	case givesNone:
		return grown{copies: 1, several: true}, nil
	case readsWord:
		boundedTerm(t, boundWord)
		return one, nil
	case readsJSON:
		f.Name = boundJSON
		return in, nil
	case givesPart:
		return in, nil
	case sorts:
		_, err := l.held(grown{copies: in.copies * sortCopies})
		return in, err
	case matchesText:
		return one, l.match(t)
	}
	args := grown{copies: 1}
	for i, q := range f.Args {
		g, err := l.query(q, in)
		if kind == decides && f.Name != "IN" && err == nil {
			in = g // what follows is asked about each of these
		}
		if err == nil && g.several && (kind == takesOne || kind == holds || kind == within || kind == looksUp || kind == chooses) {
			err = fmt.Errorf("%s takes one value and here are several; use any(…; …) or all(…; …)", f.Name)
		}
		if err != nil {
			return g, err
		}
		switch kind {
		case holds:
			f.Args[i] = bounded(q, boundLittle)
		case within:
			f.Args[i] = bounded(q, boundMuch)
		case looksUp:
			f.Args[i] = bounded(q, boundWord)
		}
		args.copies = max(args.copies, g.copies)
	}
	switch kind {
	case holds:
		boundedTerm(t, boundMuch)
	case within:
		boundedTerm(t, boundLittle)
	case changes:
		return args, nil
	case takesOne, looksUp, chooses:
		return in, nil
	case sortsBy:
		_, err := l.held(grown{copies: max(in.copies, args.copies) * sortCopies})
		return in, err
	}
	return one, nil
}

// match looks at the regular expression of test, which has to be written there.
func (l *language) match(t *gojq.Term) error {
	var texts [2]string
	for i, q := range t.Func.Args {
		text, ok := written(q)
		if !ok {
			return errors.New("test takes a regular expression that is written there, as in test(\"^ok\")")
		}
		texts[i] = text
	}
	longest, err := expression.Longest(texts[0])
	if err != nil {
		return fmt.Errorf("test: %w", err)
	}
	if strings.Trim(texts[1], "gimnsx") != "" {
		return errors.New("test: the flags are among g, i, n, s and x")
	}
	boundedTerm(t, boundText, number(longest))
	return nil
}

func number(n int) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}}
}

// written is the text that stands there; it is none where it is worked out.
func written(q *gojq.Query) (text string, ok bool) {
	if q.Term == nil || q.Term.Type != gojq.TermTypeString || q.Term.Str.Queries != nil || len(q.Term.SuffixList) > 0 {
		return "", false
	}
	return q.Term.Str.Str, true
}

func unknownFunction(name string, args int) error {
	if instead := insteadOf(name); instead != "" {
		return refused(name, instead)
	}
	if slices.Contains(functionNames(), name) {
		return fmt.Errorf("%s is not called with %d arguments in a condition", name, args)
	}
	return fmt.Errorf("%s is no function for conditions%s", name, nearest.Hint(name, functionNames()))
}
