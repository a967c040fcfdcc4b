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
	timersHeadStart  = 5 * time.Second
)

// measureTimers measures how late responses are stepped: from the millisecond at
// which the step was due to that of the transaction that made it.
func measureTimers(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	ids, first, err := s.startSeeded(ctx, waitingResponses, timersHeadStart, func(i int) time.Duration { return time.Duration(i) * timerSpacing })
	if err != nil {
		return nil, err
	}
	due := min(int(r.o.Duration/timerSpacing), waitingResponses)
	const grace = 500 * time.Millisecond // for the last to be late
	if !until(ctx, first.Add(r.o.Duration+grace)) {
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
			return nil, fmt.Errorf("a response was not stepped %s after it was due", time.Duration(due-i)*timerSpacing+grace)
		}
		late[i] = at.Sub(first.Add(time.Duration(i) * timerSpacing))
	}
	return []Figure{{"timer10k." + engine + ".late_p99", milliseconds(percentile(late, 0.99)), "ms"}}, nil
}
