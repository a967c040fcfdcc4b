//go:build unix && !linux

package testserver

import "syscall"

// child leaves a server in this process's group: without the kernel's help the
// terminal's signals have to reach it too.
func child(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
