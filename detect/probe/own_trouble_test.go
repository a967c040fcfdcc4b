package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// panics is a checker with a fault of its own.
type panics struct{}

func (panics) Check(context.Context, string) *Result { panic("a bug") }

func TestACheckThatFailsInItselfSaysNothingOfItsTarget(t *testing.T) {
	t.Parallel()
	r := guarded{panics{}, time.Second}.Check(t.Context(), "example.jp")
	if r.Up || r.Reason != ReasonInternal || !r.Reason.OwnTrouble() || r.Evidence == nil {
		t.Errorf("got %+v, want a reason of toban's own, and what happened", r)
	}
}

func TestOnlyWhatKeepsTobanFromAskingIsItsOwnTrouble(t *testing.T) {
	t.Parallel()
	op := func(number syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", number)}
	}
	for err, want := range map[error]bool{
		op(syscall.EMFILE):       true,
		op(syscall.ENOBUFS):      true,
		op(syscall.EACCES):       true,
		op(syscall.ECONNREFUSED): false,
		op(syscall.EHOSTUNREACH): false,
		&net.DNSError{Err: "dial udp: socket: too many open files", Name: "example.jp"}: true,
		&net.DNSError{Err: "no such host", Name: "example.jp", IsNotFound: true}:        false,
		context.DeadlineExceeded:  false,
		errors.New("unexplained"): false,
	} {
		if reason, message := reasonOf(err); reason.OwnTrouble() != want {
			t.Errorf("%v: got %s (%s), own trouble is to be %t", err, reason, message, want)
		}
	}
}
