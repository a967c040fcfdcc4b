package child

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	defaultAlive = 5 * time.Second
	// misses in a row are taken for the end: a machine that is short of everything
	// may keep a good child from one answer or two.
	misses = 6
)

// ErrHung is why a child was killed that no longer answered.
var ErrHung = errors.New("it did not answer any more and was killed")

// listen asks a life whether it is alive, until quiet is called; hung is closed
// when it has answered once and does not any more.
func (c *Child) listen(life *process) (hung <-chan struct{}, quiet func()) {
	if c.o.Alive == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	dead := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(c.o.AliveEvery)
		defer tick.Stop()
		heard, missed := false, 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-life.done:
				return
			case <-tick.C:
			}
			err := c.answer(ctx)
			switch {
			case err == nil:
				heard, missed = true, 0
			case heard:
				missed++
				c.log.DebugContext(ctx, "the child process did not answer", "err", err, "misses", missed)
			}
			if missed == misses {
				close(dead)
				return
			}
		}
	})
	return dead, func() {
		cancel()
		asking.Wait()
	}
}

func (c *Child) answer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.AliveEvery)
	defer cancel()
	return c.o.Alive(ctx)
}

// end kills a life that no longer answers, and waits until it is gone: a process
// in the hands of a disk that is stuck can't even be killed, and the next one
// would find its files in use. Meanwhile the child is waiting for its next start.
func (c *Child) end(ctx context.Context, life *process) error {
	c.set(func(s *State) { s.Phase, s.Said, s.Err = Waiting, "", ErrHung })
	kill(life.cmd.Process)
	slow := time.NewTimer(c.o.StopWithin)
	defer slow.Stop()
	for {
		select {
		case <-life.done:
			return fmt.Errorf("%w (%w)", ErrHung, life.exit())
		case <-slow.C:
			c.log.ErrorContext(ctx, "the child process does not answer and can't be killed: its disk may be stuck", "pid", life.cmd.Process.Pid)
			c.down(ErrHung, 1)
		case <-ctx.Done():
			life.stop(c.o.StopWithin)
			return ErrHung
		}
	}
}
