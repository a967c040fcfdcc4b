package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

func TestWhatTobanItselfCanNotAskIsUnknownAndNeverDown(t *testing.T) {
	t.Parallel()
	for _, reason := range []probe.Reason{probe.ReasonPermission, probe.ReasonForbidden, probe.ReasonInternal} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Down = oncall.Threshold{} }), monitor("cart")})
				b.start()
				time.Sleep(time.Minute)
				b.desk.said() // what a process before may have left open is ended
				b.target.mu.Lock()
				b.target.own["shop"] = reason
				b.target.mu.Unlock()
				time.Sleep(5 * time.Minute)
				b.want()
				s, err := b.m.Monitor(t.Context(), "shop")
				if err != nil || s.State.Now() != oncall.MonitorUnknown || s.Problem != "no further socket" {
					t.Errorf("got %s %q %v, want unknown and why", s.State.Now(), s.Problem, err)
				}
				if kept := b.failures("shop"); len(kept) == 0 || kept[0].Reason != string(reason) {
					t.Errorf("got %+v, want what came back", kept)
				}
				time.Sleep(5 * time.Minute)
				b.desk.mu.Lock()
				if n := len(b.desk.signals); n != 1 || !strings.Contains(b.desk.signals[0].Annotations["summary"], "no further socket") {
					t.Errorf("got %+v, want why it can't be seen", b.desk.signals)
				}
				b.desk.mu.Unlock()
				b.want("trigger shop/sight")
				b.target.mu.Lock()
				delete(b.target.own, "shop")
				b.target.mu.Unlock()
				time.Sleep(16 * time.Second)
				b.want("resolve shop/sight")
				if s, _ := b.m.Monitor(t.Context(), "shop"); s.Problem != "" || s.State.Now() != oncall.MonitorUp {
					t.Errorf("got %s %q, want it up", s.State.Now(), s.Problem)
				}
			})
		})
	}
}

// failures are those that were kept of a monitor.
func (b *bench) failures(id string) (all []store.MonitorFailure) {
	b.t.Helper()
	err := b.db.Read(b.t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.MonitorFailures(b.t.Context(), oncall.MonitorID(id))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func TestAReferenceThatLosesAPacketNowAndThenHoldsUpNoAlert(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		ref := monitor("location/here/1", func(m *oncall.Monitor) { m.Every, m.Timeout, m.Target = 5*time.Second, 3*time.Second, "198.51.100.1" })
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Down = oncall.Threshold{For: 45 * time.Second} }), monitor("cart")},
			&oncall.Location{Name: "here", References: []*oncall.Monitor{ref}})
		b.start()
		time.Sleep(time.Minute)
		b.desk.said()
		version := b.row("cart", "here").Version
		b.target.set("shop", true)
		for range 14 { // each second packet is lost, for 70 s
			b.target.set("198.51.100.1", true)
			time.Sleep(5 * time.Second)
			b.target.set("198.51.100.1", false)
			time.Sleep(5 * time.Second)
		}
		b.want("trigger shop")
		if got := b.row("cart", "here").Version; got != version {
			t.Errorf("the row of another monitor was written %d times, want nothing to change", got-version)
		}
	})
}

func TestAMonitorThatStaysUnknownWhenItsLocationIsHeardAgainIsSaid(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart")})
		b.start()
		time.Sleep(time.Minute)
		hang := func(name string, hangs bool) {
			b.target.mu.Lock()
			defer b.target.mu.Unlock()
			b.target.hangs[name] = hangs
		}
		hang("shop", true)
		hang("cart", true)
		time.Sleep(10 * time.Minute)
		b.want("trigger location/here/silent")
		hang("cart", false)
		time.Sleep(5 * time.Minute)
		b.want("resolve location/here/silent")
		time.Sleep(2 * time.Minute)
		b.want("trigger shop/sight")
	})
}

