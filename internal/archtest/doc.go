// Package archtest turns the project's own rules into a test: which room may
// import which, where each heavy library lives, how long a file may be, what a
// test must not do, and that errors and dependencies are written up in docs.
//
// The checks are plain functions of names and source text, so that each is
// tested with a planted violation. Nothing outside of tests uses this package.
package archtest
