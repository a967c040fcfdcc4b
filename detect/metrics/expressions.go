package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"
)

// The bounds of what is checked at once, in expressions and in bytes.
const (
	maxExpressions     = 100_000
	maxExpressionsText = 64 << 20
)

// CheckExpressions says what is wrong with expressions that are to be rules. The
// File of a Problem is the place in the list, from 0; line and column are those
// of the expression.
func CheckExpressions(list []string) []Problem {
	p := newParser()
	var found []Problem
	for i, text := range list {
		if bad, is := checkExpression(p, text); is {
			bad.File = strconv.Itoa(i)
			found = append(found, bad)
		}
	}
	return found
}

func checkExpression(p parser.Parser, text string) (Problem, bool) {
	expr, err := p.ParseExpr(text)
	if all, ok := errors.AsType[parser.ParseErrors](err); ok && len(all) > 0 {
		line, column := placeIn(text, int(all[0].PositionRange.Start))
		return Problem{Line: line, Column: column, Message: fmt.Sprint(all[0].Err)}, true
	} else if err != nil {
		return Problem{Line: 1, Column: 1, Message: err.Error()}, true
	}
	switch t := expr.Type(); t {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
		return checkSteps(text, expr)
	default: // it would parse, and then fail at each evaluation
		return Problem{Line: 1, Column: 1, Message: fmt.Sprintf("a rule has to be an instant vector or a number, and this is a %s; "+
			"put a function such as rate or max_over_time around a range", parser.DocumentedType(t))}, true
	}
}

// checkSteps looks at the subqueries of a rule: Prometheus makes room for all of
// their steps at each evaluation.
func checkSteps(text string, expr parser.Expr) (found Problem, bad bool) {
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		q, ok := node.(*parser.SubqueryExpr)
		if !ok || bad || q.Step <= 0 {
			return nil
		}
		reach := q.Range // an inner one reaches back beyond all around it
		for _, around := range path {
			if outer, ok := around.(*parser.SubqueryExpr); ok {
				reach += outer.Range
			}
		}
		if n := reach / max(q.Step, time.Millisecond); n > maxSteps {
			line, column := placeIn(text, int(q.PositionRange().Start))
			bad, found = true, Problem{Line: line, Column: column, Message: fmt.Sprintf("a subquery takes %d steps at each evaluation, more than %d: "+
				"shorten its time or lengthen its step", n, maxSteps)}
		}
		return nil
	})
	return found, bad
}

// placeIn is where a byte of a text stands, in lines and characters from 1.
func placeIn(text string, at int) (line, column int) {
	before := text[:min(max(at, 0), len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// readExpressions reads a JSON list of texts.
func readExpressions(in io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxExpressionsText+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxExpressionsText:
		return nil, fmt.Errorf("--expressions: more than %d MiB", maxExpressionsText>>20)
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, errors.New("--expressions: a JSON list of texts is wanted")
	}
	if len(list) > maxExpressions {
		return nil, fmt.Errorf("--expressions: more than %d", maxExpressions)
	}
	return list, nil
}
