package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Rates of the busy part: fresh signals that open incidents, and among them
// those that call somebody.
const (
	busySignals = 2000
	busyCalls   = 50
	busyCallers = 50 // at a time; each has a user of its own
	callWithin  = 10 * time.Second
)

// measureCall measures from the 202 of a signal until the request for the call
// arrives at the provider: one after the other with nothing else to do, and then
// at a fixed rate while 2,000 other signals a second open incidents.
func measureCall(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	idle, err := s.idleCalls(ctx, r.o.Duration)
	if err != nil {
		return nil, fmt.Errorf("idle: %w", err)
	}
	busy, err := s.busyCalls(ctx, r.o.Duration)
	if err != nil {
		return nil, fmt.Errorf("busy: %w", err)
	}
	name := "call." + engine + "."
	return []Figure{
		{name + "idle.p50", milliseconds(percentile(idle, 0.5)), "ms"},
		{name + "idle.p99", milliseconds(percentile(idle, 0.99)), "ms"},
		{name + "busy.p99", milliseconds(percentile(busy, 0.99)), "ms"},
	}, nil
}

// pause is how long an idle toban is left alone between two signals.
const pause = 5 * time.Millisecond

func (s *site) idleCalls(ctx context.Context, duration time.Duration) (took []time.Duration, err error) {
	w, err := dialWire(ctx, s.child.Address)
	if err != nil {
		return nil, err
	}
	defer w.close()
	for began, n := time.Now(), 0; time.Since(began) < duration; n++ {
		p := newPerson(s, w, n%usersThere)
		d, err := p.outage(ctx, uint64(n))
		if err == nil {
			err = p.repair(ctx)
		}
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		if !until(ctx, time.Now().Add(pause)) {
			return nil, ctx.Err()
		}
	}
	return took, nil
}

func (s *site) busyCalls(ctx context.Context, duration time.Duration) ([]time.Duration, error) {
	senders, hangUp, err := dialSenders(ctx, s.child.Address, callers, quietSignal)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	people := make([]*person, busyCallers)
	for i := range people {
		w, err := dialWire(ctx, s.child.Address)
		if err != nil {
			return nil, err
		}
		defer w.close()
		people[i] = newPerson(s, w, i)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var both sync.WaitGroup
	var took []time.Duration
	var mu sync.Mutex
	var behind time.Duration
	var loadErr, callErr error
	both.Go(func() {
		loadErr = openLoop(ctx, busySignals, callers, duration, func(w, n int, due time.Time) error {
			err := senders[w].send(ctx, 1<<60|uint64(n))
			late := time.Since(due)
			mu.Lock()
			behind = max(behind, late)
			mu.Unlock()
			return err
		})
	})
	both.Go(func() {
		// The rate holds even when calls are slow: who is still busy with the last
		// one makes the next late, and that counts.
		callErr = openLoop(ctx, busyCalls, busyCallers, duration, func(w, n int, due time.Time) error {
			late := time.Since(due)
			d, err := people[w].outage(ctx, 1<<61|uint64(n))
			if err != nil {
				return err
			}
			mu.Lock()
			took = append(took, late+d)
			mu.Unlock()
			return people[w].repair(ctx)
		})
	})
	both.Wait()
	if err := errors.Join(loadErr, callErr); err != nil {
		return nil, err
	}
	s.r.say("call.%s.busy: the slowest of the %d signals a second was answered after %.0f ms", s.engine, busySignals, milliseconds(behind))
	return took, nil
}

// person is a user whose service breaks and is repaired.
type person struct {
	s        *site
	w        *wire
	number   string
	down, up *signal
	key      uint64
	call     *ring
}

func newPerson(s *site, w *wire, user int) *person {
	service := fmt.Sprintf("call%d", user)
	return &person{
		s: s, w: w, number: number(user),
		down: newSignal(intakePath, "trigger", service, "critical"), up: newSignal(intakePath, "resolve", service, "critical"),
	}
}

// outage says that the service is down and returns how long after the 202 the
// request for the call arrived.
func (p *person) outage(ctx context.Context, key uint64) (time.Duration, error) {
	p.key = key
	came := p.s.phone.expect(p.number)
	if err := (&sender{wire: p.w, signal: p.down}).send(ctx, key); err != nil {
		return 0, err
	}
	accepted := time.Now()
	call, err := await(ctx, came, "the request for the call")
	if err != nil {
		return 0, err
	}
	p.call = call
	return max(call.at.Sub(accepted), 0), nil // the call may overtake the answer
}

// repair says that it is up again and waits until the call was hung up, so that
// the number is free.
func (p *person) repair(ctx context.Context) error {
	if err := (&sender{wire: p.w, signal: p.up}).send(ctx, p.key); err != nil {
		return err
	}
	accepted := time.Now()
	_, err := await(ctx, p.call.over, "the end of the call")
	if took := time.Since(accepted); took > hungUpWithin {
		p.s.r.say("%s: a call was hung up only %.0f ms after its incident was resolved", p.s.engine, milliseconds(took))
	}
	return err
}

// hungUpWithin is what R18 promises.
const hungUpWithin = time.Second

// await waits for what comes over a channel or for its closing.
func await[T any](ctx context.Context, came <-chan T, what string) (v T, err error) {
	late := time.NewTimer(callWithin)
	defer late.Stop()
	select {
	case v = <-came:
		return v, nil
	case <-ctx.Done():
		return v, ctx.Err()
	case <-late.C:
		return v, fmt.Errorf("%s did not come within %s", what, callWithin)
	}
}
