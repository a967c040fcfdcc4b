package detect

import (
	"testing"
	"testing/synctest"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store/storetest"
)

const reference2 = "location/osaka/2"

// inOsaka runs f with monitors of osaka in virtual time.
func inOsaka(t *testing.T, monitors []*oncall.Monitor, l *oncall.Location, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		var locations []*oncall.Location
		if l != nil {
			locations = append(locations, l)
		}
		b.apply(monitors, locations...)
		b.start()
		defer func() { b.stop() }()
		time.Sleep(time.Second)
		f(t, b)
	})
}

// report lets checks from osaka come every five seconds.
func (b *bench) report(d time.Duration, up map[string]bool) {
	b.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
		var all []Heard
		for _, id := range []string{reference1, reference2, "shop", "cart"} {
			if is, said := up[id]; said {
				all = append(all, seen(id, is, time.Now(), ""))
			}
		}
		b.hears(all...)
	}
}

func atOnce(m *oncall.Monitor) {
	m.Every, m.Timeout, m.Down = 5*time.Second, 3*time.Second, oncall.Threshold{}
}

func TestALocationThatWasBrokenBeforeARestartIsSoUntilAReferenceIsReached(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop", atOnce), osaka("cart", atOnce)}, osakas(reference1, reference2), func(t *testing.T, b *bench) {
		well := map[string]bool{reference1: true, reference2: true, "shop": true, "cart": true}
		broken := map[string]bool{reference1: false, reference2: false, "shop": false, "cart": false}
		b.report(time.Minute, well)
		b.desk.said()
		b.report(time.Minute, broken)
		b.want("trigger location/osaka/network")
		b.stop()
		b.start()
		time.Sleep(time.Second)
		b.hears(seen("shop", false, time.Now(), ""), seen("cart", false, time.Now(), "")) // before any reference
		b.report(time.Minute, broken)
		b.want()
		b.report(time.Minute, well)
		b.want("resolve location/osaka/network", "resolve shop", "resolve cart") // the latter say nothing new: they make sure
	})
}

func TestAReferenceThatNobodyAsksAnyMoreVouchesForNothing(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop", atOnce), osaka("cart", atOnce)}, osakas(reference1, reference2), func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{reference1: true, reference2: true, "shop": true, "cart": true})
		b.report(time.Minute, map[string]bool{reference1: true, "shop": true, "cart": true}) // of the second one nothing comes
		b.desk.said()
		b.report(time.Minute, map[string]bool{reference1: false, "shop": false, "cart": false})
		b.want("trigger location/osaka/network")
	})
}

func TestAReferenceThatWasNotAskedYetGivesNoSayBack(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop", atOnce), osaka("cart", atOnce)}, osakas(reference1), func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{reference1: true, "shop": true, "cart": true})
		b.desk.said()
		b.report(time.Minute, map[string]bool{reference1: false, "shop": false, "cart": false})
		b.want("trigger location/osaka/network")
		b.apply([]*oncall.Monitor{osaka("shop", atOnce), osaka("cart", atOnce)}, osakas(reference1, reference2))
		time.Sleep(time.Second)
		b.report(10*time.Second, map[string]bool{reference1: false, "shop": false, "cart": false})
		if muted, _ := b.m.places.muted("osaka"); !muted {
			t.Error("the location has a say, and no reference is reached")
		}
		b.report(time.Minute, map[string]bool{reference1: false, reference2: false, "shop": false, "cart": false})
		b.want()
		b.report(time.Minute, map[string]bool{reference1: false, reference2: true, "shop": true, "cart": true}) // they disagree
		b.want("resolve location/osaka/network")
	})
}

