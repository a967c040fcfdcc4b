package child_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"toban/internal/child"
)

// stateOf is what the kernel says of a process: T is one that is stopped.
func stateOf(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return string(rest[:1])
}

func TestAChildThatStandsStillIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	o := options(nil, "good")
	o.AliveEvery = 20 * time.Millisecond
	var c *child.Child
	answered := make(chan struct{}, 1)
	o.Alive = func(context.Context) error {
		if pid := c.State().PID; pid == 0 || stateOf(pid) == "T" {
			return errors.New("no answer")
		}
		select {
		case answered <- struct{}{}:
		default:
		}
		return nil
	}
	c = child.New(o)
	ready, down := make(chan struct{}, 2), make(chan error, 2)
	c.OnReady(func() { ready <- struct{}{} })
	c.OnDown(func(err error, _ int) { down <- err })
	run(t, c)
	<-ready
	first := c.State().PID
	<-answered
	if err := c.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	select {
	case err := <-down:
		if !errors.Is(err, child.ErrHung) {
			t.Errorf("got %v, want that it did not answer", err)
		}
	case <-late.C:
		t.Fatalf("got %+v, want a child that stands still to be killed", c.State())
	}
	<-ready
	if got := c.State(); got.PID == first || got.Phase != child.Ready {
		t.Errorf("got %+v, want another process", got)
	}
}

func TestAChildIsNotKilledForWhatItHasNeverAnswered(t *testing.T) {
	t.Parallel()
	o := options(nil, "slow")
	o.AliveEvery = 5 * time.Millisecond
	asked := make(chan struct{}, 1000)
	o.Alive = func(context.Context) error {
		asked <- struct{}{}
		return errors.New("it does not listen yet")
	}
	c := child.New(o)
	c.OnDown(func(err error, _ int) { t.Errorf("went down: %v", err) })
	stop := run(t, c)
	for range 20 {
		<-asked
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAProgramIsAskedAndItsAnswerBounded(t *testing.T) {
	t.Parallel()
	env := func(as string) []string { return append(os.Environ(), part+"="+as) }
	answer, code, err := child.Ask(t.Context(), child.Question{Env: env("asked"), Input: strings.NewReader("up"), Limit: 100})
	if string(answer) != "heard up" || code != 3 || err != nil {
		t.Errorf("got %q, %d, %v, want what it says and its code", answer, code, err)
	}
	if _, _, err := child.Ask(t.Context(), child.Question{Env: env("asked"), Input: strings.NewReader(strings.Repeat("x", 200)), Limit: 100}); !errors.Is(err, child.ErrTalkative) {
		t.Errorf("got %v, want that it says too much", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := child.Ask(short, child.Question{Env: env("endless"), Limit: 100}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that it takes too long", err)
	}
	if _, _, err := child.Ask(t.Context(), child.Question{Path: "/nowhere/at/all"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no such program", err)
	}
}
