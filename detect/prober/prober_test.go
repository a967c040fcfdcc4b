package prober_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/detect/probe"
	"toban/detect/prober"
)

// checker takes a while and is up.
type checker func(ctx context.Context, target string) *probe.Result

func (c checker) Check(ctx context.Context, target string) *probe.Result { return c(ctx, target) }

func taking(d time.Duration) checker {
	return func(ctx context.Context, _ string) *probe.Result {
		r := &probe.Result{Up: true, Start: time.Now()}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			r.Up, r.Reason = false, probe.ReasonTimeout
		}
		r.Duration = time.Since(r.Start)
		return r
	}
}

// seen collects when each target was asked.
type seen struct {
	mu sync.Mutex
	at map[string][]time.Time
	up map[string]bool
}

func (s *seen) report(t prober.Target, r *probe.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[t.ID] = append(s.at[t.ID], r.Start)
	s.up[t.ID] = r.Up
}

func (s *seen) of(id string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at[id])
}

// running starts a Prober within the bubble; stop ends it and waits.
func running(t *testing.T, o prober.Options) (p *prober.Prober, s *seen, stop func()) {
	t.Helper()
	s = &seen{at: map[string][]time.Time{}, up: map[string]bool{}}
	o.Report = s.report
	p = prober.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	return p, s, func() { cancel(); <-done }
}

func many(n int, every time.Duration, c probe.Checker) []prober.Target {
	all := make([]prober.Target, n)
	for i := range all {
		all[i] = prober.Target{ID: fmt.Sprintf("target-%d", i), Address: "example.jp", Every: every, Checker: c}
	}
	return all
}

// steady wants whole intervals between checks. The first ones may be closer: a
// new target comes to its place in two steps, a slow one in some more.
func steady(t *testing.T, id string, at []time.Time, every time.Duration) {
	t.Helper()
	for i := 1; i < len(at); i++ {
		switch gap := at[i].Sub(at[i-1]); {
		case gap > every || gap < every/2:
			t.Fatalf("%s: %v between checks %d and %d, want half an interval to a whole one, of %v", id, gap, i, i+1, every)
		case i > 8 && gap != every:
			t.Fatalf("%s: %v between two checks, want exactly %v", id, gap, every)
		}
	}
}

func TestAllAreAskedWithinOneIntervalOfTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set(many(2000, 15*time.Second, taking(50*time.Millisecond)))
		time.Sleep(15*time.Second + 100*time.Millisecond)
		for i := range 2000 {
			if id := fmt.Sprintf("target-%d", i); len(s.of(id)) == 0 {
				t.Fatalf("%s was not asked within its interval", id)
			}
		}
	})
}

func TestTheLoadIsSpreadOverTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set(many(3000, 15*time.Second, taking(time.Millisecond)))
		time.Sleep(60 * time.Second)
		begin, inSecond := time.Now().Add(-15*time.Second), [15]int{}
		for i := range 3000 {
			for _, at := range s.of(fmt.Sprintf("target-%d", i)) {
				if d := at.Sub(begin); d >= 0 && d < 15*time.Second {
					inSecond[int(d/time.Second)]++
				}
			}
		}
		for second, n := range inSecond { // 200 each on average
			if n < 140 || n > 260 {
				t.Errorf("second %d: %d checks, want about 200", second, n)
			}
		}
	})
}

// moments counts the checks of the last interval by when they began.
func moments(s *seen, n int, every time.Duration) map[time.Time]int {
	begin, at := time.Now().Add(-every), map[time.Time]int{}
	for i := range n {
		for _, one := range s.of(fmt.Sprintf("target-%d", i)) {
			if one.After(begin) {
				at[one]++
			}
		}
	}
	return at
}

func TestAFewChecksBeginTogetherAndNeverMany(t *testing.T) {
	t.Parallel()
	const every = 15 * time.Second
	for n, most := range map[int]int{40: 40, 1000: 151, 2000: 301, 9000: 1501, 20000: 3001} {
		synctest.Test(t, func(t *testing.T) {
			p, s, stop := running(t, prober.Options{})
			defer stop()
			p.Set(many(n, every, taking(time.Millisecond)))
			time.Sleep(8 * every)
			at := moments(s, n, every)
			if len(at) > most {
				t.Errorf("%d targets: they begin at %d moments of an interval, want at most %d", n, len(at), most)
			}
			for moment, together := range at {
				if together > 25 {
					t.Errorf("%d targets: %d begin at %v, want few", n, together, moment)
				}
			}
		})
	}
}

func TestMoreAndFewerTargetsKeepTheIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		const every = 15 * time.Second
		for _, n := range []int{500, 1300, 2600, 14000, 2000, 500} {
			p.Set(many(n, every, taking(time.Millisecond)))
			time.Sleep(3 * every)
		}
		for i := range 500 {
			id := fmt.Sprintf("target-%d", i)
			at := s.of(id)
			for j := 1; j < len(at); j++ {
				if gap := at[j].Sub(at[j-1]); gap > every || gap < every/2 {
					t.Fatalf("%s: %v between two checks, want half an interval to a whole one, of %v", id, gap, every)
				}
			}
		}
	})
}

func TestNothingDriftsHoweverSlowACheckIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set([]prober.Target{
			{ID: "quick", Every: 15 * time.Second, Checker: taking(time.Millisecond)},
			{ID: "slow", Every: 15 * time.Second, Timeout: 14 * time.Second, Checker: taking(13 * time.Second)},
		})
		time.Sleep(time.Hour)
		for _, id := range []string{"quick", "slow"} {
			at := s.of(id)
			if len(at) < 238 {
				t.Fatalf("%s: %d checks in an hour, want one each 15 s", id, len(at))
			}
			steady(t, id, at, 15*time.Second)
		}
	})
}

func TestARestartKeepsTheirPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last [2]time.Time
		for i := range last {
			p, s, stop := running(t, prober.Options{})
			p.Set(many(1, 15*time.Second, taking(time.Millisecond)))
			time.Sleep(47 * time.Second)
			stop()
			at := s.of("target-0")
			last[i] = at[len(at)-1]
		}
		if d := last[1].Sub(last[0]); d%(15*time.Second) != 0 {
			t.Errorf("%v between checks of two lives, want whole intervals", d)
		}
	})
}

func TestATimeOutIsAlwaysBelowTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set([]prober.Target{{ID: "never", Every: 10 * time.Second, Timeout: time.Minute, Checker: taking(time.Hour)}})
		time.Sleep(61 * time.Second)
		at := s.of("never")
		if len(at) < 5 {
			t.Fatalf("%d checks in a minute, want one each 10 s though none is answered", len(at))
		}
		if s.up["never"] {
			t.Error("up, want not up: nothing came")
		}
	})
}

func TestTargetsThatHangDelayNoOtherOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{AtOnce: 4096})
		defer stop()
		all := many(1000, 15*time.Second, taking(time.Hour))
		all = append(all, prober.Target{ID: "good", Every: 5 * time.Second, Checker: taking(time.Millisecond)})
		p.Set(all)
		time.Sleep(5 * time.Minute)
		steady(t, "good", s.of("good"), 5*time.Second)
		if st := p.Stats(); st.LateMax > time.Millisecond {
			t.Errorf("late by %v, want none late", st.LateMax)
		}
	})
}

func TestNoMoreRunAtOnceThanAllowedAndEachGetsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		slow := checker(func(ctx context.Context, target string) *probe.Result {
			count(1)
			defer count(-1)
			return taking(2*time.Second)(ctx, target)
		})
		p, s, stop := running(t, prober.Options{AtOnce: 10})
		defer stop()
		p.Set(many(60, 15*time.Second, slow))
		time.Sleep(2 * time.Minute)
		mu.Lock()
		if most != 10 {
			t.Errorf("%d at once, want 10 and no more", most)
		}
		mu.Unlock()
		for i := range 60 {
			if id := fmt.Sprintf("target-%d", i); len(s.of(id)) < 6 {
				t.Errorf("%s was asked %d times in two minutes, want its turns", id, len(s.of(id)))
			}
		}
	})
}

func TestWhatHasGoneIsNotReportedAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set(many(1, 15*time.Second, taking(10*time.Second)))
		time.Sleep(5 * time.Second) // it is being asked
		p.Set(nil)
		time.Sleep(time.Minute)
		if n := len(s.of("target-0")); n != 0 {
			t.Errorf("%d reports of a target that has gone, want none", n)
		}
		if st := p.Stats(); st.Targets != 0 || st.Running != 0 {
			t.Errorf("%+v, want nothing left", st)
		}
	})
}

// answering answers after a while.
type answering struct {
	took time.Duration
	up   bool
}

func (a answering) Check(ctx context.Context, target string) *probe.Result {
	r := taking(a.took)(ctx, target)
	r.Up = a.up
	return r
}

