// Package live tells open pages what has changed, by Server-Sent Events.
//
// A commit leaves rows in the table of changes. The hub hears of them, waits a
// moment for more, lets each view draw its elements anew once, and sends the
// same bytes to everybody who looks at that view. A patch is a whole element, so
// that one too many is harmless.
//
// It never waits for a reader: who can't keep up is sent away and comes back
// with the number of the last change it saw, from which the table tells what it
// has missed. It decides nothing about what is shown, and it holds nothing that
// a restart could lose.
package live
