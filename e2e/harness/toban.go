package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"toban/internal/testserver"
	"toban/store"
)

// readyWithin is how long a start may take; on a loaded machine a start of a
// quarter of a second was seen to take three.
const readyWithin = 30 * time.Second

// key is the installation's secret, the same on all nodes of a test.
const key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// Engines are the engines that end-to-end tests run on.
func Engines() []string { return []string{"sqlite", "postgres"} }

// Toban is one installation: a program that may run or not, with its store.
// Start, Launch, Kill, Stop and Signal are for one goroutine at a time.
type Toban struct {
	t      testing.TB
	Config string   // folder
	Data   string   // folder
	URL    string   // main listener
	Env    []string // added to the program's environment

	listen string
	dsn    string // of PostgreSQL; "" = SQLite in Data
	log    log
	client *http.Client // over the socket

	mu  sync.Mutex
	run *run
}

// run is one life of the program.
type run struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed when it has ended
	err   error         // how, to be read after done
}

// Port returns a port that was free just now. It lies below the range from
// which the kernel serves outgoing connections, so that nobody takes it while
// the program is down.
func Port(t testing.TB) int {
	t.Helper()
	return Ports(t, 1)
}

// Ports is Port for n of them, one after the other; it returns the first.
func Ports(t testing.TB, n int) int {
	t.Helper()
	for range 100 {
		first, good := 10000+rand.IntN(10000-n), true
		for port := first; port < first+n && good; port++ {
			good = take(port)
		}
		if good {
			return first
		}
	}
	t.Fatal("no port is free")
	return 0
}

// take reports whether a port is free; nobody else is given it from now on.
func take(port int) bool {
	if _, taken := given.LoadOrStore(port, true); taken {
		return false
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	return err == nil && l.Close() == nil
}

// given are the ports that Ports has looked at: tests run in parallel.
var given sync.Map

// New prepares an installation on an engine; yaml is given the address that it
// is to listen on and returns the configuration.
func New(t testing.TB, engine string, yaml func(listen string) string) *Toban {
	t.Helper()
	dsn := ""
	if engine == "postgres" {
		dsn = testserver.Postgres(t)
	}
	return On(t, dsn, yaml)
}

// On is New on a PostgreSQL database, or on SQLite when dsn is "".
func On(t testing.TB, dsn string, yaml func(listen string) string) *Toban {
	t.Helper()
	s := &Toban{t: t, Config: t.TempDir(), dsn: dsn}
	s.place()
	s.Configure(yaml(s.listen))
	return s
}

// Beside prepares another node: the same store, configuration and secrets, a
// data folder and an address of its own.
func (s *Toban) Beside() *Toban {
	s.t.Helper()
	other := &Toban{t: s.t, Config: s.Config, dsn: s.dsn, Env: s.Env}
	other.place()
	return other
}

// place gives the installation its folder and address, and its end with the
// test.
func (s *Toban) place() {
	t := s.t
	t.Helper()
	s.listen = fmt.Sprintf("127.0.0.1:%d", Port(t))
	s.Data, s.URL = t.TempDir(), "http://"+s.listen
	s.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(s.Data, "toban.sock"))
		},
	}}
	t.Cleanup(func() {
		s.Kill()
		s.client.CloseIdleConnections()
		if t.Failed() {
			t.Logf("toban's log (%s):\n%s", s.URL, tail(s.log.String(), 16<<10))
		}
	})
}

// Configure writes the configuration; a running program has to be told.
func (s *Toban) Configure(yaml string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.Config, "toban.yaml"), []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Log returns the end of what the program has written, over all its lives.
func (s *Toban) Log() string { return s.log.String() }

// environment is what the program sees: nothing of the developer's own toban.
func (s *Toban) environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TOBAN_") {
			env = append(env, e)
		}
	}
	env = append(env, "TOBAN_KEY="+key)
	if s.dsn != "" {
		env = append(env, "TOBAN_DATABASE_URL="+s.dsn)
	}
	return append(env, s.Env...)
}

// Start runs the program and returns when it is ready.
func (s *Toban) Start() {
	s.t.Helper()
	if err := s.Launch(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.t.Fatalf("%v\n%s", err, tail(s.log.String(), 4000))
	}
}

// Launch starts the program and does not wait for it.
func (s *Toban) Launch() error {
	r := &run{done: make(chan struct{})}
	r.cmd = exec.Command(Binary(s.t), "serve", "--config", s.Config, "--data", s.Data, "--listen", s.listen, "--until-stdin-closes")
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = s.environment(), &s.log, &s.log
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		return err
	}
	r.stdin = stdin
	if err := r.cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the program
		defer close(r.done)
		r.err = r.cmd.Wait()
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = r
	return nil
}

func (s *Toban) current() *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// Ready waits until the program answers that it is ready.
func (s *Toban) Ready(ctx context.Context) error {
	r := s.current()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	probe := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		select {
		case <-r.done:
			return fmt.Errorf("toban ended at its start: %w", r.err)
		case <-ctx.Done():
			return fmt.Errorf("toban is not ready: %w", ctx.Err())
		case <-tick.C:
		}
		res, err := probe.Get(s.URL + "/readyz")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// Kill ends the program as a power cut would, kill -9, and waits for its end.
// One that does not run is as good.
func (s *Toban) Kill() {
	r := s.current()
	if r == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	<-r.done
	r.stdin.Close()
}

// Signal sends any signal, such as SIGSTOP.
func (s *Toban) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.current().cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Stop asks the program to end, as an operator does, and returns how it ended:
// nil is exit code 0.
func (s *Toban) Stop() error {
	r := s.current()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case <-r.done:
		r.stdin.Close()
		return r.err
	case <-late.C:
		s.Kill()
		return errors.New("it did not end after SIGTERM and was killed")
	}
}

// Ended waits for a program that ends by itself and returns its exit code.
func (s *Toban) Ended(ctx context.Context) (code int, err error) {
	r := s.current()
	select {
	case <-r.done:
		return r.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("toban still runs: %w", ctx.Err())
	}
}

// Store opens the installation's store under a name of its own; on SQLite the
// program must not run. The caller closes it.
func (s *Toban) Store(ctx context.Context, node string) (*store.DB, error) {
	dsn := s.dsn
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(s.Data, "toban.db")
	}
	return store.Open(ctx, dsn, store.Options{Node: node, Conns: 2, Committers: 1})
}

// Over reports whether the program does not run.
func (s *Toban) Over() bool {
	r := s.current()
	if r == nil {
		return true
	}
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// PID is the process of the program.
func (s *Toban) PID() int { return s.current().cmd.Process.Pid }
