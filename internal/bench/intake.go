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
		used := s.child.processor()
		took, lasted, err := closedLoop(ctx, senders, r.o.Duration, func(sender, seq int) uint64 {
			return uint64(n)<<56 | uint64(sender)<<40 | uint64(seq)
		})
		hangUp()
		if err != nil {
			return nil, err
		}
		s.tell(fmt.Sprintf("intake.%s.c%d", engine, n), senders, used, len(took))
		said += len(took)
		name := fmt.Sprintf("intake.%s.c%d.", engine, n)
		figures = append(figures,
			Figure{name + "rate", float64(len(took)) / lasted.Seconds(), "1/s"},
			Figure{name + "p50", milliseconds(percentile(took, 0.5)), "ms"},
			Figure{name + "p99", milliseconds(percentile(took, 0.99)), "ms"})
	}
	return figures, s.allStepped(ctx, said)
}

// tell says what a signal cost toban, without its database server, and how often
// senders were asked to come back.
func (s *site) tell(name string, senders []*sender, before time.Duration, signals int) {
	refused := 0
	for _, each := range senders {
		refused += each.refused
	}
	used := s.child.processor() - before
	s.r.say("%s: %d signals, %d µs of processor in toban for each, %d times 503", name, signals, used.Microseconds()/int64(max(signals, 1)), refused)
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
	used := s.child.processor()
	// Every sender goes through all the keys, so that a key comes from many.
	took, lasted, err := closedLoop(ctx, senders, r.o.Duration, func(sender, seq int) uint64 { return uint64((sender + seq) % callers) })
	if err != nil {
		return nil, err
	}
	s.tell("storm."+engine, senders, used, len(took))
	return []Figure{{"storm." + engine + ".c64.rate", float64(len(took)) / lasted.Seconds(), "1/s"}}, s.allStepped(ctx, callers)
}

// steppedWithin is how long after the last signal the last response may be
// stepped.
const steppedWithin = 10 * time.Second

// allStepped waits until no response waits for its first step, ends the toban,
// and then looks in the store at every incident: as many as were accepted, each
// with a response that has made its step.
func (s *site) allStepped(ctx context.Context, incidents int) error {
	err := patiently(ctx, steppedWithin, func() (bool, error) {
		waiting, err := s.newestWaiting(ctx)
		return waiting == 0, err
	})
	if err != nil {
		return err
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
