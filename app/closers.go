package app

import (
	"errors"
	"fmt"
	"slices"
)

// closers undo what has been set up, last first. Each is pushed the moment the
// thing it ends exists, so that a start that fails half-way undoes just that.
type closers []closer

type closer struct {
	name string
	fn   func() error
}

func (c *closers) push(name string, fn func() error) { *c = append(*c, closer{name, fn}) }

func (c closers) close() (err error) {
	for _, each := range slices.Backward(c) {
		if e := each.fn(); e != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", each.name, e))
		}
	}
	return err
}
