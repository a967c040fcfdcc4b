package child

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Question is a program that is run to its end, for what it answers.
type Question struct {
	Path  string   // of the program; "" = this one
	Args  []string // without the program's name
	Env   []string // the whole environment; nil = this process's
	Input io.Reader
	// Limit is how much it may answer, in bytes; what is beyond is an error.
	Limit int
}

// ErrTalkative is returned for a program that answers more than it may.
var ErrTalkative = errors.New("the program answered more than it may")

// Ask runs a program until it ends or ctx does, and returns what it has written
// to its standard output and its exit code. The error says that there was no
// answer; a code is an answer.
func Ask(ctx context.Context, q Question) (answer []byte, code int, err error) {
	cmd := exec.CommandContext(ctx, cmp.Or(q.Path, self()), q.Args...) //nolint:gosec // the caller's program
	if q.Path == "" {
		cmd.Args[0] = os.Args[0]
	}
	out, errs := &bounded{limit: q.Limit}, &bounded{limit: maxWhy}
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = q.Env, q.Input, out, errs, drain
	err = cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, 0, fmt.Errorf("%w: %s", ctx.Err(), errs.kept.String())
	case out.beyond:
		return nil, 0, ErrTalkative
	case ended && exit.ExitCode() >= 0:
		return out.kept.Bytes(), exit.ExitCode(), nil
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %s", err, errs.kept.String())
	}
	return out.kept.Bytes(), 0, nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	kept   bytes.Buffer
	limit  int
	beyond bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	room := max(b.limit-b.kept.Len(), 0)
	if len(p) > room {
		b.beyond = true
		_, _ = b.kept.Write(p[:room]) // never fails
		return len(p), nil
	}
	return b.kept.Write(p)
}
