package config

import (
	"fmt"
	"strings"

	"toban/oncall"
)

// Expression is PromQL that somebody has written as a monitor, with its place.
// Whether it is PromQL at all only a Prometheus can say.
type Expression struct {
	Monitor oncall.MonitorID
	Text    string
	Paused  bool
	at      *node
}

// Expressions are those of the monitors, in the order of the files.
func (c *Config) Expressions() []Expression { return c.expressions }

func expressionAt(name oncall.MonitorID, n *node) Expression {
	if n == nil {
		return Expression{Monitor: name}
	}
	return Expression{Monitor: name, Text: strings.TrimSpace(n.text), at: n}
}

// Problem is what is wrong at a line and a column of the expression, counted from
// 1, at its place in the file.
func (e Expression) Problem(line, column int, message string) Problem {
	p := Problem{Severity: Error, Message: fmt.Sprintf("monitor %s: this is no condition in PromQL: %s", quote(string(e.Monitor)), message)}
	if e.at == nil {
		return p
	}
	p.File, p.Line, p.Column = e.at.file, e.at.line, e.at.column
	if first, indent, ok := e.at.inside(); ok {
		skipped := e.at.text[:len(e.at.text)-len(strings.TrimLeft(e.at.text, " \t\r\n"))]
		if line == 1 {
			column += len(skipped) - strings.LastIndexByte(skipped, '\n') - 1
		}
		p.Line, p.Column = first+strings.Count(skipped, "\n")+line-1, indent+column-1
		return p
	}
	p.Message += fmt.Sprintf(" (line %d, column %d of the expression)", line, column)
	return p
}

// inside is where a scalar's text itself begins, when each of its lines and
// columns is one of the file's: it does not when it is folded, or has escapes.
func (n *node) inside() (line, column int, exact bool) {
	oneLine := !strings.Contains(n.text, "\n")
	switch n.style {
	case literalStyle:
		return n.line + 1, n.indent + 1, n.indent > 0
	case plainStyle:
		return n.line, n.column, oneLine && n.whole
	case singleStyle:
		return n.line, n.column + 1, oneLine && n.whole && !strings.Contains(n.text, "'")
	case doubleStyle:
		return n.line, n.column + 1, oneLine && n.whole && !strings.ContainsAny(n.text, "\\\"\t")
	}
	return 0, 0, false
}

// evaluated refuses expressions where nothing would ever evaluate them.
func (l *loader) evaluated(m *Metrics) {
	why := m.Unevaluated()
	if why == "" {
		return
	}
	for _, e := range l.config.expressions {
		if !e.Paused && e.at != nil {
			l.errorf(e.at, "monitor %s: %s", quote(string(e.Monitor)), why)
		}
	}
}

// Unevaluated says why the conditions of monitors in PromQL would never be
// evaluated with this section, and what to do; "" when they are. m may be nil.
func (m *Metrics) Unevaluated() string {
	switch {
	case m == nil:
	case m.Off:
		return "nothing evaluates PromQL while metrics.enabled is false; take that out, or pause the monitor"
	case m.URL != "":
		return "nothing evaluates PromQL for toban while metrics.url names a Prometheus of your own; " +
			"write it there as an alerting rule whose alerts come to toban, or leave metrics.url out and let that Prometheus remote_write to toban"
	}
	return ""
}
