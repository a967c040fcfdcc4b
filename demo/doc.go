// Package demo shows the whole path on one machine with no account anywhere: a
// shop that can be broken, a prober that watches it, telephones and a chat that
// reach nobody, and a page that guides through it. toban itself is a child
// process with a store of its own, so that its plug can be pulled in the middle
// of a call: the shop, the telephones and the guide go on.
//
// Nothing is hurried and nothing is staged but what two of the three people do
// with their telephones: what is shown is what the child's timeline says, in
// real seconds. It leaves nothing behind.
package demo

//go:generate go tool -modfile=../tools/go.mod templ generate -log-level error
