package child

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// drain is how long the output of a child is still read after its end, when
// somebody it has started holds on to it.
const drain = time.Second

// process is one life of a child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	heard *heard
	done  chan struct{} // closed when it has ended
	err   error         // how, to be read after done
}

func start(o Options, h *heard) (*process, error) {
	path := cmp.Or(o.Path, self())
	cmd := exec.Command(path, o.Args...) //nolint:gosec // the caller's program
	if o.Path == "" {
		cmd.Args[0] = os.Args[0] // what a list of processes shows
	}
	cmd.Env, cmd.Dir, cmd.WaitDelay = o.Env, o.Dir, drain
	cmd.Stdout, cmd.Stderr = &lines{each: h.out}, &lines{each: h.err}
	cmd.SysProcAttr = bound()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, heard: h, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() { // ends with the child
		// The kernel tells a child of its parent's death when the *thread* that
		// started it ends, so that thread stays until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		h.end()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	return p, nil
}

// stop asks the child to end, by the end of its input and by SIGTERM, and kills
// it with all that it has started when that takes longer than within.
func (p *process) stop(within time.Duration) {
	_ = p.stdin.Close()                       // gone already is as good
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // likewise
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		kill(p.cmd.Process)
		<-p.done
	}
}

var errEnded = errors.New("it ended by itself")

// exit is how the child has ended, with what it said last of it.
func (p *process) exit() error {
	err := p.err
	if err == nil {
		err = errEnded
	}
	if why := p.heard.why(); why != "" {
		return fmt.Errorf("%w: %s", err, why)
	}
	return err
}
