package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// sender is one connection with the signal that it sends.
type sender struct {
	*wire
	signal  *signal
	refused int // how often it was asked to come back
}

// dialSenders opens n connections to a toban.
func dialSenders(ctx context.Context, address string, n int, make func() *signal) (all []*sender, hangUp func(), err error) {
	hangUp = func() {
		for _, s := range all {
			s.close()
		}
	}
	for range n {
		w, err := dialWire(ctx, address)
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		all = append(all, &sender{wire: w, signal: make()})
	}
	return all, hangUp, nil
}

// comeBack is when a sender says again what was refused for the moment.
const comeBack = 50 * time.Millisecond

// send says the signal about key until it is accepted: 503 asks a sender to come
// back, and the wait is a part of what it took. Any other answer is a failure.
func (s *sender) send(ctx context.Context, key uint64) error {
	for began := time.Now(); ; {
		status, err := s.do(s.signal.about(key))
		switch {
		case err != nil:
			return err
		case status/100 == 2:
			return nil
		case status != http.StatusServiceUnavailable || time.Since(began) > answerWithin:
			return fmt.Errorf("a signal was answered %d", status)
		}
		s.refused++
		if !until(ctx, time.Now().Add(comeBack)) {
			return ctx.Err()
		}
	}
}

// closedLoop lets every sender say its next signal when the last was answered,
// for the duration, and returns how long each took and how long it was in all.
// key gives the n-th key of a sender.
func closedLoop(ctx context.Context, senders []*sender, duration time.Duration, key func(sender, n int) uint64) ([]time.Duration, time.Duration, error) {
	took := make([][]time.Duration, len(senders))
	failed := make([]error, len(senders))
	var all sync.WaitGroup
	began := time.Now()
	for i, s := range senders {
		all.Go(func() {
			for n := 0; time.Since(began) < duration && ctx.Err() == nil; n++ {
				sent := time.Now()
				if err := s.send(ctx, key(i, n)); err != nil {
					failed[i] = err
					return
				}
				took[i] = append(took[i], time.Since(sent))
			}
		})
	}
	all.Wait()
	lasted := time.Since(began)
	var joined []time.Duration
	for _, each := range took {
		joined = append(joined, each...)
	}
	return joined, lasted, errors.Join(append(failed, ctx.Err())...)
}

// openLoop calls do at a fixed rate for the duration, whether or not earlier
// calls have ended: worker w makes the calls w, w+workers, … at their times, or
// at once when it is late, and do is given the time at which it should have been
// called, so that waiting counts.
func openLoop(ctx context.Context, perSecond float64, workers int, duration time.Duration, do func(worker, n int, due time.Time) error) error {
	failed := make([]error, workers)
	calls := int(perSecond * duration.Seconds())
	began := time.Now()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for n := w; n < calls; n += workers {
				due := began.Add(time.Duration(float64(n) / perSecond * float64(time.Second)))
				if !until(ctx, due) {
					failed[w] = ctx.Err()
					return
				}
				if err := do(w, n, due); err != nil {
					failed[w] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// until waits for a time and reports whether ctx still holds.
func until(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
