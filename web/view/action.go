package view

import (
	"hash/fnv"
	"strconv"
)

// Action is something that a reader can do: a form with one button.
type Action struct {
	Label  string
	Path   string // where it is posted, without Base
	Icon   string // "" for none
	Key    string // of the keyboard, "" for none
	Fields []Hidden
	// Confirm is the question that is asked first; "" asks nothing. ID then has to
	// be given where the same action stands on a page twice.
	Confirm  string
	ID       string
	Disabled bool
	Why      string // why it is disabled, said beside it; else what it does, on pointing at it
}

// Hidden is a value that goes with an action.
type Hidden struct{ Name, Value string }

// id names the box that asks for a confirmation.
func (a Action) id() string {
	if a.ID != "" {
		return a.ID
	}
	h := fnv.New64a()
	for _, part := range []string{a.Path, a.Label, a.Confirm} {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	for _, f := range a.Fields {
		_, _ = h.Write([]byte(f.Name + "\x00" + f.Value + "\x00"))
	}
	return "ask-" + strconv.FormatUint(h.Sum64(), 36)
}
