package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stepsASecond is for how many steps a second there is enough to do, and
// stepsHeadStart the least time to prepare them.
const (
	stepsASecond   = 15_000
	stepsLeast     = time.Second // to look at, even where there is less to do
	stepsHeadStart = 2 * time.Second
)

// measureSteps lets as many responses come due at the same moment as toban may
// be able to step in the measured time, and counts those that it has. Each step
// is the first of a high urgency: round, level and page on the timeline, the
// response with its next time, all committed.
func measureSteps(ctx context.Context, r *runner, engine string) ([]Figure, error) {
	window := max(r.o.Duration, stepsLeast)
	n := int(stepsASecond * r.o.Duration.Seconds())
	headStart := stepsHeadStart + time.Duration(n)*time.Second/8000
	return r.seeded(ctx, engine, headStart, func(s *site, headStart time.Duration) ([]Figure, error) {
		return s.steps(ctx, n, headStart, window)
	})
}

func (s *site) steps(ctx context.Context, n int, headStart, window time.Duration) ([]Figure, error) {
	ids, first, err := s.startSeeded(ctx, n, headStart, func(int) time.Duration { return 0 })
	if err != nil {
		return nil, err
	}
	if !until(ctx, first.Add(window)) {
		return nil, ctx.Err()
	}
	if err := s.stop(); err != nil {
		return nil, err
	}
	stepped, err := s.firstSteps(ctx, ids)
	if err != nil {
		return nil, err
	}
	done, last := 0, time.Duration(0)
	for _, at := range stepped {
		if took := at.Sub(first); !at.IsZero() && took <= window {
			done, last = done+1, max(last, took)
		}
	}
	if done == 0 {
		return nil, errors.New("no response was stepped")
	}
	if done == n {
		s.r.say("steps.%s: all %d were stepped after %.0f ms", s.engine, n, milliseconds(last))
	} else {
		last = window
	}
	return []Figure{{fmt.Sprintf("steps.%s.rate", s.engine), float64(done) / last.Seconds(), "1/s"}}, nil
}
