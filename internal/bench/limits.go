package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// measureLimits measures what the machine gives: what no figure can be better
// than.
func measureLimits(ctx context.Context, r *runner, _ string) ([]Figure, error) {
	synced, err := syncs(ctx, r.o.Duration)
	if err != nil {
		return nil, fmt.Errorf("fsync: %w", err)
	}
	p99 := percentile(synced, 0.99)
	if percentile(synced, 0.5) < 20*time.Microsecond {
		r.say("the temporary folder %s seems to be in memory: the figures will be too good; set TMPDIR to a disk", os.TempDir())
	}
	rate, err := r.bareRate(ctx)
	if err != nil {
		return nil, fmt.Errorf("bare HTTP: %w", err)
	}
	return []Figure{{"limits.fsync.p99", milliseconds(p99), "ms"}, {"limits.http.rate", rate, "1/s"}}, nil
}

// syncs appends 4 KiB to a file and syncs it, again and again.
func syncs(ctx context.Context, duration time.Duration) (took []time.Duration, err error) {
	f, err := os.CreateTemp("", "toban-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	for began := time.Now(); time.Since(began) < duration && ctx.Err() == nil; {
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		from := time.Now()
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(from))
	}
	return took, ctx.Err()
}

// bareRate is how many signals a second net/http answers when nothing is done
// with them, by the same senders over as many connections as intake.c64, in a
// process of its own as toban is.
func (r *runner) bareRate(ctx context.Context) (rate float64, err error) {
	cmd := exec.Command(r.o.Bare[0], r.o.Bare[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stdin.Close(), cmd.Wait()) }() // it ends with its input
	defer context.AfterFunc(ctx, func() { _ = stdin.Close() })()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, err
	}
	senders, hangUp, err := dialSenders(ctx, strings.TrimSpace(address), callers, quietSignal)
	if err != nil {
		return 0, err
	}
	defer hangUp()
	took, lasted, err := closedLoop(ctx, senders, r.o.Duration, func(int, int) uint64 { return 1 })
	return float64(len(took)) / lasted.Seconds(), err
}

// Bare serves HTTP that reads each request and answers 202, until in ends. Its
// address is the first line that it writes to out.
func Bare(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return // the sender is gone
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }() // ends with Close
	fmt.Fprintln(out, listener.Addr())
	_, _ = io.Copy(io.Discard, in)
	err = server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
