// Package intake is where senders come in: it knows each sender's dialect, who
// may speak it, and what that sender must be answered so that it repeats what
// could not be kept. It decides nothing about alerts; it hands signals to
// Accept and answers 2xx only after Accept has returned.
//
// A dialect is a file of its own: alertmanager.go, generic.go, ….
package intake
