// Package demo shows the whole path on one machine with no account anywhere: a
// shop that can be broken, a prober that watches it, a toban of its own (a
// child process with a store of its own), and telephones that ring nobody. It
// is the parent of all of them, so that they can be killed and come back, and
// it leaves nothing behind.
//
// Nothing is hurried and nothing is staged but the people: what is printed is
// what the child's timeline says, in real seconds.
package demo
