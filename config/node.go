package config

import "fmt"

// kind is what a node of the document is.
type kind int

const (
	empty  kind = iota // nothing behind the key
	scalar             // text, number, true or false
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "a text", "a list", "a mapping"}[k]
}

// node is a value of the document and where it is written.
type node struct {
	file         string
	line, column int
	kind         kind
	text         string // of a scalar, as it is written, without its quotes
	list         []*node
	pairs        []pair

	// How a scalar is written; see inside.
	style  style
	indent int  // of a literal's lines
	whole  bool // it stands in the file as it is, in one line
}

// style is how a scalar is written.
type style int

const (
	otherStyle style = iota // folded, a number, …
	plainStyle
	singleStyle
	doubleStyle
	literalStyle
)

// pair is a key of a mapping with its value, in the order of the file.
type pair struct{ key, value *node }

func (n *node) place() string { return fmt.Sprintf("%s:%d:%d", n.file, n.line, n.column) }

func (n *node) problem(s Severity, format string, args ...any) Problem {
	return Problem{File: n.file, Line: n.line, Column: n.column, Severity: s, Message: fmt.Sprintf(format, args...)}
}