func TestACheckThatWasUnderWayWhenItsTargetChangedIsNotReported(t *testing.T) {
	t.Parallel()
	old := prober.Target{ID: "shop", Address: "old.example.jp", Every: 15 * time.Second, Timeout: 10 * time.Second, Checker: answering{8 * time.Second, false}}
	for name, c := range map[string]struct {
		change func(*prober.Target)
		counts bool
	}{
		"another address": {func(t *prober.Target) { t.Address = "new.example.jp" }, false},
		"another checker": {func(t *prober.Target) { t.Checker = answering{time.Millisecond, true} }, false},
		"another timeout": {func(t *prober.Target) { t.Timeout = 9 * time.Second }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, s, stop := running(t, prober.Options{})
				defer stop()
				p.Set([]prober.Target{old})
				time.Sleep(2 * time.Second)
				began := time.Now()
				next := old
				c.change(&next)
				p.Set([]prober.Target{next})
				time.Sleep(7 * time.Second)
				old := slices.ContainsFunc(s.of("shop"), func(at time.Time) bool { return at.Before(began) })
				if old != c.counts {
					t.Errorf("got the check that was under way reported: %t, want %t", old, c.counts)
				}
				if time.Sleep(30 * time.Second); len(s.of("shop")) < 2 {
					t.Error("it is not asked on")
				}
			})
		})
	}
}

func TestATargetThatStaysKeepsItsTimeWhenOthersChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		for n := range 20 {
			p.Set(many(1+n, 15*time.Second, taking(time.Millisecond)))
			time.Sleep(7 * time.Second)
		}
		at := s.of("target-0")
		if len(at) < 9 {
			t.Fatalf("%d checks in 140 s, want one each 15 s", len(at))
		}
		steady(t, "target-0", at, 15*time.Second)
	})
}

func TestACheckThatPanicsIsNotReportedAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set([]prober.Target{
			{ID: "bad", Every: 5 * time.Second, Checker: checker(func(context.Context, string) *probe.Result { panic("a bug") })},
			{ID: "good", Every: 5 * time.Second, Checker: taking(time.Millisecond)},
		})
		time.Sleep(time.Minute)
		if len(s.of("bad")) != 0 || len(s.of("good")) < 11 {
			t.Errorf("bad reported %d times, good %d; want 0 and each 5 s", len(s.of("bad")), len(s.of("good")))
		}
		if st := p.Stats(); st.Running != 0 {
			t.Errorf("%d running, want none stuck", st.Running)
		}
	})
}

func TestAStopWaitsForWhatIsUnderWayAndReportsNothingOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		p.Set(many(1, time.Minute, taking(time.Hour)))
		time.Sleep(time.Second)
		begin := time.Now()
		stop()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("the stop took %v, want it at once", d)
		}
		if n := len(s.of("target-0")); n != 0 {
			t.Errorf("%d reports of a check that we cut short, want none", n)
		}
	})
}

func TestTheSecondCheckComesWithinAnIntervalOfTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, took := range []time.Duration{time.Millisecond, 13 * time.Second} {
			p, s, stop := running(t, prober.Options{})
			all := many(1000, 15*time.Second, taking(took))
			for i := range all {
				all[i].Timeout = 14 * time.Second
			}
			p.Set(all)
			time.Sleep(3 * time.Minute)
			for i := range 1000 {
				id := fmt.Sprintf("target-%d", i)
				steady(t, id, s.of(id), 15*time.Second)
			}
			stop()
		}
	})
}

func TestAfterAStandstillTargetsAreNotAskedAllAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &seen{at: map[string][]time.Time{}, up: map[string]bool{}}
		p := prober.New(prober.Options{Report: s.report})
		p.Set(many(1500, 15*time.Second, taking(time.Millisecond)))
		time.Sleep(time.Minute) // nothing runs
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		begin := time.Now()
		time.Sleep(15*time.Second + 100*time.Millisecond)
		inSecond := [16]int{}
		for i := range 1500 {
			at := s.of(fmt.Sprintf("target-%d", i))
			if len(at) == 0 {
				t.Fatalf("target-%d was not asked within an interval", i)
			}
			inSecond[at[0].Sub(begin)/time.Second]++
		}
		for second, n := range inSecond[:15] { // 100 each on average
			if n > 150 {
				t.Errorf("second %d: %d checks, want about 100", second, n)
			}
		}
		cancel()
		<-done
	})
}

func TestACheckThatTookLongAsTobanStoodStillCountsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, s, stop := running(t, prober.Options{})
		defer stop()
		p.Set([]prober.Target{{ID: "still", Every: 15 * time.Second, Timeout: 10 * time.Second, Checker: checker(func(context.Context, string) *probe.Result {
			r := &probe.Result{Reason: probe.ReasonTimeout, Start: time.Now()}
			time.Sleep(40 * time.Second) // whatever it waited for, it was not looked at
			r.Duration = time.Since(r.Start)
			return r
		})}})
		time.Sleep(5 * time.Minute)
		if n := len(s.of("still")); n != 0 {
			t.Errorf("reported %d times, want it to say nothing", n)
		}
	})
}
