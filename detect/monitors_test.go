package detect

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// inBubble runs f with a bench on SQLite, in virtual time.
func inBubble(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		b := open(t, db)
		f(t, b)
		if b.stop != nil {
			b.stop()
		}
	})
}

func TestATargetThatGoesDownIsSaidOnceAndSoIsItsReturn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Service, m.Labels = "checkout", map[string]string{"product": "shop"} })})
		b.start()
		time.Sleep(time.Minute)
		b.want()
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Fatalf("got %s, want up", got)
		}
		b.target.set("shop", true)
		gone := time.Now()
		time.Sleep(45 * time.Second)
		b.desk.mu.Lock()
		if len(b.desk.signals) != 1 {
			t.Fatalf("got %+v, want one signal", b.desk.signals)
		}
		s, at := b.desk.signals[0], b.desk.at[0]
		b.desk.mu.Unlock()
		if most := gone.Add(2*15*time.Second + 100*time.Millisecond); at.After(most) {
			t.Errorf("said %s after the target went, want an interval and a second failure", at.Sub(gone))
		}
		want := oncall.Signal{
			Integration: "monitors", Service: "checkout", Key: "shop", Action: oncall.Trigger, Severity: oncall.Critical, Title: "shop: not the status that is wanted",
			Labels:      map[string]string{"alertname": "shop", "monitor": "shop", "kind": "http", "target": "shop", "location": "here", "severity": "critical", "product": "shop"},
			Annotations: map[string]string{"reason": "status", "summary": "503, wanted 200", "target": "shop"}, StartsAt: s.StartsAt, ReceivedAt: s.ReceivedAt,
		}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if row := b.row("shop", ""); row.Status != oncall.MonitorDown {
			t.Errorf("got %+v, want it saved as down", row)
		}
		b.want("trigger shop")
		time.Sleep(5 * time.Minute)
		b.want()
		b.target.set("shop", false)
		time.Sleep(16 * time.Second)
		b.want("resolve shop")
	})
}

func TestDownAfterATimeIsSaidAtItsVeryMoment(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Down = oncall.Threshold{For: 40 * time.Second} })})
		b.start()
		time.Sleep(time.Minute)
		b.target.set("shop", true)
		time.Sleep(time.Minute)
		b.desk.mu.Lock()
		defer b.desk.mu.Unlock()
		if len(b.desk.signals) != 1 {
			t.Fatalf("got %+v, want one signal", b.desk.signals)
		}
		if late := b.desk.at[0].Sub(b.desk.signals[0].StartsAt) - 40*time.Second; late < 0 || late > 50*time.Millisecond {
			t.Errorf("said %s after its moment", late)
		}
	})
}

func TestSignalsWaitForADeskThatIsOutAndChecksGoOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart")})
		b.start()
		time.Sleep(time.Minute)
		b.desk.close(true)
		b.target.set("shop", true)
		before := b.target.times("shop")
		time.Sleep(10 * time.Minute)
		if asked := b.target.times("shop") - before; asked != 40 {
			t.Errorf("asked %d times in ten minutes, want 40", asked)
		}
		b.target.set("shop", false)
		time.Sleep(time.Minute)
		if row := b.row("shop", ""); row.Status != oncall.MonitorUp {
			t.Errorf("got %s in the store, want nothing saved that was not said", row.Status)
		}
		b.desk.mu.Lock()
		tries := b.desk.tries
		b.desk.mu.Unlock()
		if tries > 60 {
			t.Errorf("tried %d times in 11 minutes, want growing pauses", tries)
		}
		b.desk.close(false)
		time.Sleep(31 * time.Second)
		b.want("trigger shop", "resolve shop")
		if row := b.row("shop", ""); row.Status != oncall.MonitorUp {
			t.Errorf("got %+v", row)
		}
	})
}

func TestOneSignalThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.desk.refuses = "cart"
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart"), monitor("blog")})
		b.start()
		time.Sleep(time.Minute)
		for _, name := range []string{"shop", "cart", "blog"} {
			b.target.set(name, true)
		}
		time.Sleep(time.Minute)
		got := b.desk.said()
		if len(got) != 2 {
			t.Errorf("got %q, want those of the others", got)
		}
		b.desk.mu.Lock()
		b.desk.refuses = ""
		b.desk.mu.Unlock()
		time.Sleep(time.Minute)
		b.want("trigger cart")
	})
}

func TestARestartSaysNothingNewAndForgetsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("up"), monitor("down"), monitor("shaky", func(m *oncall.Monitor) { m.Down = oncall.Threshold{Count: 4} })})
		b.target.set("down", true)
		b.start()
		time.Sleep(time.Minute)
		b.want("trigger down")
		b.target.set("shaky", true)
		time.Sleep(30 * time.Second) // two failures
		since := b.row("up", "").Since
		b.stop()
		time.Sleep(time.Hour)
		b.start()
		time.Sleep(5 * time.Second)
		b.want("trigger down") // a repetition: what was said last may not have been saved
		if s, _ := b.m.Monitor(t.Context(), "up"); s.State.Now() != oncall.MonitorUp || s.State.Since.UnixMilli() != since.UnixMilli() {
			t.Errorf("got %+v, want it up since before", s.State)
		}
		time.Sleep(15 * time.Second)
		b.want("trigger shaky") // two before and two after
		b.target.set("down", false)
		b.target.set("shaky", false)
		time.Sleep(16 * time.Second)
		if got := b.desk.said(); len(got) != 2 {
			t.Errorf("got %q, want both resolved", got)
		}
		b.stop()
		b.start()
		time.Sleep(5 * time.Minute)
		b.want()
	})
}

func TestWhatIsNotAskedAnyMoreIsUnknownAndThenSaid(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart")})
		b.start()
		time.Sleep(time.Minute)
		b.target.mu.Lock()
		b.target.hangs["shop"] = true
		b.target.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if got := b.now("shop"); got != oncall.MonitorUnknown {
			t.Errorf("got %s, want unknown", got)
		}
		b.want()
		time.Sleep(5 * time.Minute)
		b.want("trigger shop/sight")
		b.target.mu.Lock()
		b.target.hangs["shop"] = false
		b.target.mu.Unlock()
		time.Sleep(20 * time.Second)
		b.want("resolve shop/sight")
		b.target.mu.Lock()
		b.target.hangs["shop"], b.target.hangs["cart"] = true, true
		b.target.mu.Unlock()
		time.Sleep(10 * time.Minute)
		b.want("trigger location/here/silent") // once, not for each
		b.target.mu.Lock()
		b.target.hangs["shop"], b.target.hangs["cart"] = false, false
		b.target.mu.Unlock()
		time.Sleep(20 * time.Second)
		b.want("resolve location/here/silent") // and nothing of its monitors, of which nothing was said
	})
}

func TestALocationWithoutANetworkSaysThatAndNothingOfItsMonitors(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		ref := monitor("location/here/1", func(m *oncall.Monitor) { m.Every, m.Timeout, m.Target = 5*time.Second, 3*time.Second, "198.51.100.1" })
		all := names("m", 20)
		b.apply(all, &oncall.Location{Name: "here", References: []*oncall.Monitor{ref}})
		b.start()
		time.Sleep(time.Minute)
		b.desk.said() // what a process before may have left open is ended
		for _, m := range all {
			b.target.set(m.Target, true)
		}
		b.target.set("198.51.100.1", true)
		time.Sleep(20 * time.Minute)
		b.want("trigger location/here/network")
		if got := b.now("m007"); got != oncall.MonitorUnknown {
			t.Errorf("got %s, want unknown", got)
		}
		b.target.set("198.51.100.1", false)
		for _, m := range all[1:] {
			b.target.set(m.Target, false)
		}
		time.Sleep(time.Minute)
		b.want("resolve location/here/network", "trigger m000") // which is really down
		b.target.set("198.51.100.1", true)
		time.Sleep(time.Minute)
		b.want("trigger location/here/network")
		if got := b.m.Places(); len(got) != 1 || !got[0].Muted || got[0].Monitors != 20 {
			t.Errorf("got %+v", got)
		}
		b.stop() // with the alert open
		b.start()
		time.Sleep(time.Minute)
		b.want()     // it is broken still
		b.apply(all) // there is no reference any more
		time.Sleep(time.Minute)
		b.want("resolve location/here/network", "trigger m000") // a repetition, after a restart
		if got := b.now("m007"); got != oncall.MonitorUp {
			t.Errorf("got %s, want up", got)
		}
	})
}

