package live

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"toban/store"
)

// View is what a stream shows: which changes concern it, and how they are drawn.
type View struct {
	// Key names the view: who has the same key gets the same bytes. It holds all
	// that Render depends on: the page, the language, the zone, the role.
	Key string
	// Topics reports whether a change concerns the view. It must be quick.
	Topics func(store.Change) bool
	// Render draws what has changed, each topic and ref once. Where more has changed
	// than is worth telling, it is one change of store.TopicIncidents. It reads the
	// store by itself; ctx is not that of a request. When it fails it is asked
	// again, and at last the page has to ask for itself anew.
	Render func(ctx context.Context, changes []store.Change) ([]Patch, error)

	// Next is the first moment behind a time at which something else is to be seen
	// although nothing was changed, such as a hand-over; zero = none. At that moment
	// the view is drawn as for a change of store.TopicDirectory. nil = there is none.
	Next func(ctx context.Context, behind time.Time) time.Time

	// Account is who looks on, for the bound on streams; "" = bound by Max alone.
	Account string
	// Session is what EndSession ends; "" = none. Until is when it ends by
	// itself; zero = never.
	Session string
	Until   time.Time
	// Holds reports whether the client may still look on; it is asked every few
	// seconds. nil = it may until Session or Until ends.
	Holds func(ctx context.Context) bool
}

// Patch is HTML that a page puts into place: whole elements with ids. A
// <template data-remove="id"> takes one away.
type Patch struct{ HTML string }

// Remove is the patch that takes the element with that id away.
func Remove(id string) Patch {
	return Patch{HTML: `<template data-remove="` + escape.Replace(id) + `"></template>`}
}

var escape = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;")

// guarded turns a panic of one view into its error: the others go on.
func guarded(ctx context.Context, view View, list []store.Change) (patches []Patch, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return view.Render(ctx, list)
}

// nextOf is the first moment of a view behind a time, zero for none.
func nextOf(ctx context.Context, view View, behind time.Time) (at time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if view.Next == nil {
		return time.Time{}, nil
	}
	return view.Next(ctx, behind), nil
}

// frame is an event in the form of the protocol. A carriage return would end a
// line there as a line feed does.
func frame(id int64, name, data string) []byte {
	var b strings.Builder
	b.WriteString("id: " + strconv.FormatInt(id, 10) + "\nevent: " + name + "\n")
	data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
	for line := range strings.SplitSeq(data, "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteString("\n")
	return []byte(b.String())
}

// number reads the id of an event; false for what never was one.
func number(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n > 0
}
