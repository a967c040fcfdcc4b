package respond

import (
	"time"

	"toban/oncall"
)

// Advance stands for oncall.Response.Advance.
type Advance = func(oncall.Response, oncall.Input, oncall.World, time.Time) (oncall.Response, []oncall.Effect)

// WithMachine are options whose driver asks f instead of the machine.
func WithMachine(f Advance) Options { return Options{advance: f} }
