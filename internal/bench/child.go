package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a toban serve of its own process, as users run it.
type child struct {
	Address string        // of the main listener
	Ready   time.Duration // from its start until it said that it is ready

	cmd   *exec.Cmd
	stdin io.Closer // while it is open the child runs, so it ends with this process
	ended chan struct{}
	said  *said
	api   *http.Client
}

// said keeps the end of what a child writes.
type said struct {
	mu    sync.Mutex
	lines []string
}

const keptLines = 40

func (s *said) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines = append(s.lines, line); len(s.lines) > keptLines {
		s.lines = s.lines[1:]
	}
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// startWithin and stopWithin bound a child's start and its end.
const (
	startWithin = 30 * time.Second
	stopWithin  = 20 * time.Second
)

// startChild runs program on a configuration and a data folder, with the store
// at dsn ("" = the embedded one), and returns when it is ready.
func startChild(ctx context.Context, program []string, config, data, dsn string) (_ *child, err error) {
	args := append(program[1:len(program):len(program)], "serve", "--config", config, "--data", data, "--listen", "127.0.0.1:0", "--until-stdin-closes")
	cmd := exec.Command(program[0], args...)
	cmd.Env = append(environment(), secrets()...)
	if dsn != "" {
		cmd.Env = append(cmd.Env, "TOBAN_DATABASE_URL="+dsn)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this process, which then ends it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, stdin: stdin, ended: make(chan struct{}), said: &said{}}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() { // ends with the child
		defer close(c.ended)
		c.read(stderr, address)
		_ = cmd.Wait() // what it said tells more
	}()
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%w\n%s", err, c.said), c.kill())
		}
	}()
	late := time.NewTimer(startWithin)
	defer late.Stop()
	select {
	case c.Address = <-address:
	case <-c.ended:
		return c, errors.New("toban ended at its start")
	case <-ctx.Done():
		return c, ctx.Err()
	case <-late.C:
		return c, fmt.Errorf("toban does not listen after %s", startWithin)
	}
	if err := c.waitReady(ctx); err != nil {
		return c, err
	}
	c.Ready = time.Since(began)
	c.api = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(data, "toban.sock"))
	}}}
	return c, nil
}

// environment is this process's without what would make the child another one.
func environment() (kept []string) {
	for _, each := range os.Environ() {
		if !strings.HasPrefix(each, "TOBAN_") {
			kept = append(kept, each)
		}
	}
	return kept
}

// read keeps what the child says and finds the address of its listener in it.
func (c *child) read(from io.Reader, address chan<- string) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		c.said.add(line)
		if _, at, ok := strings.Cut(line, ": http://"); ok && strings.HasPrefix(line, "toban ") {
			if u, err := url.Parse("http://" + at); err == nil {
				select {
				case address <- u.Host:
				default: // it is known
				}
			}
		}
	}
	_, _ = io.Copy(io.Discard, from) // a line too long to be kept must not hold the child up
}

// waitReady asks until the answer is 200, every millisecond: a start takes
// some hundred of them.
func (c *child) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	w, err := dialWire(ctx, c.Address)
	if err != nil {
		return err
	}
	defer w.close()
	request := []byte("GET /readyz HTTP/1.1\r\nHost: toban\r\n\r\n")
	for at := time.Now(); until(ctx, at); at = time.Now().Add(time.Millisecond) {
		status, err := w.do(request)
		if err != nil {
			return err
		}
		if status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("toban is not ready: %w", ctx.Err())
}

// stop ends the child in good order.
func (c *child) stop() error {
	if c.api != nil {
		c.api.CloseIdleConnections()
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopWithin)
	defer late.Stop()
	select {
	case <-c.ended:
		_ = c.stdin.Close()
		if state := c.cmd.ProcessState; state != nil && !state.Success() {
			return fmt.Errorf("toban ended with %s\n%s", state, c.said)
		}
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("toban did not end within %s\n%s", stopWithin, c.said), c.kill())
	}
}

// kill ends the child at once.
func (c *child) kill() error {
	_ = c.stdin.Close() // it is to end anyway
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.ended
	return nil
}

// processor is the processor time that the child has used (Linux; zero where it
// can't be read). Where a machine has other things to do it tells more than a
// rate.
func (c *child) processor() time.Duration { return processorOf(c.cmd.Process.Pid) }

func processorOf(pid int) time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const user, system, tick = 11, 12, 10 * time.Millisecond // fields 14 and 15 of proc(5)
	if len(fields) <= system {
		return 0
	}
	u, _ := strconv.ParseInt(fields[user], 10, 64)
	s, _ := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick
}

// memory is the resident memory of the child in bytes (Linux).
func (c *child) memory() (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("resident memory is read from /proc: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc says nothing of VmRSS")
}
