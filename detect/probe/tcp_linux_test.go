package probe

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestAHostThatDropsConnectionsIsATimeout(t *testing.T) {
	t.Parallel()
	// A listener whose queue is full: the system answers nothing, as a firewall
	// that drops packets, or a host that has gone in the middle of it.
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	local, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(local.(*syscall.SockaddrInet4).Port))
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	r := askWithin(t, 500*time.Millisecond, DefaultTCP().Checker(nearby()), address)
	wantDown(t, r, ReasonTimeout, "in time", address)
	wantDown(t, askWithin(t, 500*time.Millisecond, DefaultGRPC().Checker(nearby()), address), ReasonTimeout)
}
