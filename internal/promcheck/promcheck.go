// Package promcheck is the question what is wrong with PromQL, and how its answer
// is read. Only the command `metrics` can answer it: whatever else parsed PromQL
// would link a Prometheus. So it is asked as a program, by `toban check` and by a
// running toban alike, and both read the same words.
package promcheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Limit is how much an answer may be, in bytes.
const Limit = 16 << 20

// Fault is what is wrong with one of the expressions.
type Fault struct {
	Index        int // in the list that was asked about
	Line, Column int // in the expression, from 1
	Message      string
}

// Args are those of the command `metrics`.
func Args() []string { return []string{"check", "--expressions"} }

// Input is what the command reads on its standard input.
func Input(list []string) io.Reader {
	text, err := json.Marshal(list)
	if err != nil {
		return strings.NewReader("") // texts always can be; the command refuses this
	}
	return bytes.NewReader(text)
}

var faultLine = regexp.MustCompile(`^([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9}): (.*)$`)

// Read reads what the command has answered about so many expressions, with its
// exit code. The error says that it was no answer.
func Read(answer []byte, code, expressions int) (faults []Fault, err error) {
	if code > 1 {
		return nil, fmt.Errorf("the command metrics ended with code %d", code)
	}
	for line := range strings.Lines(string(answer)) {
		m := faultLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue // what is to be pasted, of which expressions have nothing
		}
		f := Fault{Message: m[4]}
		f.Index, _ = strconv.Atoi(m[1]) // digits, as the next two
		f.Line, _ = strconv.Atoi(m[2])
		f.Column, _ = strconv.Atoi(m[3])
		if f.Index >= expressions {
			return nil, errors.New("the command metrics named an expression that is not there")
		}
		faults = append(faults, f)
	}
	if code == 1 && len(faults) == 0 {
		return nil, errors.New("the command metrics did not say what is wrong")
	}
	return faults, nil
}
