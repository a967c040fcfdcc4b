// Package child keeps one child process running: it starts it, knows when it is
// ready, starts it again when it ends, and takes it along when this process
// ends, however that happens. What is embedded but may fail by itself runs so:
// its death costs nothing but itself.
//
// The child's standard input is a pipe that this process holds: its end is the
// order to end. On Linux the kernel kills the child as well when this process is
// gone. So there are no orphans, not even after kill -9.
package child

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"toban/internal/wait"
)

// Options say what runs.
type Options struct {
	Name string   // in the log
	Path string   // of the program; "" = this one
	Args []string // without the program's name
	Env  []string // the whole environment; nil = this process's
	Dir  string   // "" = this process's
	// Ready is the line on standard output by which the child says that it
	// works; "" = it works as soon as it runs.
	Ready string
	// StopWithin is how long the child may take to end when it is asked to;
	// then it is killed. Zero = 10 s.
	StopWithin time.Duration
	// Alive asks whether the child still does anything; nil = as long as it runs. One
	// that has answered once and then misses six times in a row is killed, and that is
	// a death like any other: a process can stand still without having ended.
	Alive func(ctx context.Context) error
	// AliveEvery is the time between two questions, and what an answer may take.
	// Zero = 5 s.
	AliveEvery time.Duration
	Log        *slog.Logger
}

// Phase is how far a child is.
type Phase string

// The phases of a child.
const (
	Waiting  Phase = "waiting" // for its next start, or for Run
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopped  Phase = "stopped" // Run has returned
)

// State is how a child is.
type State struct {
	Phase    Phase
	Since    time.Time // of the phase
	Said     string    // its last line on standard output while it starts, such as its progress
	Restarts int       // deaths in a row, none of which came after a steady minute
	Err      error     // how it ended last; nil = it never has by itself
	PID      int       // zero = it does not run
}

// Child is one child process over all its lives.
type Child struct {
	o     Options
	log   *slog.Logger
	down  func(exit error, restarts int)
	ready func()

	mu    sync.Mutex
	state State
	life  *process // nil = none
}

const (
	defaultStop = 10 * time.Second
	// steady is how long a child has to have been ready for its next death to
	// count as the first.
	steady     = time.Minute
	firstPause = 50 * time.Millisecond
	longest    = 30 * time.Second
)

// ErrDown is returned where the child does not run at the moment.
var ErrDown = errors.New("the child process is not running")

// New returns a Child that Run starts.
func New(o Options) *Child {
	if o.StopWithin <= 0 {
		o.StopWithin = defaultStop
	}
	if o.AliveEvery <= 0 {
		o.AliveEvery = defaultAlive
	}
	return &Child{
		o: o, log: o.Log.With("child", o.Name), down: func(error, int) {}, ready: func() {},
		state: State{Phase: Waiting, Since: time.Now()},
	}
}

// OnDown makes f hear of each death that nobody asked for, with how many there
// were in a row. f must not block. Call it before Run.
func (c *Child) OnDown(f func(exit error, restarts int)) { c.down = f }

// OnReady makes f hear each time that the child has become ready. f must not
// block. Call it before Run.
func (c *Child) OnReady(f func()) { c.ready = f }

// State is how the child is now.
func (c *Child) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Signal sends sig to the child, or returns ErrDown.
func (c *Child) Signal(sig os.Signal) error {
	c.mu.Lock()
	life := c.life
	c.mu.Unlock()
	if life == nil {
		return ErrDown
	}
	if err := life.cmd.Process.Signal(sig); errors.Is(err, os.ErrProcessDone) {
		return ErrDown
	} else if err != nil {
		return err
	}
	return nil
}

// Run keeps the child running until ctx ends, and returns when the child is
// gone. That it can't be started is a death like any other.
func (c *Child) Run(ctx context.Context) error {
	defer c.set(func(s *State) { *s = State{Phase: Stopped, Restarts: s.Restarts, Err: s.Err} })
	deaths := 0
	for ctx.Err() == nil {
		worked, err := c.live(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if worked >= steady {
			deaths = 0
		}
		deaths++
		c.set(func(s *State) { *s = State{Phase: Waiting, Restarts: deaths, Err: err} })
		gap := pause(deaths)
		c.log.ErrorContext(ctx, "the child process ended and is started again", "err", err, "restarts", deaths, "after", gap)
		c.down(err, deaths)
		if !wait.For(ctx, gap) {
			return nil
		}
	}
	return nil
}

// pause is how long to wait before the start that follows the n-th death in a
// row: hardly at first, since most deaths have a cause that has gone with them.
func pause(n int) time.Duration {
	const doublings = 10 // beyond, it is the longest anyhow
	return min(firstPause<<min(n-1, doublings), longest)
}

// live is one life of the child: how long it was ready, and how it ended. When
// ctx ends it is asked to end.
func (c *Child) live(ctx context.Context) (worked time.Duration, err error) {
	c.set(func(s *State) { s.Phase, s.Said = Starting, "" })
	ready := make(chan struct{})
	var once sync.Once
	life, err := start(c.o, &heard{log: c.log, said: func(line string) {
		if c.o.Ready != "" && line == c.o.Ready {
			once.Do(func() { close(ready) })
			return
		}
		c.set(func(s *State) {
			if s.Phase == Starting {
				s.Said = line
			}
		})
	}})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", c.o.Name, err)
	}
	c.mu.Lock()
	c.life, c.state.PID = life, life.cmd.Process.Pid
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.life, c.state.PID = nil, 0
	}()
	if c.o.Ready == "" {
		once.Do(func() { close(ready) })
	}
	hung, quiet := c.listen(life)
	defer quiet()
	var since time.Time
	for waiting := true; waiting; {
		select {
		case <-ready:
			ready, since = nil, time.Now() // said once
			c.set(func(s *State) { s.Phase, s.Said = Ready, "" })
			c.ready()
			continue
		case <-hung:
			if since.IsZero() {
				return 0, c.end(ctx, life)
			}
			return time.Since(since), c.end(ctx, life)
		case <-life.done:
		case <-ctx.Done():
			life.stop(c.o.StopWithin)
		}
		waiting = false
	}
	if !since.IsZero() {
		worked = time.Since(since)
	}
	return worked, life.exit()
}

// set changes the state; a change of the phase says since when.
func (c *Child) set(f func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.state.Phase
	since := c.state.Since
	f(&c.state)
	if c.state.Since = since; c.state.Phase != before {
		c.state.Since = time.Now()
	}
}
