package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// burstSize is how many incidents open at once, each for another user; the
// provider takes as many calls a second.
const burstSize = 60

// measureBurst measures how long it takes until the last of 60 people is called
// when everything breaks at once, and how soon after a busy the next one is.
func measureBurst(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, burstSize)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	last, err := s.burst(ctx)
	if err != nil {
		return nil, fmt.Errorf("burst: %w", err)
	}
	if !until(ctx, time.Now().Add(time.Second)) { // the account may call again
		return nil, ctx.Err()
	}
	next, err := s.busyNext(ctx, r.o.Duration)
	if err != nil {
		return nil, fmt.Errorf("busy: %w", err)
	}
	return []Figure{
		{"burst60." + engine + ".last", milliseconds(last), "ms"},
		{"busy_next." + engine + ".p99", milliseconds(percentile(next, 0.99)), "ms"},
	}, nil
}

func (s *site) burst(ctx context.Context) (time.Duration, error) {
	people := make([]*person, burstSize)
	for i := range people {
		w, err := dialWire(ctx, s.child.Address)
		if err != nil {
			return 0, err
		}
		defer w.close()
		people[i] = newPerson(s, w, i)
	}
	failed := make([]error, burstSize)
	var all sync.WaitGroup
	began := time.Now()
	for i, p := range people {
		all.Go(func() { _, failed[i] = p.outage(ctx, uint64(i)) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return 0, err
	}
	var last time.Duration
	for i, p := range people {
		last = max(last, p.call.at.Sub(began))
		if err := p.repair(ctx); err != nil {
			return 0, fmt.Errorf("user %d: %w", i, err)
		}
	}
	if n := s.phone.refusals(); n > 0 {
		s.r.say("burst60.%s: %d calls were over the provider's rate and refused", s.engine, n)
	}
	return last, nil
}

// busyNext has somebody's phone be busy, one outage after the other, and takes
// the time from the callback that says so to the request for the next call.
func (s *site) busyNext(ctx context.Context, duration time.Duration) (took []time.Duration, err error) {
	w, err := dialWire(ctx, s.child.Address)
	if err != nil {
		return nil, err
	}
	defer w.close()
	for began, n := time.Now(), 0; time.Since(began) < duration; n++ {
		i := n % pairsThere
		service := fmt.Sprintf("pair%d", i)
		p := &person{
			s: s, w: w, number: number(2 * i),
			down: newSignal(intakePath, "trigger", service, "critical"), up: newSignal(intakePath, "resolve", service, "critical"),
		}
		if _, err := p.outage(ctx, 1<<62|uint64(n)); err != nil {
			return nil, err
		}
		came := s.phone.expect(number(2*i + 1))
		said := time.Now()
		if err := s.phone.tell(ctx, p.call, "busy"); err != nil {
			return nil, err
		}
		if p.call, err = await(ctx, came, "the call to the next user"); err != nil {
			return nil, err
		}
		took = append(took, p.call.at.Sub(said))
		if err := p.repair(ctx); err != nil {
			return nil, err
		}
		// Two calls a round, of 60 a second: the account's rate is not what is measured.
		if !until(ctx, time.Now().Add(2*time.Second/burstSize)) {
			return nil, ctx.Err()
		}
	}
	return took, nil
}