func TestAChangedQuestionIsAskedAnewAndAPausedMonitorIsQuiet(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart")})
		b.target.set("shop", true)
		b.start()
		time.Sleep(time.Minute)
		b.want("trigger shop")
		asked := b.target.times("cart")
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Target = "other" }), monitor("cart", func(m *oncall.Monitor) { m.Severity = oncall.Warning })})
		time.Sleep(20 * time.Second)
		b.want("resolve shop") // the new address answers
		if got := b.target.times("cart") - asked; got > 2 {
			t.Errorf("asked %d times in 20 s, want the time kept", got)
		}
		b.target.set("other", true)
		time.Sleep(31 * time.Second)
		b.want("trigger shop")
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Target, m.Paused = "other", true }), monitor("cart")})
		time.Sleep(time.Minute)
		b.want("resolve shop")
		if b.row("shop", "").Monitor == "" {
			t.Error("a paused monitor was forgotten")
		}
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Target = "other" })})
		time.Sleep(31 * time.Second)
		b.want("trigger shop")
		b.apply(nil)
		time.Sleep(time.Second)
		b.want("resolve shop")
		if row := b.row("shop", ""); row.Monitor != "" {
			t.Errorf("got %+v, want what is gone to be forgotten", row)
		}
	})
}

func TestWhatWasRemovedWhileTobanWasDownIsEndedAtItsStart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop"), monitor("cart"), monitor("blog")})
		for _, name := range []string{"shop", "cart"} {
			b.target.set(name, true)
		}
		b.start()
		time.Sleep(time.Minute)
		b.desk.said()
		b.stop()
		b.apply([]*oncall.Monitor{monitor("cart", func(m *oncall.Monitor) { m.Paused = true }), monitor("blog")})
		b.start()
		time.Sleep(time.Second)
		if got := b.desk.said(); len(got) != 2 || got[0][:7] != "resolve" || got[1][:7] != "resolve" {
			t.Errorf("got %q, want both ended", got)
		}
		b.stop()
		b.start()
		time.Sleep(time.Minute)
		b.want()
	})
}

func TestAStormIsSaidOfEachOnceAndSavedInSets(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		all := names("m", 200)
		b.apply(all)
		b.start()
		time.Sleep(time.Minute)
		for _, m := range all {
			b.target.set(m.Target, true)
		}
		time.Sleep(31 * time.Second)
		said := map[string]int{}
		for _, line := range b.desk.said() {
			said[line]++
		}
		if len(said) != len(all) {
			t.Errorf("got %d different signals, want %d", len(said), len(all))
		}
		for line, n := range said {
			if n != 1 {
				t.Errorf("%s was said %d times", line, n)
			}
		}
		for _, m := range all {
			if row := b.row(string(m.ID), ""); row.Status != oncall.MonitorDown {
				t.Fatalf("%s is saved as %s", m.ID, row.Status)
			}
		}
	})
}

func TestAMonitorThatCanNotBeAskedSaysWhyAndIsNeverUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("bad"), monitor("shop"), monitor("wrong", func(m *oncall.Monitor) { m.Every = 0 })})
		b.start()
		time.Sleep(6 * time.Minute)
		b.want("trigger bad/sight")
		list, err := b.m.Status(t.Context())
		if err != nil || len(list) != 3 || list[0].Problem == "" || list[0].State.Now() != oncall.MonitorUnknown || list[1].Problem != "" || list[1].Last["here"].Took != 10*time.Millisecond {
			t.Errorf("got %+v %v", list, err)
		}
	})
}

