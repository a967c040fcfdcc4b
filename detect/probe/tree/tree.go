// Package tree reads YAML into nodes that know their line and column, and puts
// nodes into structs. It reads what people bring along: anchors, aliases and
// merge keys are followed, words of YAML 1.1 such as "yes" are booleans where
// one is wanted. Unknown and repeated keys are errors with a place, and one look
// at a file finds all there are.
package tree

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind is what a node is.
type Kind string

// The kinds of nodes, in the words of a message.
const (
	Empty   Kind = "nothing"
	Scalar  Kind = "one value"
	List    Kind = "a list"
	Mapping Kind = "keys with values"
)

// Node is a value of the document.
type Node struct {
	Line, Column int // from 1; of a mapping its first key
	Kind         Kind
	Text         string // of a scalar, without its quotes
	Quoted       bool   // the scalar is a text whatever it looks like
	List         []*Node
	Pairs        []Pair

	size int // nodes in it, those behind aliases each time anew
}

// Pair is a key and its value.
type Pair struct{ Key, Value *Node }

// Problem is something wrong at a place.
type Problem struct {
	Line, Column int // from 1
	Message      string
	Warning      bool // it can be lived with
	Unknown      bool // it is a key that is not known; the others were read
}

// String is "line:column: message".
func (p Problem) String() string {
	if p.Warning {
		return fmt.Sprintf("%d:%d: warning: %s", p.Line, p.Column, p.Message)
	}
	return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
}

// Failed reports whether there is an error among the problems.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// Sort orders problems by their place and leaves repetitions out.
func Sort(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(problems)
}

// Problem is an error at n; a nil node is the document's beginning.
func (n *Node) Problem(format string, args ...any) Problem {
	p := Problem{Line: 1, Column: 1, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		p.Line, p.Column = max(1, n.Line), max(1, n.Column)
	}
	return p
}

// Value is what stands behind a path of keys, nil where there is nothing.
func (n *Node) Value(path ...string) *Node {
	for _, name := range path {
		_, n = n.pair(name)
	}
	return n
}

// Key is the last key of a path; where it is missing, the nearest node in front
// of it, so that every problem has a place.
func (n *Node) Key(path ...string) *Node {
	at := n
	for _, name := range path {
		key, value := n.pair(name)
		if key == nil {
			return at
		}
		at, n = key, value
	}
	return at
}

// Around is what stands behind the key at a place; n where no key is there.
func (n *Node) Around(line, column int) *Node {
	if found := n.behind(line, column); found != nil {
		return found
	}
	return n
}

func (n *Node) behind(line, column int) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key.Line == line && p.Key.Column == column {
			return p.Value
		}
		if found := p.Value.behind(line, column); found != nil {
			return found
		}
	}
	for _, each := range n.List {
		if found := each.behind(line, column); found != nil {
			return found
		}
	}
	return nil
}

// Holds reports whether a key or a value begins at a place in n.
func (n *Node) Holds(line, column int) bool {
	if n == nil {
		return false
	}
	return n.Line == line && n.Column == column ||
		slices.ContainsFunc(n.Pairs, func(p Pair) bool {
			return p.Key.Line == line && p.Key.Column == column || p.Value.Holds(line, column)
		}) || slices.ContainsFunc(n.List, func(each *Node) bool { return each.Holds(line, column) })
}

func (n *Node) pair(name string) (key, value *Node) {
	if n == nil {
		return nil, nil
	}
	for _, p := range n.Pairs {
		if p.Key.Text == name {
			return p.Key, p.Value
		}
	}
	return nil, nil
}

// quote shows what somebody wrote, cut to a length that fits a line.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
