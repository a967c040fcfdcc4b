package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// written notes how a text is written, as far as its token says.
func (n *node) written(t *token.Token) {
	if t == nil {
		return
	}
	switch t.Type {
	case token.StringType:
		n.style = plainStyle
	case token.SingleQuoteType:
		n.style = singleStyle
	case token.DoubleQuoteType:
		n.style = doubleStyle
	}
	n.whole = !strings.Contains(strings.TrimSpace(t.Origin), "\n")
}

// literal notes where the lines of a text behind | begin.
func (n *node) literal(v *ast.LiteralNode) {
	if v.Start == nil || !strings.HasPrefix(v.Start.Value, "|") || v.Value.Token == nil {
		return
	}
	for line := range strings.Lines(v.Value.Token.Origin) {
		if text := strings.TrimLeft(line, " "); strings.TrimSpace(text) != "" {
			n.style, n.indent = literalStyle, len(line)-len(text)
			return
		}
	}
}
