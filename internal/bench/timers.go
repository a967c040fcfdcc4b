package bench

import (
	"context"
	"fmt"
	"time"
)

// waitingResponses wait in a toban that has nothing else to do; in the measured
// time one of them comes due each millisecond.
const (
	waitingResponses = 10_000
	timerSpacing     = time.Millisecond
	timersHeadStart  = 1500 * time.Millisecond // and a second for 5,000 of them
	lateMost         = 10 * time.Second
)

// measureTimers measures how late responses are stepped: from the millisecond at
// which the step was due to that of the transaction that made it.
func measureTimers(ctx context.Context, r *runner, engine string) ([]Figure, error) {
	headStart := timersHeadStart + time.Duration(r.o.Waiting)*time.Second/5000
	return r.seeded(ctx, engine, headStart, func(s *site, headStart time.Duration) ([]Figure, error) {
		return s.timers(ctx, headStart)
	})
}

func (s *site) timers(ctx context.Context, headStart time.Duration) ([]Figure, error) {
	ids, first, err := s.startSeeded(ctx, s.r.o.Waiting, headStart, func(i int) time.Duration { return time.Duration(i) * timerSpacing })
	if err != nil {
		return nil, err
	}
	due := min(int(s.r.o.Duration/timerSpacing), s.r.o.Waiting)
	if !until(ctx, first.Add(s.r.o.Duration)) {
		return nil, ctx.Err()
	}
	err = patiently(ctx, lateMost, func() (bool, error) {
		var last asked
		err := s.ask(ctx, "/api/v1/incidents/"+string(ids[due-1]), &last)
		return last.stepped(), err
	})
	if err != nil {
		return nil, err
	}
	if !until(ctx, time.Now().Add(200*time.Millisecond)) { // others may be later than the last
		return nil, ctx.Err()
	}
	if err := s.stop(); err != nil {
		return nil, err
	}
	stepped, err := s.firstSteps(ctx, ids[:due])
	if err != nil {
		return nil, err
	}
	late := make([]time.Duration, due)
	for i, at := range stepped {
		if at.IsZero() {
			return nil, fmt.Errorf("the response due %s into the run was not stepped", time.Duration(i)*timerSpacing)
		}
		late[i] = at.Sub(first.Add(time.Duration(i) * timerSpacing))
	}
	return []Figure{{"timer10k." + s.engine + ".late_p99", milliseconds(percentile(late, 0.99)), "ms"}}, nil
}