func TestAnAlertEndsWhereItWasOpenedAndMovesWithItsMonitor(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		of := func(service oncall.ServiceID) *oncall.Monitor {
			return monitor("shop", func(m *oncall.Monitor) { m.Service = service })
		}
		b.apply([]*oncall.Monitor{of("checkout")})
		b.target.set("shop", true)
		b.start()
		time.Sleep(time.Minute)
		b.wantFor("trigger shop for checkout")
		b.apply([]*oncall.Monitor{of("payments")})
		time.Sleep(time.Second)
		b.wantFor("resolve shop for checkout", "trigger shop for payments")
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Service, m.Target = "rest", "other" })})
		time.Sleep(20 * time.Second)
		b.wantFor("resolve shop for payments") // the new address answers, and nobody else was told of the old one
		b.target.set("other", true)
		time.Sleep(31 * time.Second)
		b.wantFor("trigger shop for rest")
		b.stop()
		b.apply(nil) // removed while toban is down
		b.start()
		time.Sleep(time.Second)
		b.wantFor("resolve shop for rest")
	})
}

func (b *bench) wantFor(lines ...string) {
	b.t.Helper()
	var got []string
	b.desk.mu.Lock()
	for _, s := range b.desk.signals {
		got = append(got, fmt.Sprintf("%s %s for %s", s.Action, s.Key, s.Service))
	}
	b.desk.signals, b.desk.at = nil, nil
	b.desk.mu.Unlock()
	if !slices.Equal(got, lines) {
		b.t.Errorf("got %q, want %q", got, lines)
	}
}

func TestAnOrphanOfWhichNothingIsKnownGoesToNoServiceByChance(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply(nil)
		b.start()
		time.Sleep(time.Second)
		now := time.Now()
		err := b.db.Tx(t.Context(), func(tx *store.Tx) error { // a node has died, and its monitor was removed
			_, err := tx.SaveMonitorStates(t.Context(), []store.MonitorState{{
				Monitor: "shop", Status: oncall.MonitorDown, Since: now, State: encode(t, oncall.MonitorState{Status: oncall.MonitorDown, Since: now, Alerting: true}),
			}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		b.apply([]*oncall.Monitor{monitor("cart")}) // any change
		time.Sleep(time.Second)
		b.desk.mu.Lock()
		defer b.desk.mu.Unlock()
		if len(b.desk.signals) != 1 || b.desk.signals[0].Action != oncall.Resolve || b.desk.signals[0].Key != "shop" {
			t.Fatalf("got %+v, want it ended without a restart", b.desk.signals)
		}
		if diff := cmp.Diff(map[string]string{"monitor": "shop"}, b.desk.signals[0].Labels); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if row := b.row("shop", ""); row.Monitor != "" {
			t.Errorf("got %+v, want it forgotten", row)
		}
	})
}

func TestWhatPassesWhileTobanStandsStillMakesNothingDown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Down = oncall.Threshold{For: 30 * time.Second} })})
		b.start()
		time.Sleep(time.Minute)
		b.target.set("shop", true)
		time.Sleep(16 * time.Second) // it has failed once or twice
		b.target.mu.Lock()
		b.target.hangs["shop"] = true // nobody asks
		b.target.mu.Unlock()
		w := b.m.get("shop")
		w.mu.Lock()
		w.timer.Stop() // nor does any timer fire
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		w.expire()
		synctest.Wait()
		b.want()
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Errorf("got %s, want it as it was", got)
		}
	})
}

func TestOneSignalOfWhichNothingComesBackHoldsUpTheOthersForMomentsOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.desk.hangs = "m020"
		all := names("m", 40)
		b.apply(all)
		b.start()
		time.Sleep(time.Minute)
		for _, m := range all {
			b.target.set(m.Target, true)
		}
		time.Sleep(31*time.Second + sayTime + 2*aloneTime)
		got := b.desk.said()
		if slices.Sort(got); len(slices.Compact(got)) != 39 {
			t.Errorf("got %d of 39 a minute after they went", len(slices.Compact(got)))
		}
		for _, m := range all {
			b.target.set(m.Target, false)
		}
		time.Sleep(40 * time.Second)
		got = b.desk.said()
		if slices.Sort(got); len(slices.Compact(got)) != 39 {
			t.Errorf("got %d of 39 within 40 s, want none held up once it is known who hangs", len(slices.Compact(got)))
		}
		b.desk.mu.Lock()
		b.desk.hangs = ""
		b.desk.mu.Unlock()
		time.Sleep(time.Minute)
		b.want("trigger m020", "resolve m020")
	})
}

