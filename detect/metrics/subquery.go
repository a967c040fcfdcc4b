package metrics

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// maxSteps is how many steps one subquery may take. Prometheus makes room for
// all of them before it counts a single sample: vector(1)[10000h:1ms] ends a
// process in one line.
const maxSteps = 1_000_000

// sound says what is wrong with a question, nil for nothing.
func (s *server) sound(form url.Values) error {
	query := form.Get("query")
	if query == "" {
		return nil
	}
	if err := s.suspects.check(query, time.Now()); err != nil {
		return err
	}
	return s.stepsWithin(query, form)
}

// stepsWithin says what is wrong with the subqueries of a question, nil for
// nothing. What can't be parsed is said by the API itself.
func (s *server) stepsWithin(query string, form url.Values) error {
	expr, err := s.parser.ParseExpr(query)
	if err != nil {
		return nil
	}
	var over time.Duration
	if from, to, ok := timesOf(form); ok {
		over = to.Sub(from)
	}
	var found error
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		q, ok := node.(*parser.SubqueryExpr)
		if !ok {
			return nil
		}
		reach := over + q.Range // an inner subquery reaches back beyond all around it
		for _, around := range path {
			if p, ok := around.(*parser.SubqueryExpr); ok {
				reach += p.Range
			}
		}
		step := q.Step
		if step <= 0 {
			step = time.Duration(s.config().GlobalConfig.EvaluationInterval)
		}
		if n := reach / step; n > maxSteps && found == nil {
			found = fmt.Errorf("the subquery %s takes %d steps, more than %d: ask for a shorter time or a longer step", q, n, maxSteps)
		}
		return nil
	})
	return found
}

// timesOf are the ends of a range query, in Prometheus' two forms of a time.
func timesOf(form url.Values) (from, to time.Time, ok bool) {
	parse := func(text string) (time.Time, bool) {
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e12 {
			return time.Unix(int64(seconds), 0), true
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		return at, err == nil
	}
	from, okFrom := parse(form.Get("start"))
	to, okTo := parse(form.Get("end"))
	return from, to, okFrom && okTo && to.After(from)
}
