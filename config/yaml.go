package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"toban/internal/yamltoken"
)

// Limits of one file.
const (
	maxFileSize = yamltoken.MaxBytes
	maxDepth    = yamltoken.MaxDepth
)

// parse reads one file into nodes: nil for a file without content. It stops at
// the first thing that is no YAML.
func parse(file string, raw []byte) (root *node, problems []Problem) {
	at := &node{file: file, line: 1, column: 1}
	defer func() {
		if r := recover(); r != nil { // the library's bug is the file's problem, not toban's end
			root, problems = nil, []Problem{at.problem(Error, "this can't be read as YAML")}
		}
	}()
	documents, fault := yamltoken.Read(raw, true)
	if fault != nil {
		at.line, at.column = fault.Line, fault.Column
		return nil, []Problem{at.problem(Error, "%s", fault.Message)}
	}
	for _, body := range documents {
		c := converter{file: file}
		n := c.convert(body, 0)
		problems = append(problems, c.problems...)
		if root != nil {
			return root, append(problems, n.problem(Error, "a file is one document; move what is behind --- into a file of its own"))
		}
		root = n
	}
	return root, problems
}

// converter turns the library's tree into nodes.
type converter struct {
	file     string
	problems []Problem
}

func (c *converter) convert(from ast.Node, depth int) *node {
	n := &node{file: c.file, line: 1, column: 1}
	c.put(n, from)
	if depth > maxDepth {
		c.problems = append(c.problems, n.problem(Error, "this is nested deeper than %d levels", maxDepth))
		return n
	}
	switch v := from.(type) {
	case *ast.MappingNode:
		n.kind = mapping
		for _, value := range v.Values {
			c.pair(n, value, depth)
		}
	case *ast.MappingValueNode:
		n.kind = mapping
		c.pair(n, v, depth)
	case *ast.SequenceNode:
		n.kind = list
		for _, value := range v.Values {
			n.list = append(n.list, c.convert(value, depth+1))
		}
	case *ast.StringNode:
		n.kind, n.text = scalar, v.Value
		n.written(v.Token)
	case *ast.LiteralNode:
		n.kind = scalar
		if v.Value != nil {
			n.text = v.Value.Value
			n.literal(v)
		}
	case *ast.NullNode, nil:
	case ast.ScalarNode:
		n.kind = scalar
		if t := v.GetToken(); t != nil {
			n.text = t.Value
		}
	default:
		c.problems = append(c.problems, n.problem(Error, "this can't be used here"))
	}
	// A mapping's own token is its first colon; its first key is where it is.
	if n.kind == mapping && len(n.pairs) > 0 {
		n.line, n.column = n.pairs[0].key.line, n.pairs[0].key.column
	}
	return n
}

func (c *converter) pair(n *node, v *ast.MappingValueNode, depth int) {
	key := &node{file: c.file, line: n.line, column: n.column, kind: scalar}
	c.put(key, v.Key)
	switch k := v.Key.(type) {
	case *ast.StringNode:
		key.text = k.Value
	case nil:
	default:
		if t := k.GetToken(); t != nil {
			key.text = t.Value
		}
	}
	value := c.convert(v.Value, depth+1)
	if value.kind == empty {
		value.line, value.column = key.line, key.column
	}
	n.pairs = append(n.pairs, pair{key, value})
}

func (c *converter) put(n *node, from ast.Node) {
	if from == nil {
		return
	}
	if t := from.GetToken(); t != nil && t.Position != nil {
		n.line, n.column = t.Position.Line, t.Position.Column
	}
}

// quote shows what somebody wrote, cut to a length that fits a line.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
