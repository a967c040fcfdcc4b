package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// readyWithin is how long a start of the child may take.
const readyWithin = 20 * time.Second

// lifeline keeps one toban running: a child process that is started again when
// it is gone, whatever way.
type lifeline struct {
	program, config, data, url string
	lang                       string
	changed                    func()
	listener                   *os.File // what each child listens on: the port stays taken while there is none

	mu    sync.Mutex
	cmd   *exec.Cmd
	last  []string // of what it logged, for when it fails
	setup string   // the link of the first start, which makes the first account
	state Plug
	up    chan struct{} // closed at the first readiness
	once  sync.Once
	early int // deaths in a row before it was ready
}

// maxEarly is how often it may be killed in a row before it is ready.
const maxEarly = 50

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Plug is how the child is.
type Plug struct {
	Up     bool
	Pulled time.Time // when it was last killed; zero = never
	Back   time.Time // when it answered again after that
	Pulls  int
	Took   time.Duration // from the first start to readiness
}

func newLifeline(program, config, data, url, lang string, changed func()) *lifeline {
	return &lifeline{program: program, config: config, data: data, url: url, lang: lang, changed: changed, up: make(chan struct{})}
}

// run starts the child, and starts it again when it ends, until ctx ends. A
// start that fails by itself ends the demo: it would fail again.
func (l *lifeline) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := l.live(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// live is one life of the child, from its start to its end.
func (l *lifeline) live(ctx context.Context) error {
	began := time.Now()
	cmd := exec.Command(l.program, "serve", "--config", l.config, "--data", l.data, "--chat-quiet", chatQuiet, "--listen-fd", "3", "--until-stdin-closes", "--temporary") //nolint:gosec // our own binary
	cmd.ExtraFiles = []*os.File{l.listener}                                                                                                                               // 3
	stdin, err := cmd.StdinPipe()                                                                                                                                         // its end is the child's end, whatever becomes of us
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", l.program, err)
	}
	gone := make(chan struct{})
	go func() { // ends with the child's stderr
		defer close(gone)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			l.keep(lines.Text())
		}
		_ = cmd.Wait() // what it logged says more
	}()
	l.set(func() { l.cmd = cmd })
	stop := func() {
		_ = stdin.Close() // gone already is as good
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill() // gone already is as good
			<-gone
		}
	}
	if err := l.ready(ctx, gone); err != nil {
		pulled := isClosed(gone) && cmd.ProcessState.ExitCode() < 0 // by a signal: it did not end by itself
		stop()
		if l.early++; pulled && l.early < maxEarly {
			return nil
		}
		return err
	}
	l.early = 0
	l.set(func() {
		l.state.Up = true
		if l.state.Pulls > 0 {
			l.state.Back = time.Now()
		} else {
			l.state.Took = time.Since(began)
		}
	})
	l.once.Do(func() { close(l.up) })
	select {
	case <-gone:
	case <-ctx.Done():
		stop()
	}
	l.set(func() { l.state.Up = false })
	return nil
}

func (l *lifeline) set(f func()) {
	l.mu.Lock()
	f()
	l.mu.Unlock()
	l.changed()
}

// setUp marks the link that makes the first account in what the child says.
const setUp = "/setup/"

func (l *lifeline) keep(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last = append(l.last, line); len(l.last) > 20 {
		l.last = l.last[1:]
	}
	for word := range strings.FieldsSeq(line) {
		if _, secret, ok := strings.Cut(word, setUp); ok {
			l.setup = strings.Trim(secret, `"'.,`)
		}
	}
}

// ready waits until the child answers.
func (l *lifeline) ready(ctx context.Context, gone <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	go func() { // ends with ctx; without a child a request waits at the listener for one
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10)) // so that the connection is used again
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			if !isClosed(gone) {
				return fmt.Errorf("toban did not answer at %s: %w", l.url, ctx.Err())
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			return fmt.Errorf("toban ended at its start:\n%s", strings.Join(l.last, "\n"))
		case <-tick.C:
		}
	}
}

// errDown is why the plug can't be pulled: it is out already.
var errDown = errors.New("toban is not running at this moment")

// pull kills the child with SIGKILL, as the end of its machine would.
func (l *lifeline) pull() error {
	l.mu.Lock()
	if !l.state.Up || l.cmd == nil {
		l.mu.Unlock()
		return errDown
	}
	cmd := l.cmd
	l.state.Up, l.state.Pulled, l.state.Back = false, time.Now(), time.Time{}
	l.state.Pulls++
	l.mu.Unlock()
	l.changed()
	return cmd.Process.Kill()
}

// plug is how the child is now.
func (l *lifeline) plug() Plug {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// setupSecret is the secret of the first start's set-up link, "" without one.
func (l *lifeline) setupSecret() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.setup
}
