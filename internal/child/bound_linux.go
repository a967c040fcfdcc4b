package child

import (
	"os"
	"syscall"
)

// self is this program as it runs, even when its file has been replaced since:
// parent and child are of one version.
func self() string { return "/proc/self/exe" }

// bound puts the child in a process group of its own, so that the terminal's
// signals go to the parent, which ends it in order, and has the kernel kill it
// when this process is gone in any way.
func bound() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// kill ends the child and its group.
func kill(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // gone already is as good
	_ = p.Kill()                              // likewise
}
