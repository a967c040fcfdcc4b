// Package chaos kills toban with SIGKILL at random moments of its responses and
// judges afterwards whether it kept its promises: nothing accepted is lost (R1),
// nobody waits in silence (R13), nobody is called who need not be (R15, R18), and
// every second call for the same thing has its reason (R23).
//
// What will happen is a plan made of a seed: who says what and when, how people
// and the provider behave, when toban is killed. What did happen is a record, and
// the judge is a function of the record alone, so that its own eyes are tested
// too: a judge that sees nothing finds nothing.
package chaos
