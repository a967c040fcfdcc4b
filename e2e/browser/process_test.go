package browser_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"toban/e2e/harness"
)

// process is the program with arguments of a test's own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// Write keeps what the program says.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

// said is what it has said so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// run starts the program; it ends with the test at the latest.
func run(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(harness.Binary(t), args...), done: make(chan struct{})}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TOBAN_") {
			p.cmd.Env = append(p.cmd.Env, e)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the program
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is looked at by who asks
	}()
	t.Cleanup(func() {
		p.interrupt()
		if t.Failed() {
			t.Logf("the program said:\n%s", harness.LastLines(p.said(), 40))
		}
	})
	return p
}

// interrupt is Ctrl-C; it returns the exit code.
func (p *process) interrupt() int {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT) // gone already is as good
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("the program did not end after Ctrl-C")
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.stdin.Close()
	return p.cmd.ProcessState.ExitCode()
}

// ended waits for a program that ends by itself, and returns its exit code.
func (p *process) ended() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("the program still runs:\n%s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// find waits until the program has said what a pattern finds, and returns the
// pattern's first group.
func (p *process) find(find func(said string) string, what string, most time.Duration) string {
	p.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(most)
	for {
		if found := find(p.said()); found != "" {
			return found
		}
		select {
		case <-tick.C:
		case <-p.done:
			p.t.Fatalf("the program ended before it said %s:\n%s", what, p.said())
		case <-late:
			p.t.Fatalf("after %s the program has not said %s:\n%s", most, what, p.said())
		}
	}
}

// free are three ports, one after the other, that were free just now: a demo takes
// two, and the next ones where its first is taken.
func free(t *testing.T) int {
	t.Helper()
	return harness.Ports(t, 3)
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
