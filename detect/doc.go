// Package detect watches: it asks the targets of monitors on time, decides with
// the rules of package oncall whether they are up, down or unknown, and says so
// to whoever takes signals, like any other sender.
//
// Paging never waits for anything here but the store. A result is judged at
// once, in memory; what follows from it is accepted first and saved then, in
// order for each monitor and again until it works, while the checks go on. So a
// crash repeats a signal at worst, which is no second alert, and never loses
// one. Samples for the metrics go out beside it, best effort.
package detect
