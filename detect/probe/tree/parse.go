package tree

import (
	"encoding/base64"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"toban/internal/yamltoken"
)

// Limits of one document, beside those of yamltoken.
const (
	maxDepth = yamltoken.MaxDepth
	maxSize  = 100_000 // nodes, those behind aliases each time anew
)

// Parse reads the first document; nil for one without content. It stops at the
// first thing that is no YAML.
func Parse(raw []byte) (root *Node, problems []Problem) {
	defer func() {
		if r := recover(); r != nil { // the library's bug is the document's problem, not the program's end
			root, problems = nil, []Problem{root.Problem("this can't be read as YAML")}
		}
	}()
	documents, fault := yamltoken.Read(raw, false)
	if fault != nil {
		return nil, []Problem{{Line: fault.Line, Column: fault.Column, Message: fault.Message}}
	}
	if len(documents) == 0 {
		return nil, nil
	}
	c := converter{anchors: map[string]*Node{}}
	root = c.convert(documents[0], 0)
	if root.size > maxSize && !Failed(c.problems) {
		c.problems = append(c.problems, root.Problem("its aliases make more than %d values", maxSize))
	}
	return root, c.problems
}

// converter turns the library's tree into nodes.
type converter struct {
	anchors  map[string]*Node // those whose value is complete
	problems []Problem
}

func (c *converter) bad(n *Node, format string, args ...any) {
	c.problems = append(c.problems, n.Problem(format, args...))
}

func (c *converter) convert(from ast.Node, depth int) *Node {
	n := &Node{Line: 1, Column: 1, Kind: Empty, size: 1}
	place(n, from)
	if depth > maxDepth {
		c.bad(n, "this is nested deeper than %d levels", maxDepth)
		return n
	}
	switch v := from.(type) {
	case *ast.AnchorNode:
		value := c.convert(v.Value, depth+1)
		if v.Name != nil && v.Name.GetToken() != nil {
			c.anchors[v.Name.GetToken().Value] = value
		}
		return value
	case *ast.AliasNode:
		if v.Value != nil && v.Value.GetToken() != nil {
			if known := c.anchors[v.Value.GetToken().Value]; known != nil {
				return known
			}
		}
		c.bad(n, "no anchor of that name is in front of this alias")
	case *ast.TagNode:
		value := c.convert(v.Value, depth+1)
		c.tagged(value, v.Start)
		return value
	case *ast.MappingNode:
		n.Kind = Mapping
		c.pairs(n, v.Values, depth)
	case *ast.MappingValueNode:
		n.Kind = Mapping
		c.pairs(n, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		n.Kind = List
		for _, value := range v.Values {
			item := c.convert(value, depth+1)
			n.List = append(n.List, item)
			n.size = min(n.size+item.size, maxSize+1)
		}
	case *ast.StringNode:
		n.Kind, n.Text = Scalar, v.Value
		t := v.GetToken()
		n.Quoted = t != nil && (t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType)
	case *ast.LiteralNode:
		n.Kind, n.Quoted = Scalar, true
		if v.Value != nil {
			n.Text = v.Value.Value
		}
	case *ast.NullNode, nil:
	case ast.ScalarNode:
		n.Kind = Scalar
		if t := v.GetToken(); t != nil {
			n.Text = t.Value
		}
	default:
		c.bad(n, "this can't be used here")
	}
	// A mapping's own token is its first colon; its first key is where it is.
	if n.Kind == Mapping && len(n.Pairs) > 0 {
		n.Line, n.Column = n.Pairs[0].Key.Line, n.Pairs[0].Key.Column
	}
	return n
}

// tagged reads a value as its tag wants it.
func (c *converter) tagged(n *Node, tag *token.Token) {
	word := ""
	if tag != nil {
		word = tag.Value
	}
	switch {
	case word == "!!int" || word == "!!bool" || word == "!!float" || word == "!!map" || word == "!!seq":
	case word == "!!str" && n.Kind == Scalar:
		n.Quoted = true
	case word == "!!binary" && n.Kind == Scalar:
		bytes, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Text), ""))
		if err != nil {
			c.bad(n, "!!binary is followed by base64")
		}
		n.Text, n.Quoted = string(bytes), true
	default:
		c.bad(n, "the tag %s is not used here", quote(word))
	}
}

// pairs fills a mapping. What a merge key brings gives way to what is written.
func (c *converter) pairs(n *Node, values []*ast.MappingValueNode, depth int) {
	seen := map[string]*Node{}
	var merged []*Node
	for _, v := range values {
		key := &Node{Line: n.Line, Column: n.Column, Kind: Scalar, size: 1}
		place(key, v.Key)
		value := c.convert(v.Value, depth+1)
		if value.Kind == Empty {
			value = &Node{Line: key.Line, Column: key.Column, Kind: Empty, size: 1}
		}
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			merged = append(merged, value)
			continue
		}
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key.Text = k.Value
		case nil:
		default:
			if t := k.GetToken(); t != nil {
				key.Text = t.Value
			}
		}
		if was := seen[key.Text]; was != nil {
			c.bad(key, "%s is there twice; first in line %d", quote(key.Text), was.Line)
			continue
		}
		seen[key.Text] = key
		c.add(n, Pair{key, value})
	}
	for _, m := range merged {
		c.merge(n, m, seen)
	}
}

func (c *converter) add(n *Node, p Pair) {
	n.Pairs = append(n.Pairs, p)
	n.size = min(n.size+1+p.Value.size, maxSize+1)
}

// merge takes over the pairs of from that n does not have. Of several mappings
// the first one wins.
func (c *converter) merge(n, from *Node, seen map[string]*Node) {
	switch from.Kind {
	case Mapping:
		for _, p := range from.Pairs {
			if seen[p.Key.Text] == nil {
				seen[p.Key.Text] = p.Key
				c.add(n, p)
			}
		}
	case List:
		for _, each := range from.List {
			if each.Kind != Mapping {
				c.bad(each, "<< takes the keys of other mappings; this is %s", each.Kind)
				continue
			}
			c.merge(n, each, seen)
		}
	default:
		c.bad(from, "<< takes the keys of other mappings; this is %s", from.Kind)
	}
}

func place(n *Node, from ast.Node) {
	if from == nil {
		return
	}
	if t := from.GetToken(); t != nil && t.Position != nil {
		n.Line, n.Column = t.Position.Line, t.Position.Column
	}
}
