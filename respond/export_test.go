package respond

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// Advance stands for oncall.Response.Advance.
type Advance = func(oncall.Response, oncall.Input, oncall.World, time.Time) (oncall.Response, []oncall.Effect)

// WithMachine are options whose driver asks f instead of the machine.
func WithMachine(f Advance) Options { return Options{advance: f} }

// Due is the handler of the timers of kind "response".
func (d *Driver) Due(ctx context.Context, tx *store.Tx, refs []string) error {
	return d.due(ctx, tx, refs)
}
