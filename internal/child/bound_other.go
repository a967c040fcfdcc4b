//go:build !linux

package child

import (
	"os"
	"syscall"
)

// self is this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// bound leaves the child in this process's group: without the kernel's help the
// terminal's signals have to reach it too.
func bound() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func kill(p *os.Process) { _ = p.Kill() } // gone already is as good