func TestDaysAndFailuresAreCounted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		tokyo := time.FixedZone("JST", 9*60*60)
		now := time.Now()
		midnight := time.Date(now.In(tokyo).Year(), now.In(tokyo).Month(), now.In(tokyo).Day()+1, 0, 0, 0, 0, tokyo)
		b.apply([]*oncall.Monitor{monitor("shop")})
		time.Sleep(time.Until(midnight.Add(-10 * time.Minute)))
		b.start()
		time.Sleep(5 * time.Minute)
		b.target.set("shop", true)
		time.Sleep(10 * time.Minute)
		b.target.set("shop", false)
		time.Sleep(5 * time.Minute)
		b.stop()
		b.stop = nil
		err := b.db.Read(t.Context(), func(tx *store.Tx) error {
			days, err := tx.MonitorDays(t.Context(), []oncall.MonitorID{"shop"}, 0)
			if err != nil {
				return err
			}
			if len(days) != 2 || days[1].Day != days[0].Day+1 || days[0].Day != store.DayOf(midnight.Add(-time.Second), tokyo) {
				t.Fatalf("got %+v, want two days", days)
			}
			near := func(what string, got, want time.Duration) {
				t.Helper()
				if (got - want).Abs() > 31*time.Second {
					t.Errorf("%s: got %s, want about %s", what, got, want)
				}
			}
			near("up before midnight", days[0].Up, 5*time.Minute)
			near("down before midnight", days[0].Down, 5*time.Minute)
			near("down after midnight", days[1].Down, 5*time.Minute)
			near("up after midnight", days[1].Up, 5*time.Minute)
			if sum := days[0].Up + days[0].Down + days[0].Unknown; sum > 10*time.Minute || sum < 10*time.Minute-15*time.Second {
				t.Errorf("got %s of ten minutes", sum)
			}
			if checks := days[0].Checks + days[1].Checks; checks < 80 || checks > 82 || days[0].Failures+days[1].Failures != 40 {
				t.Errorf("got %d checks and %d failures", checks, days[0].Failures+days[1].Failures)
			}
			failures, err := tx.MonitorFailures(t.Context(), "shop")
			if len(failures) != 10 || failures[0].Reason != "status" || string(failures[0].Evidence) != `{"tried":["shop"],"status":"HTTP/1.1 503"}` {
				t.Errorf("got %d failures %+v, want the first and one a minute", len(failures), failures)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestResultsOfAgentsCountByTheQuorum(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) {
			m.Locations, m.Quorum, m.Down = []string{"osaka", "naha"}, 2, oncall.Threshold{}
		})}, &oncall.Location{Name: "osaka"}, &oncall.Location{Name: "naha"})
		b.start()
		time.Sleep(time.Second)
		send := func(location string, down bool) {
			t.Helper()
			b.target.set("shop", down)
			if !b.m.Result("shop", location, b.target.Check(t.Context(), "shop")) {
				t.Errorf("the result from %s was not wanted", location)
			}
		}
		send("osaka", false)
		send("naha", false)
		synctest.Wait()
		b.desk.said()
		time.Sleep(10 * time.Second)
		send("osaka", true)
		synctest.Wait()
		b.want()
		send("naha", true)
		synctest.Wait()
		b.want("trigger shop")
		if b.m.Result("shop", "tokyo", b.target.Check(t.Context(), "shop")) || b.m.Result("none", "osaka", b.target.Check(t.Context(), "shop")) {
			t.Error("a result of nobody's was taken")
		}
		if b.target.times("shop") != 6 {
			t.Errorf("got %d checks, want none from here", b.target.times("shop"))
		}
	})
}
