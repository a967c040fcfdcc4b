package promapi

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Types of a QueryError.
const (
	BadData   = "bad_data"  // the query can't be read
	Execution = "execution" // it can't be evaluated, as when labels meet twice or it holds too many samples
)

// QueryError is what Prometheus says of a query that it does not answer.
type QueryError struct {
	Type string
	Text string // in Prometheus' words
	// Line and Column are where the query can't be read, both from 1, in bytes;
	// zero = it was not said.
	Line, Column int
}

func (e *QueryError) Error() string { return "query: " + e.Text }

var position = regexp.MustCompile(`(?s)^(?:invalid parameter "query": )?(?:(\d+):(\d+): )?(?:parse error: )?(.*)$`)

// maxText is how much of the words of an error is kept.
const maxText = 1000

// failure is the error of an answer that is none.
func failure(kind, text string, status int) error {
	switch {
	case kind == "timeout", kind == "canceled":
		return ErrSlow
	case kind == "unavailable", kind == "internal", status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrDown
	}
	e := &QueryError{Type: kind}
	m := position.FindStringSubmatch(text)
	e.Line, _ = strconv.Atoi(m[1])   // zero where there is none
	e.Column, _ = strconv.Atoi(m[2]) // likewise
	e.Text = m[3]
	if len(e.Text) > maxText {
		e.Text = strings.ToValidUTF8(e.Text[:maxText], "") + "…"
	}
	return e
}

// Offset is where in the query its error is, in bytes; ok is false where that was
// not said.
func (e *QueryError) Offset(query string) (at int, ok bool) {
	if e.Line < 1 || e.Column < 1 {
		return 0, false
	}
	for range e.Line - 1 {
		_, rest, more := strings.Cut(query[at:], "\n")
		if !more {
			return 0, false
		}
		at = len(query) - len(rest)
	}
	at += e.Column - 1
	return min(at, len(query)), true
}
