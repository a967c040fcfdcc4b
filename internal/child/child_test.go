package child_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"toban/internal/child"
)

func background() context.Context { return context.Background() }

func options(log *slog.Logger, as string) child.Options {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return child.Options{Name: "relative", Env: append(os.Environ(), part+"="+as), Ready: "ready", Log: log, StopWithin: 5 * time.Second}
}

// run runs c until stop is called, which returns what Run did.
func run(t *testing.T, c *child.Child) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }() // ends with cancel
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() {
			cancel()
			err = <-done
		})
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestAChildThatIsReadySaysSoAndEndsWithItsParentsOrder(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, as := range []string{"good", "obedient"} {
		c := child.New(options(nil, as))
		ready := make(chan struct{})
		c.OnReady(func() { close(ready) })
		c.OnDown(func(err error, _ int) { t.Errorf("%s: went down: %v", as, err) })
		if got := c.State(); got.Phase != child.Waiting || !errors.Is(c.Signal(syscall.SIGHUP), child.ErrDown) {
			t.Errorf("%s: before Run got %+v, want it waiting and down", as, got)
		}
		stop := run(t, c)
		<-ready
		if got := c.State(); got.Phase != child.Ready || got.PID == 0 || got.Restarts != 0 || got.Err != nil {
			t.Errorf("%s: got %+v, want it ready", as, got)
		}
		began := time.Now()
		if err := stop(); err != nil {
			t.Errorf("%s: got %v, want no error of an end that was asked for", as, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: the end took %s, want it to end by itself", as, took)
		}
		if got := c.State(); got.Phase != child.Stopped || got.PID != 0 {
			t.Errorf("%s: got %+v, want it stopped", as, got)
		}
	}
}

func TestADeafChildIsKilled(t *testing.T) {
	t.Parallel()
	o := options(nil, "deaf")
	o.StopWithin = 50 * time.Millisecond
	c := child.New(o)
	ready := make(chan struct{})
	c.OnReady(func() { close(ready) })
	stop := run(t, c)
	<-ready
	pid := c.State().PID
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("got %v for the child's process, want it gone", err)
	}
}

func TestADeadChildIsStartedAgainAtOnce(t *testing.T) {
	t.Parallel()
	c := child.New(options(nil, "good"))
	ready, down := make(chan struct{}, 2), make(chan error, 2)
	c.OnReady(func() { ready <- struct{}{} })
	c.OnDown(func(err error, restarts int) {
		if restarts != 1 {
			t.Errorf("got %d deaths in a row, want 1", restarts)
		}
		down <- err
	})
	run(t, c)
	<-ready
	first := c.State().PID
	began := time.Now()
	if err := c.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-down; !strings.Contains(err.Error(), "killed") || strings.Contains(err.Error(), "everyday") {
		t.Errorf("got %v, want how it ended", err)
	}
	<-ready
	if got := c.State(); got.PID == first || got.Restarts != 1 || got.Err == nil {
		t.Errorf("got %+v, want another process and why the first ended", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the next start took %s", took)
	}
}

func TestRestartsAreFastFirstAndThenSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := child.New(options(nil, "broken"))
		var ended []time.Time
		enough := make(chan struct{})
		c.OnDown(func(err error, restarts int) {
			if ended = append(ended, time.Now()); len(ended) == 14 {
				close(enough)
			}
			if restarts != len(ended) {
				t.Errorf("death %d is counted as %d", len(ended), restarts)
			}
			if !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the data folder is locked") {
				t.Errorf("got %v, want the status and what it said last", err)
			}
		})
		stop := run(t, c)
		<-enough
		if err := stop(); err != nil {
			t.Error(err)
		}
		if first := ended[1].Sub(ended[0]); first > 100*time.Millisecond {
			t.Errorf("the first restart came after %s, want it at once", first)
		}
		if last := ended[13].Sub(ended[12]); last != 30*time.Second {
			t.Errorf("the last restart came after %s, want 30s", last)
		}
		if got := c.State(); got.Restarts != 14 || got.Phase != child.Stopped {
			t.Errorf("got %+v, want 14 deaths", got)
		}
	})
}

func TestAChildThatStartsSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	c := child.New(options(nil, "slow"))
	c.OnReady(func() { t.Error("it is not ready") })
	stop := run(t, c)
	for c.State().Said == "" {
		time.Sleep(time.Millisecond)
	}
	if got := c.State(); got.Phase != child.Starting || got.Said != "replaying 1/100" {
		t.Errorf("got %+v, want it starting with its progress", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatCantBeStartedIsADeathLikeAnyOther(t *testing.T) {
	t.Parallel()
	o := options(nil, "good")
	o.Path = "/nowhere/at/all"
	c := child.New(o)
	down := make(chan error, 1)
	c.OnDown(func(err error, _ int) {
		select {
		case down <- err:
		default:
		}
	})
	stop := run(t, c)
	if err := <-down; !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no such program", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAChildHearsSignals(t *testing.T) {
	t.Parallel()
	var log logged
	c := child.New(options(slog.New(slog.NewTextHandler(&log, nil)), "signalled"))
	ready := make(chan struct{})
	c.OnReady(func() { close(ready) })
	stop := run(t, c)
	<-ready
	if err := c.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(log.String(), "line=reloaded") {
		time.Sleep(time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestALongFarewellIsNotAllInTheLog(t *testing.T) {
	t.Parallel()
	var log logged
	c := child.New(options(slog.New(slog.NewTextHandler(&log, nil)), "chatty"))
	down := make(chan error, 1)
	c.OnDown(func(err error, _ int) {
		select {
		case down <- err:
		default:
		}
	})
	stop := run(t, c)
	err := <-down
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(err.Error(), "fatal error: concurrent map writes") || len(err.Error()) > 500 {
		t.Errorf("got %d bytes: %.200s, want why it ended and no more", len(err.Error()), err)
	}
	text := log.String()
	if got := strings.Count(text, "goroutine "); got < 400 || got > 4000 {
		t.Errorf("got %d stacks in the log, want some of them", got)
	}
	if !strings.Contains(text, "more than is passed on") {
		t.Error("the log does not say that lines were left out")
	}
	for line := range strings.Lines(text) {
		if len(line) > 10_000 {
			t.Errorf("got a line of %d bytes", len(line))
		}
	}
}

func TestStacksThatExplainNothingAreNotInTheLog(t *testing.T) {
	t.Parallel()
	var log logged
	c := child.New(options(slog.New(slog.NewTextHandler(&log, nil)), "greedy"))
	down := make(chan error, 1)
	c.OnDown(func(err error, _ int) {
		select {
		case down <- err:
		default:
		}
	})
	stop := run(t, c)
	if err := <-down; !strings.Contains(err.Error(), "cannot allocate memory") {
		t.Errorf("got %v, want why it ended", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "cannot allocate memory") || strings.Contains(text, "goroutine") {
		t.Errorf("got the log %s", text)
	}
}

func TestNoOrphanIsLeftWhenTheParentIsKilled(t *testing.T) {
	t.Parallel()
	parent := relative("parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	for running(grandchild) {
		select {
		case <-late.C:
			t.Fatalf("process %d lives on without its parent", grandchild)
		default:
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// running reports whether a process runs; one that is dead and not yet waited
// for does not.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}

// logged is a log to look at.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
