package view

import (
	"regexp"
	"slices"
	"strings"

	"toban/web/svg"
)

// promWord is a word of a PromQL expression: a function or the name of a metric.
type promWord struct {
	text   string
	called bool // a parenthesis follows
}

var (
	// promSkipped is what has no functions and no metrics in it: comments, texts,
	// matchers, lists of labels, ranges.
	promSkipped = regexp.MustCompile("(?s)#[^\n]*|\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|`[^`]*`|\\[[^\\]]*\\]")
	promMatcher = regexp.MustCompile(`(?s)\{[^}]*\}`)
	promLabels  = regexp.MustCompile(`(?is)\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	promName    = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
)

// promWords are the functions and metrics of an expression, in order. It reads
// what people type, right or wrong, and never fails.
func promWords(expr string) (words []promWord) {
	for _, skipped := range []*regexp.Regexp{promSkipped, promMatcher, promLabels} {
		expr = skipped.ReplaceAllString(expr, " ")
	}
	for _, at := range promName.FindAllStringIndex(expr, -1) {
		word, rest := expr[at[0]:at[1]], strings.TrimLeft(expr[at[1]:], " \t\r\n")
		before := at[0] > 0 && strings.IndexByte("0123456789.", expr[at[0]-1]) >= 0 // the unit of a duration, as in offset 5m
		switch strings.ToLower(word) {
		case "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "and", "or", "unless", "atan2", "inf", "nan", "start", "end":
			continue
		}
		if !before {
			words = append(words, promWord{word, strings.HasPrefix(rest, "(")})
		}
	}
	return words
}

// explained are the functions that there are words about, each with the key of
// the text that it shares with others.
func explained(function string) (key string, ok bool) {
	switch function = strings.ToLower(function); function {
	case "rate", "irate", "increase", "delta", "deriv", "predict_linear", "histogram_quantile", "quantile_over_time", "avg_over_time",
		"count_over_time", "last_over_time", "changes", "resets":
		return function, true
	case "max_over_time", "min_over_time":
		return "extreme_over_time", true
	case "absent", "absent_over_time":
		return "absent", true
	case "topk", "bottomk":
		return "topk", true
	case "sum", "avg", "count", "min", "max":
		return "aggregate", true
	}
	return "", false
}

// Explanation is what a function does, and how it misleads.
type Explanation struct {
	Name, Text, Trap string
}

// Explain says what the functions of an expression do, each once.
func Explain(s Shell, expr string) (all []Explanation) {
	for _, w := range promWords(expr) {
		key, ok := explained(w.text)
		aggregates := key == "aggregate" && promLabels.MatchString(expr) // sum by (x) (…): its parenthesis was cut off
		if !ok || !w.called && !aggregates || slices.ContainsFunc(all, func(e Explanation) bool { return e.Text == s.T("explore.fn."+key) }) {
			continue
		}
		all = append(all, Explanation{w.text + "()", s.T("explore.fn." + key), s.T("explore.fn." + key + ".trap")})
	}
	return all
}

var selector = regexp.MustCompile(`^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?\s*$`)

// Grows is the query that a bare counter is asked with; "" for anything else.
func Grows(expr string) string {
	m := selector.FindStringSubmatch(expr)
	if m == nil {
		return ""
	}
	for _, end := range []string{"_total", "_count", "_sum", "_bucket"} {
		if strings.HasSuffix(m[1], end) {
			return "rate(" + m[1] + m[2] + "[5m])"
		}
	}
	return ""
}

// unitOf is what the values of an expression are, as far as its names say: those
// of one metric, or of functions that leave a unit as it is.
func unitOf(expr string) svg.Unit {
	name, quantile := "", false
	for _, w := range promWords(expr) {
		switch strings.ToLower(w.text) {
		case "histogram_quantile":
			quantile = true
		case "avg", "sum", "max", "min", "quantile", "topk", "bottomk", "avg_over_time", "max_over_time", "min_over_time", "quantile_over_time", "last_over_time", "sort", "sort_desc", "abs":
		case "rate", "increase", "irate":
			if !quantile {
				return svg.Number
			}
		default:
			if w.called || name != "" && name != w.text {
				return svg.Number
			}
			name = w.text
		}
	}
	bare := promMatcher.ReplaceAllString(promSkipped.ReplaceAllString(expr, ""), "")
	if strings.ContainsAny(bare, "/*%^=<>+-") {
		return svg.Number
	}
	if quantile {
		name = strings.TrimSuffix(name, "_bucket")
	}
	switch {
	case strings.HasSuffix(name, "_timestamp_seconds"):
		return svg.Number
	case strings.HasSuffix(name, "_seconds"):
		return svg.Seconds
	case strings.HasSuffix(name, "_bytes"):
		return svg.Bytes
	case strings.HasSuffix(name, "_ratio"):
		return svg.Ratio
	}
	return svg.Number
}
