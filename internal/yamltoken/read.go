package yamltoken

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
)

// Limits of one text. The parser takes time with the square of the keys of one
// mapping and stack with the depth: what is beyond these is refused before it
// sees it.
const (
	MaxBytes = 1 << 20
	MaxDepth = 32
	MaxKeys  = 10_000 // that begin in one column
)

// Fault is what keeps a text from being read, at its place.
type Fault struct {
	Line, Column int // from 1
	Message      string
}

// Read parses a text and returns the bodies of its documents, those that have
// something in them. plain refuses anchors, aliases, merge keys and tags.
// Duplicate keys are the caller's to find: it knows what they mean. It stops at the
// first thing that is no YAML.
func Read(raw []byte, plain bool) (documents []ast.Node, fault *Fault) {
	defer func() {
		if r := recover(); r != nil { // the library's bug is the text's problem, not the program's end
			documents, fault = nil, &Fault{1, 1, "this can't be read as YAML"}
		}
	}()
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if len(raw) > MaxBytes {
		return nil, &Fault{1, 1, "the file is larger than 1 MiB; split it"}
	}
	if line := invalidLine(raw); line > 0 {
		return nil, &Fault{line, 1, "this line is not UTF-8 text"}
	}
	tokens := Rejoin(lexer.Tokenize(string(raw)))
	if fault := refuse(tokens, plain); fault != nil {
		return nil, fault
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(err)
	}
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); !comment {
			documents = append(documents, doc.Body)
		}
	}
	return documents, nil
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

// refuse looks for what is left out here, and for what would take the parser too
// long.
func refuse(tokens token.Tokens, plain bool) *Fault {
	depth, entries, line := 0, 0, 0
	keys := map[int]int{}
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		here := func(message string) *Fault { return &Fault{t.Position.Line, t.Position.Column, message} }
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			if plain {
				return here("anchors, aliases and merge keys are not used here: write it out, so that a change shows where it acts")
			}
		case token.TagType:
			if plain {
				return here("tags and directives are not used here")
			}
		case token.DirectiveType:
			if plain {
				return here("tags and directives are not used here")
			}
			return here("directives are not used here")
		case token.MappingKeyType:
			return here("write a key as `key: value`")
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		case token.MappingValueType:
			keys[t.Position.Column]++
		}
		if depth > MaxDepth || entries > MaxDepth {
			return here(fmt.Sprintf("this is nested deeper than %d levels", MaxDepth))
		}
		if keys[t.Position.Column] > MaxKeys {
			return here(fmt.Sprintf("the file has more than %d keys in one column; split it", MaxKeys))
		}
	}
	return nil
}

func syntaxFault(err error) *Fault {
	syntax, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok {
		return &Fault{1, 1, "this can't be read as YAML"}
	}
	fault := &Fault{1, 1, syntax.GetMessage()}
	if t := syntax.GetToken(); t != nil && t.Position != nil {
		fault.Line, fault.Column = t.Position.Line, t.Position.Column
	}
	return fault
}
