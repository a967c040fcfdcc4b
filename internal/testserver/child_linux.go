package testserver

import "syscall"

// child puts a server in a process group of its own, so that Ctrl-C ends the
// test first, and has the kernel end it when this process dies in any way.
func child(farewell syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: farewell}
}
