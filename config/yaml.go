package config

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"toban/internal/yamltoken"
)

// Limits of one file. The parser takes time with the square of the keys of one
// mapping and stack with the depth: what is beyond these is refused before it
// sees it.
const (
	maxFileSize = 1 << 20
	maxDepth    = 32
	maxKeys     = 10_000 // that begin in one column
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
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if len(raw) > maxFileSize {
		return nil, []Problem{at.problem(Error, "the file is larger than 1 MiB; split it")}
	}
	if line := invalidLine(raw); line > 0 {
		at.line = line
		return nil, []Problem{at.problem(Error, "this line is not UTF-8 text")}
	}
	tokens := yamltoken.Rejoin(lexer.Tokenize(string(raw)))
	if p, bad := refuse(at, tokens); bad {
		return nil, []Problem{p}
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []Problem{syntaxProblem(at, err)}
	}
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		c := converter{file: file}
		n := c.convert(doc.Body, 0)
		problems = append(problems, c.problems...)
		if root != nil {
			return root, append(problems, n.problem(Error, "a file is one document; move what is behind --- into a file of its own"))
		}
		root = n
	}
	return root, problems
}

// invalidLine returns the first line that is not UTF-8, or 0.
func invalidLine(raw []byte) int {
	if utf8.Valid(raw) {
		return 0
	}
	for i, line := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 1
}

// refuse looks for what toban's YAML leaves out, and for what would take the
// parser too long.
func refuse(at *node, tokens token.Tokens) (Problem, bool) {
	depth, entries, line := 0, 0, 0
	keys := map[int]int{}
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		here := &node{file: at.file, line: t.Position.Line, column: t.Position.Column}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return here.problem(Error, "anchors, aliases and merge keys are not used here: write it out, so that a change shows where it acts"), true
		case token.TagType, token.DirectiveType:
			return here.problem(Error, "tags and directives are not used here"), true
		case token.MappingKeyType:
			return here.problem(Error, "write a key as `key: value`"), true
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		case token.MappingValueType:
			keys[t.Position.Column]++
		}
		if depth > maxDepth || entries > maxDepth {
			return here.problem(Error, "this is nested deeper than %d levels", maxDepth), true
		}
		if keys[t.Position.Column] > maxKeys {
			return here.problem(Error, "the file has more than %d keys in one column; split it", maxKeys), true
		}
	}
	return Problem{}, false
}

func syntaxProblem(at *node, err error) Problem {
	syntax, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok {
		return at.problem(Error, "this can't be read as YAML")
	}
	if t := syntax.GetToken(); t != nil && t.Position != nil {
		at.line, at.column = t.Position.Line, t.Position.Column
	}
	return at.problem(Error, "%s", syntax.GetMessage())
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
