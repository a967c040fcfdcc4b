// Package jq compiles the jq that people write for toban, so that whatever comes
// in, it is over soon and takes little memory: conditions on the answer of a
// target, and mappings of what a sender posts. Both are without files, network and
// environment.
//
// What runs in one step can't be stopped, so every step is bounded before it is
// taken; what runs in many steps ends when its context does. A condition, which
// anybody who may make a monitor writes, has in addition no steps that multiply.
package jq

import (
	"context"
	"fmt"
	"iter"

	"github.com/itchyny/gojq"
)

// Program is a condition or a mapping, compiled.
type Program struct {
	text   string
	code   *gojq.Code
	copies int
}

// Condition compiles a condition and refuses what could take long or much memory
// on some body.
func Condition(text string) (*Program, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("a condition of more than %d bytes", maxCondition)
	}
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	l := language{most: 1}
	if _, err := l.query(query, one); err != nil {
		return nil, err
	}
	return compile(text, query, l.most)
}

// Mapping compiles a mapping. It may do what a condition may and more, but for
// what could take long in one step.
func Mapping(text string) (*Program, error) {
	if len(text) > maxMapping {
		return nil, fmt.Errorf("a mapping of more than %d bytes", maxMapping)
	}
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	if err := mapping(query, 0); err != nil {
		return nil, err
	}
	return compile(text, query, 1)
}

func parse(text string) (*gojq.Query, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("this is no jq: %w", err)
	}
	return query, nil
}

func compile(text string, query *gojq.Query, copies int) (*Program, error) {
	code, err := gojq.Compile(query, append(bounds(), gojq.WithEnvironLoader(func() []string { return nil }))...)
	if err != nil {
		return nil, fmt.Errorf("this is no jq: %w", err)
	}
	return &Program{text, code, copies}, nil
}

// Copies are how many copies of its input a condition holds at once, at most.
func (p *Program) Copies() int { return p.copies }

// String is the program as it was written.
func (p *Program) String() string { return p.text }

// Run yields the results of the program on v, and an error as the last of them when
// there is one: that of ctx when it is over.
func (p *Program) Run(ctx context.Context, v any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for run := p.code.RunWithContext(ctx, v); ; {
			v, more := run.Next()
			if !more {
				return
			}
			if err, failed := v.(error); failed {
				yield(nil, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}
