package bench

import (
	"context"
	"fmt"
	"time"
)

// measureIntake has 1, 16 and 64 senders say signals, each of them a new
// incident of low urgency outside its support hours: committed with its response
// before the 202, and stepped by the driver meanwhile. A run in which a signal
// is lost, or a response is not stepped 10 s after, gives no figures.
func measureIntake(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	said := 0
	for _, n := range []int{1, 16, callers} {
		senders, hangUp, err := dialSenders(ctx, s.child.Address, n, quietSignal)
		if err != nil {
			return nil, err
		}
		took, lasted, err := closedLoop(ctx, senders, r.o.Duration, func(sender, seq int) uint64 {
			return uint64(n)<<56 | uint64(sender)<<40 | uint64(seq)
		})
		hangUp()
		if err != nil {
			return nil, err
		}
		said += len(took)
		name := fmt.Sprintf("intake.%s.c%d.", engine, n)
		figures = append(figures,
			Figure{name + "rate", float64(len(took)) / lasted.Seconds(), "1/s"},
			Figure{name + "p50", milliseconds(percentile(took, 0.5)), "ms"},
			Figure{name + "p99", milliseconds(percentile(took, 0.99)), "ms"})
	}
	return figures, s.allStepped(ctx, said)
}

// measureStorm has 64 senders say signals about 64 keys that nobody knew before:
// the first of each opens an incident, the others are counted.
func measureStorm(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	senders, hangUp, err := dialSenders(ctx, s.child.Address, callers, quietSignal)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	// Every sender goes through all the keys, so that a key comes from many.
	took, lasted, err := closedLoop(ctx, senders, r.o.Duration, func(sender, seq int) uint64 { return uint64((sender + seq) % callers) })
	if err != nil {
		return nil, err
	}
	return []Figure{{"storm." + engine + ".c64.rate", float64(len(took)) / lasted.Seconds(), "1/s"}}, s.allStepped(ctx, callers)
}

// steppedWithin is how long after the last signal the last response may be
// stepped.
const steppedWithin = 10 * time.Second

// allStepped waits until no response waits for its first step, ends the toban,
// and then looks in the store at every incident: as many as were accepted, each
// with a response that has made its step.
func (s *site) allStepped(ctx context.Context, incidents int) error {
	end := time.Now().Add(steppedWithin)
	for {
		waiting, err := s.newestWaiting(ctx)
		if err != nil {
			return err
		}
		if waiting == 0 || time.Now().After(end) {
			break
		}
		if !until(ctx, time.Now().Add(20*time.Millisecond)) {
			return ctx.Err()
		}
	}
	if err := s.stop(); err != nil {
		return err
	}
	there, waiting, err := s.census(ctx)
	switch {
	case err != nil:
		return err
	case there != incidents:
		return fmt.Errorf("%d incidents are in the store, %d were accepted", there, incidents)
	case waiting != 0:
		return fmt.Errorf("%d of %d responses were not stepped %s after the last signal", waiting, there, steppedWithin)
	}
	return nil
}