func TestALocationWhoseMonitorsWerePausedIsNotSilent(t *testing.T) {
	t.Parallel()
	all := []*oncall.Monitor{osaka("shop"), osaka("cart")}
	of := &oncall.Location{Name: "osaka"}
	inOsaka(t, all, of, func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.desk.said()
		paused := func(m *oncall.Monitor) { m.Paused = true }
		b.apply([]*oncall.Monitor{osaka("shop", paused), osaka("cart", paused)}, of)
		time.Sleep(time.Hour)
		b.apply(all, of)
		time.Sleep(10 * time.Second)
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.want("resolve shop/sight", "resolve cart/sight") // which says nothing new
		time.Sleep(10 * time.Minute)
		b.want("trigger location/osaka/silent")
		b.apply(nil, of) // nothing will ever come from there
		time.Sleep(time.Second)
		b.want("resolve location/osaka/silent")
	})
}

func TestALocationIsNotSilentBetweenChecksThatAreFarApart(t *testing.T) {
	t.Parallel()
	seldom := func(m *oncall.Monitor) { m.Every = time.Hour }
	inOsaka(t, []*oncall.Monitor{osaka("shop", seldom), osaka("cart", seldom)}, nil, func(t *testing.T, b *bench) {
		for range 5 {
			b.hears(seen("shop", true, time.Now(), ""), seen("cart", true, time.Now(), ""))
			b.desk.said()
			time.Sleep(time.Hour)
			b.want()
			if s, err := b.m.Monitor(t.Context(), "shop"); err != nil || s.Problem != "" {
				t.Errorf("got the problem %q %v, want none", s.Problem, err)
			}
		}
		time.Sleep(3 * time.Hour)
		b.want("trigger location/osaka/silent")
	})
}

func TestWhatPassesWhileTobanStandsStillSilencesNoLocation(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop"), osaka("cart")}, nil, func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.desk.said()
		b.m.places.watch(time.Now().Add(time.Hour)) // as after an hour in which nothing ran
		synctest.Wait()
		b.want()
	})
}

// A result of another location may be judged before the timer gets its turn.
func TestAResultThatComesFirstAfterAStandstillMakesNothingDown(t *testing.T) {
	t.Parallel()
	late := func(m *oncall.Monitor) { m.Down = oncall.Threshold{For: 30 * time.Second} }
	inOsaka(t, []*oncall.Monitor{osaka("shop", late)}, nil, func(t *testing.T, b *bench) {
		b.hears(seen("shop", true, time.Now(), ""))
		time.Sleep(15 * time.Second)
		b.desk.said()
		b.hears(seen("shop", false, time.Now(), ""))
		w := b.m.get("shop")
		w.mu.Lock()
		w.timer.Stop() // toban stands still
		w.mu.Unlock()
		time.Sleep(time.Minute)
		b.hears(seen("shop", true, time.Now(), ""))
		b.want()
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Errorf("got %s, want it as it was", got)
		}
	})
}

// What came from there while this node was cut off went to others.
func TestANodeThatComesBackTakesNoLocationForSilent(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop"), osaka("cart")}, nil, func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.desk.said()
		synctest.Wait() // the watch of this very instant is over
		b.m.places.mu.Lock()
		b.m.places.by["osaka"].heard = time.Now().Add(-time.Hour)
		b.m.places.mu.Unlock()
		b.m.follow.Lock()
		err := b.m.comeBack(t.Context())
		b.m.follow.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		b.want()
	})
}

func TestThatTobanItselfHasNoSayIsToldWhileOthersStillSee(t *testing.T) {
	t.Parallel()
	both := func(m *oncall.Monitor) { m.Locations, m.Quorum = []string{oncall.Here, "osaka"}, 2 }
	inOsaka(t, []*oncall.Monitor{monitor("shop", both), monitor("cart", both)}, nil, func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.desk.said()
		own := func(reason probe.Reason) {
			b.target.mu.Lock()
			defer b.target.mu.Unlock()
			b.target.own["shop"], b.target.own["cart"] = reason, reason
		}
		own(probe.ReasonPermission)
		b.report(10*time.Minute, map[string]bool{"shop": true, "cart": true})
		b.want("trigger location/here/silent")
		own("")
		b.report(time.Minute, map[string]bool{"shop": true, "cart": true})
		b.want("resolve location/here/silent")
	})
}