func TestWhatIsGoneIsForgottenInSetsAndNobodyWaitsForIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		all := append(names("m", 450), monitor("shop"))
		b.apply(all)
		b.target.set("shop", true)
		b.start()
		time.Sleep(time.Minute)
		b.want("trigger shop")
		b.m.follow.Lock()
		for _, m := range all[:450] {
			w := b.m.get(m.ID)
			b.m.mu.Lock()
			delete(b.m.watched, w.id)
			b.m.leaving[w.id] = w
			b.m.mu.Unlock()
			w.retire(true, time.Now())
		}
		b.m.follow.Unlock()
		synctest.Wait()
		left := 0
		for _, m := range all[:450] {
			if b.row(string(m.ID), "").Monitor != "" {
				left++
			}
		}
		if left != 0 || len(b.m.leaving) != 0 {
			t.Errorf("%d rows are left, and %d monitors", left, len(b.m.leaving))
		}
	})
}

// Whoever says and saves waits for no transaction that forgets.
func TestTheCourierForgetsNothingItself(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop")})
		b.start()
		time.Sleep(time.Minute)
		b.stop()
		b.stop = nil
		w := newWatched(b.m, monitor("shop"))
		w.forget = true
		b.m.leaving["shop"] = w
		b.m.left(w)
		if b.row("shop", "").Monitor == "" {
			t.Error("it was forgotten at once, want it to be done by somebody else, in a set")
		}
		b.m.forget(t.Context())
		if b.row("shop", "").Monitor != "" {
			t.Error("it was not forgotten")
		}
	})
}

func TestFailuresAndDaysOfManyAreKeptWhole(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		all := names("m", 2*savedAtOnce+50)
		for _, m := range all {
			b.target.set(m.Target, true)
		}
		b.apply(all)
		b.start()
		time.Sleep(2 * time.Minute)
		b.stop()
		b.stop = nil
		var ids []oncall.MonitorID
		for _, m := range all {
			ids = append(ids, m.ID)
			if len(b.failures(string(m.ID))) == 0 {
				t.Fatalf("no failure of %s was kept", m.ID)
			}
		}
		err := b.db.Read(t.Context(), func(tx *store.Tx) error {
			days, err := tx.MonitorDays(t.Context(), ids, 0)
			for _, d := range days {
				if d.Checks == 0 {
					t.Errorf("no check of %s was counted", d.Monitor)
				}
			}
			if len(days) < len(ids) {
				t.Errorf("got %d days of %d monitors", len(days), len(ids))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestALocationThatIsGoneIsToldOfWhileOthersStillSee(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Locations, m.Quorum = []string{oncall.Here, "osaka"}, 2 })},
			&oncall.Location{Name: "osaka"})
		b.start()
		osaka := func(up bool) {
			b.m.Result("shop", "osaka", &probe.Result{Up: up, Start: time.Now().Add(-time.Millisecond), Duration: time.Millisecond})
		}
		for range 4 {
			time.Sleep(15 * time.Second)
			osaka(true)
		}
		b.desk.said()
		time.Sleep(oncall.SightGrace - time.Second)
		b.want()
		time.Sleep(5 * time.Second)
		b.want("trigger location/osaka/silent")
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Errorf("got %s, want it up: it is seen from here", got)
		}
		osaka(true)
		time.Sleep(time.Second)
		b.want("resolve location/osaka/silent")
	})
}
