package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Severity says whether a problem keeps the folder from being used.
type Severity string

// The severities of a problem.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is something wrong at a place of the folder. Line and Column count
// from 1; a Line of 0 is the file, or the folder, as a whole.
type Problem struct {
	File         string
	Line, Column int
	Severity     Severity
	Message      string
	// Pointer is the JSON pointer of the member that it is about, as ReadMonitor
	// knows it; "" for the whole, and for problems of files.
	Pointer string
}

// String is "file:line:col: message", as editors and CI read it; a warning says
// so before its message.
func (p Problem) String() string {
	message := p.Message
	if p.Severity == Warning {
		message = "warning: " + message
	}
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, message)
	case p.File != "":
		return p.File + ": " + message
	}
	return message
}

// Failed reports whether there is an error among the problems.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

// Report writes the problems, one a line, and reports whether there is an error
// among them.
func Report(w io.Writer, problems []Problem) bool {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	return Failed(problems)
}

// Sorted are problems in the order of their places, each once.
func Sorted(problems []Problem) []Problem { return sortProblems(problems) }

func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(problems)
}
