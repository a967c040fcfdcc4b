package probe

import (
	"context"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// deaf is an address at which a connection is neither made nor refused: the queue
// of its listener is full.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
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
		t.Cleanup(func() { _ = conn.Close() })
	}
	return address
}

func TestACheckCanBeStoppedWhileItConnects(t *testing.T) {
	t.Parallel()
	address := deaf(t)
	ctx, cancel := context.WithCancel(WithEvidence(t.Context()))
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	wantDown(t, asking(t).Check(ctx, address), ReasonTimeout, "stopped")
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %s, want about 50 ms", took)
	}
	r := askWithin(t, 200*time.Millisecond, asking(t), address)
	wantDown(t, r, ReasonTimeout, "no connection to "+address+" in time")
	if got := phases(r); got != "resolve connect" {
		t.Errorf("got phases %q, want those that came", got)
	}
}

// This one runs alone: it counts the descriptors of the process.
func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	silent := neighbour(t, waitsForever)
	half := answers(t, sends("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
	good := serves(t, func(int, int, string) (string, bool) { return hello, false })
	none := nobody(t)
	c := asking(t, "keep_alive: true")
	wantUp(t, ask(t, c, good))
	c.(Closer).Close()
	before := count()
	for range 20 {
		wantUp(t, ask(t, c, good))
		wantUp(t, ask(t, asking(t), good))
		wantDown(t, ask(t, c, half), ReasonReset)
		wantDown(t, ask(t, c, none), ReasonRefused)
		wantDown(t, askWithin(t, 10*time.Millisecond, c, silent), ReasonTimeout)
		wantDown(t, askWithin(t, 10*time.Millisecond, c, "https://"+silent), ReasonTimeout)
		wantDown(t, ask(t, c, "https://"+half), ReasonReset)
		wantDown(t, askWithin(t, 10*time.Millisecond, asking(t, "method: POST", "body: a"), silent), ReasonTimeout)
	}
	c.(Closer).Close()
	until(t, "all are closed", func() bool { return count() <= before })
}
