// Package e2e tests the program as a whole, as its users meet it: the built
// binary with real servers around it, killed, frozen and misused.
package e2e
