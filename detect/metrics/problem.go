package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is something in a file that keeps it from working as it was meant.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 when the whole file is meant
	Message      string
	Lines        []string // what to write instead, to be pasted as it is
}

// String is the problem as compilers print it: file:line:column: message, on one
// line. The lines to paste follow as they are; they always begin with a space.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, max(p.Column, 1))
	}
	b.WriteString(": ")
	b.WriteString(strings.Join(strings.Fields(p.Message), " "))
	for _, line := range p.Lines {
		b.WriteString("\n")
		b.WriteString(line)
	}
	return b.String()
}

// problems is an error that tells all of them, a line each.
type problems []Problem

func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, each := range p {
		lines[i] = each.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts problems in the order of files and lines, each once.
func (p problems) sorted() problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Message == b.Message
	})
}
