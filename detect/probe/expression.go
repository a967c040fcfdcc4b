package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"

	"toban/detect/probe/tree"
	"toban/internal/expression"
)

// maxWork is how many instructions times bytes of an answer an expression may take
// while a check's time is looked at in between.
const maxWork = 1_000_000_000

// Expression reads a regular expression that a target's answer is looked at
// with, and refuses one that would take too long.
func Expression(text string) (*regexp.Regexp, error) { return expression.Compile(text) }

// maxPrograms bounds the instructions of all expressions of one module together:
// they are kept as long as the module is.
const maxPrograms = 20_000

// expressions reads those of one module.
func expressions() tree.Reader {
	all := 0
	return tree.ReaderOf[*regexp.Regexp](func(n *tree.Node) (*regexp.Regexp, []Problem) {
		if n.Kind != tree.Scalar {
			return nil, []Problem{n.Problem("a regular expression is wanted, not %s", n.Kind)}
		}
		e, err := Expression(n.Text)
		if err != nil {
			return nil, []Problem{n.Problem("%v", err)}
		}
		size, _ := expression.Size(n.Text) // it has been read
		if all += size; all > maxPrograms {
			return nil, []Problem{n.Problem("the regular expressions up to this one have more than %d steps together; use fewer, or repeat less often in them", maxPrograms)}
		}
		return e, nil
	})
}

// tooLongFor says that a text is too long for an expression.
type tooLongFor struct {
	expression *regexp.Regexp
	most       int
}

func (e *tooLongFor) Error() string {
	return fmt.Sprintf("there are more than %d bytes, too many for %s; write an expression that repeats less often", e.most, shorten(e.expression))
}

// matches reports whether e matches text, until ctx is over.
func matches(ctx context.Context, e *regexp.Regexp, text []byte) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	in, err := lookedAt(ctx, e, text)
	if in == nil || err != nil {
		return err == nil && e.Match(text), err
	}
	found := e.MatchReader(in)
	if in.stopped {
		return false, ctx.Err()
	}
	return found, nil
}

// submatches are where e and its groups match text; nil where they don't.
func submatches(ctx context.Context, e *regexp.Regexp, text []byte) ([]int, error) {
	in, err := lookedAt(ctx, e, text)
	if in == nil || err != nil {
		if err != nil {
			return nil, err
		}
		return e.FindSubmatchIndex(text), nil
	}
	found := e.FindReaderSubmatchIndex(in)
	if in.stopped {
		return nil, ctx.Err()
	}
	return found, nil
}

// lookedAt is text as an expression reads it that may take long, nil for one
// that does not.
func lookedAt(ctx context.Context, e *regexp.Regexp, text []byte) (*stoppable, error) {
	if len(text) <= expression.MaxUnseen/expression.MaxProgram {
		return nil, nil
	}
	size, err := expression.Size(e.String())
	if err != nil {
		return nil, err
	}
	switch {
	case len(text) <= expression.MaxUnseen/size:
		return nil, nil
	case len(text) > maxWork/size:
		return nil, &tooLongFor{e, maxWork / size}
	}
	return &stoppable{ctx: ctx, text: bytes.NewReader(text)}, nil
}

// stoppable is a text that ends when its context does.
type stoppable struct {
	ctx     context.Context
	text    *bytes.Reader
	read    int
	stopped bool
}

// ReadRune implements io.RuneReader.
func (s *stoppable) ReadRune() (r rune, size int, err error) {
	const each = 1 << 10
	if s.read++; s.read%each == 0 {
		if err := s.ctx.Err(); err != nil {
			s.stopped = true
			return 0, 0, err
		}
	}
	return s.text.ReadRune()
}

// unjudged says why an expression could not be looked for in something.
func unjudged(err error) string {
	if long, ok := errors.AsType[*tooLongFor](err); ok {
		return "could not be judged: " + long.Error()
	}
	return "could not be judged in time by the regular expression"
}

// slowReason is the reason of what was not judged: time where that was over.
func slowReason(ctx context.Context, otherwise Reason) Reason {
	if ctx.Err() != nil {
		return ReasonTimeout
	}
	return otherwise
}
