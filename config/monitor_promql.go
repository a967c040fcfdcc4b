package config

import (
	"strings"

	"toban/oncall"
)

// promql reads the expression of a rule. Whether it is PromQL is asked of the
// command `metrics`, the only one that knows a Prometheus: see Expressions.
func (c compiler) promql() {
	c.m.PromQL = strings.TrimSpace(c.f.text("promql"))
	if c.m.PromQL == "" || len(c.m.PromQL) > oncall.MaxExpression {
		c.l.errorf(c.f.key("promql"), "promql is an expression as in up == 0, of at most 8 KiB")
		return
	}
	e := expressionAt(c.m.ID, c.f.node("promql"))
	e.Paused = c.m.Paused
	c.l.config.expressions = append(c.l.config.expressions, e)
}
