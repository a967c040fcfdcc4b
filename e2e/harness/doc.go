// Package harness runs the real program for end-to-end tests: the built binary
// with a configuration folder and a store, started, killed, frozen and stopped
// at will, and spoken to as its senders and its operators do.
//
// The program never outlives the test: it reads the standard input that the
// test holds open, so it ends even when the test itself is killed.
package harness
