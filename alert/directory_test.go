package alert

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
)

func TestAStoreThatHangsDoesNotHoldUpSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		hangs := false
		d := &directory{load: func(ctx context.Context) (*oncall.Directory, error) {
			reads.Add(1)
			if hangs {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &oncall.Directory{Version: 1}, nil
		}}
		if _, err := d.get(t.Context()); err != nil {
			t.Fatal(err)
		}
		hangs = true
		time.Sleep(staleAfter)
		began := time.Now()
		var late atomic.Int64
		var work sync.WaitGroup
		for range 100 {
			work.Go(func() {
				if dir, err := d.get(t.Context()); dir == nil || err != nil {
					t.Errorf("got %v, %v, want the old directory", dir, err)
				}
				if time.Since(began) > 0 {
					late.Add(1)
				}
			})
		}
		work.Wait()
		if got := late.Load(); got > 1 {
			t.Errorf("%d of 100 waited, want the one that reads", got)
		}
		if got := reads.Load(); got != 2 {
			t.Errorf("%d readings, want 2", got)
		}
	})
}

func TestAFailureToReadTheDirectoryIsRememberedForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		broken := errors.New("broken")
		d := &directory{load: func(context.Context) (*oncall.Directory, error) {
			if reads.Add(1) == 1 {
				time.Sleep(time.Second)
				return nil, broken
			}
			return &oncall.Directory{}, nil
		}}
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() {
				if _, err := d.get(t.Context()); !errors.Is(err, broken) {
					t.Errorf("got %v, want %v", err, broken)
				}
			})
		}
		work.Wait()
		if got := reads.Load(); got != 1 {
			t.Errorf("%d readings, want 1", got)
		}
		time.Sleep(staleAfter)
		if _, err := d.get(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
