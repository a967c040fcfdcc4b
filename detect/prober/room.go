package prober

import "syscall"

const maxAtOnce = 16384

// room is how many checks the process has files for: each has a socket, and the
// other half is for everything else.
func room() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 512
	}
	return int(min(max(limit.Cur/2, 64), maxAtOnce))
}
