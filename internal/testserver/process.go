package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// logTail bounds what of a server's log is shown.
const logTail = 16 << 10

// program is how to start a server, again and again the same way.
type program struct {
	path     string
	args     []string
	dir      string              // working folder
	logFile  string              // output is appended
	user     *syscall.Credential // nil: whoever runs this process
	farewell syscall.Signal      // what it gets when this process dies
}

// process is one run of a program.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended, to be read after done
}

func (p program) start() (*process, error) {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Env = p.dir, environment(p.path)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = child(p.farewell)
	cmd.SysProcAttr.Credential = p.user
	run := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The parent's death is told to a child when the *thread* that
		// started it ends, so that thread stays until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		run.err = cmd.Wait()
		close(run.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return run, nil
}

// end sends sig and waits; after grace it kills.
func (r *process) end(sig syscall.Signal, grace time.Duration) error {
	if err := r.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-r.done:
		return nil
	case <-late.C:
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-r.done
	return fmt.Errorf("it did not end within %s of %s and was killed", grace, sig)
}

// wait asks ready until it answers nil, the process ends, or ctx does.
func (r *process) wait(ctx context.Context, ready func(context.Context) error) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	var last error
	for {
		select {
		case <-r.done:
			return fmt.Errorf("it ended by itself: %w", r.err)
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (%w)", ctx.Err(), last)
		case <-pause.C:
		}
		if last = ready(ctx); last == nil {
			return nil
		}
		pause.Reset(20 * time.Millisecond)
	}
}

// tail is the end of a log file from a place on.
func tail(logFile string, from int64) string {
	f, err := os.Open(logFile)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size()-from > logTail {
		from = info.Size() - logTail
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, logTail))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// freePort picks a port below the range from which the kernel serves outgoing
// connections, so that nobody takes it between a stop and a restart.
func freePort() (int, error) {
	var last error
	for range 50 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("no free port: %w", last)
}

// guardFolder removes dir when the returned function is called or when this
// process is gone, however it went: a shell waits for the end of its input,
// which only this process holds open.
func guardFolder(dir string) (remove func() error, err error) {
	const script = `cat; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" && [ ! -e "$0" ] && exit 0; sleep 0.3; done`
	guard := exec.Command("/bin/sh", "-c", script, dir)
	guard.Dir = filepath.Dir(dir)
	guard.Env = []string{"PATH=/usr/bin:/bin"}
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	input, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, err
	}
	return func() error {
		input.Close()
		return guard.Wait()
	}, nil
}
