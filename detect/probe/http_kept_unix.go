//go:build unix

package probe

import (
	"errors"
	"net"
	"syscall"
)

// quiet reports whether a connection on which nothing is under way is still open
// and nothing came on it: what comes unasked is the end, or no answer of ours.
func quiet(conn net.Conn) bool {
	on, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := on.SyscallConn()
	if err != nil {
		return false
	}
	still := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		still = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		return true // nothing is waited for
	})
	return err == nil && still
}
