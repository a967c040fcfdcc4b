package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
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

// noFiles is set for the process that has no free file.
const noFiles = "TOBAN_TEST_NO_FILES"

func TestWithoutAFreeFileNothingIsSaidOfAnyTarget(t *testing.T) {
	t.Parallel()
	if os.Getenv(noFiles) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), noFiles+"=1")
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "asked without a file") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var open []*os.File
	defer func() {
		for _, f := range open {
			f.Close()
		}
	}()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		open = append(open, f)
	}
	modules, problems := Load([]byte("modules: { http: { prober: http }, tcp: { prober: tcp }, icmp: { prober: icmp }, dns: { prober: dns, dns: { query_name: example.jp } }, certificate: { prober: certificate }, grpc: { prober: grpc } }"))
	if len(modules) != 6 {
		t.Fatal(problems)
	}
	for name, target := range map[string]string{
		"http": "http://127.0.0.1:1/", "tcp": "127.0.0.1:1", "icmp": "127.0.0.1", "dns": "127.0.0.1:1", "certificate": "127.0.0.1:1", "grpc": "127.0.0.1:1",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		r := modules[name].Checker(Options{Guard: Guard{AllowPrivate: true}}).Check(ctx, target)
		cancel()
		if r.Up || !r.Reason.OwnTrouble() {
			t.Errorf("%s: got %s (%s), want toban's own trouble", name, r.Reason, r.Message)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if r := modules["http"].Checker(Options{}).Check(ctx, "http://nobody.example.jp/"); !r.Reason.OwnTrouble() {
		t.Errorf("a name: got %s (%s), want toban's own trouble", r.Reason, r.Message)
	}
	t.Log("asked without a file")
}
