package detect

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// osaka is a monitor that is asked from there alone.
func osaka(id string, change ...func(m *oncall.Monitor)) *oncall.Monitor {
	return monitor(id, append([]func(m *oncall.Monitor){func(m *oncall.Monitor) { m.Locations = []string{"osaka"} }}, change...)...)
}

// osakas are the references of osaka, each called as its target is.
func osakas(ids ...string) *oncall.Location {
	l := &oncall.Location{Name: "osaka"}
	for _, id := range ids {
		l.References = append(l.References, monitor(id, func(m *oncall.Monitor) { m.Every, m.Timeout = 5*time.Second, 3*time.Second }))
	}
	return l
}

const reference1 = "location/osaka/1"

// seen is what a check from elsewhere has found, a moment before at.
func seen(id string, up bool, at time.Time, question string) Heard {
	r := &probe.Result{Up: up, Duration: time.Millisecond}
	if !up {
		r.Reason, r.Message = probe.ReasonStatus, "503"
	}
	return Heard{Monitor: oncall.MonitorID(id), Up: up, At: at.Round(0), Report: EncodeReport(r, question)}
}

func (b *bench) hears(all ...Heard) {
	b.t.Helper()
	if err := b.m.Hear(b.t.Context(), "osaka", all); err != nil {
		b.t.Error(err)
	}
	synctest.Wait()
}

func TestAClockThatIsSetBackSilencesNoAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		b.apply([]*oncall.Monitor{osaka("shop"), osaka("cart")}, osakas(reference1))
		b.start()
		defer b.stop()
		time.Sleep(time.Second)
		b.hears(seen(reference1, true, time.Now(), ""), seen("shop", true, time.Now(), ""))
		// All of that was noted under a clock that was an hour ahead.
		ahead := time.Now().Add(time.Hour).Round(0)
		w := b.m.get("shop")
		w.mu.Lock()
		l, p := w.last["osaka"], w.state.Places["osaka"]
		l.at, p.At = ahead, ahead
		w.last["osaka"], w.state.Places["osaka"] = l, p
		w.mu.Unlock()
		b.m.heardRefs.mu.Lock()
		b.m.heardRefs.at[reference1] = ahead
		b.m.heardRefs.mu.Unlock()
		b.m.places.mu.Lock()
		b.m.places.by["osaka"].heard = ahead
		b.m.places.mu.Unlock()
		for range 3 {
			time.Sleep(15 * time.Second)
			fails := []Heard{seen(reference1, true, time.Now(), ""), seen("shop", false, time.Now(), "")}
			b.hears(fails...)
			b.hears(fails...) // said again counts once
		}
		time.Sleep(time.Second)
		b.want("trigger shop")
		if got := b.m.Places()[0].Heard; got.After(time.Now()) || time.Since(got) > 5*time.Second {
			t.Errorf("the location was heard at %s, want a moment before %s", got, time.Now())
		}
		for range 20 {
			time.Sleep(5 * time.Second)
			b.hears(seen(reference1, false, time.Now(), ""))
		}
		b.want("trigger location/osaka/network")
	})
}

func TestALocationOfWhichNothingComesIsSilentAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		b.apply([]*oncall.Monitor{osaka("shop"), osaka("cart")})
		b.start()
		defer b.stop()
		time.Sleep(time.Second)
		b.hears(seen("shop", true, time.Now(), ""), seen("cart", true, time.Now(), ""))
		b.m.places.mu.Lock()
		b.m.places.by["osaka"].heard = time.Now().Add(time.Hour).Round(0)
		b.m.places.mu.Unlock()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		b.want("trigger location/osaka/silent")
	})
}

// What a location that was cut off has seen meanwhile comes at once when its network
// is back, however many requests that takes.
func TestABacklogOfALocationThatWasCutOffSaysNothing(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"in one request": 1000, "in several": 7} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := open(t, storetest.New(t, "sqlite"))
				quick := func(m *oncall.Monitor) {
					m.Every, m.Timeout, m.Down = 5*time.Second, 3*time.Second, oncall.Threshold{Count: 2}
				}
				b.apply([]*oncall.Monitor{osaka("shop"), osaka("cart", quick)}, osakas(reference1))
				b.start()
				defer b.stop()
				time.Sleep(time.Second)
				for range 10 {
					b.hears(seen("shop", true, time.Now(), ""), seen("cart", true, time.Now(), ""), seen(reference1, true, time.Now(), ""))
					time.Sleep(5 * time.Second)
				}
				b.want()
				time.Sleep(3 * time.Minute)
				now := time.Now()
				var backlog []Heard
				for d := 3 * time.Minute; d > 0; d -= 5 * time.Second {
					backlog = append(backlog, seen("cart", false, now.Add(-d), ""), seen(reference1, false, now.Add(time.Millisecond-d), ""))
					if d%(15*time.Second) == 0 {
						backlog = append(backlog, seen("shop", false, now.Add(2*time.Millisecond-d), ""))
					}
				}
				backlog = append(backlog, seen(reference1, true, now, ""), seen("shop", true, now, ""), seen("cart", true, now, ""))
				// Only the last request has what is of now: the others end before.
				for old := backlog[:len(backlog)-12]; len(old) > 0; {
					n := min(len(old), at)
					b.hears(old[:n]...)
					old = old[n:]
				}
				b.hears(backlog[len(backlog)-12:]...)
				time.Sleep(time.Second)
				b.want()
				for _, id := range []string{"shop", "cart"} {
					time.Sleep(5 * time.Second)
					b.hears(seen(reference1, true, time.Now(), ""), seen(id, true, time.Now(), ""))
					if got := b.now(id); got != oncall.MonitorUp {
						t.Errorf("%s: got %s, want it up once it is asked again", id, got)
					}
				}
				for range 3 { // and a real failure is told
					time.Sleep(5 * time.Second)
					b.hears(seen(reference1, false, time.Now(), ""))
				}
				b.want("trigger location/osaka/network")
			})
		})
	}
}

// The references are old news after thirteen seconds, the monitor after forty.
func TestWhatWasSeenWithABrokenNetworkDoesNotCountLongerThanItsReferences(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		b.apply([]*oncall.Monitor{osaka("shop", func(m *oncall.Monitor) { m.Down = oncall.Threshold{Count: 2} })}, osakas(reference1))
		b.start()
		defer b.stop()
		time.Sleep(2 * time.Minute)
		b.hears(seen(reference1, true, time.Now(), ""), seen("shop", true, time.Now(), ""))
		b.desk.said()
		time.Sleep(45 * time.Second)
		now := time.Now()
		ago := func(id string, up bool, d time.Duration) Heard { return seen(id, up, now.Add(-d), "") }
		b.hears(ago("shop", false, 38*time.Second), ago(reference1, false, 37*time.Second), ago(reference1, false, 32*time.Second),
			ago("shop", false, 23*time.Second), ago(reference1, false, 22*time.Second), ago(reference1, true, 12*time.Second), ago(reference1, true, 0))
		b.want()
		b.hears(ago("shop", true, 0))
		time.Sleep(15 * time.Second)
		b.hears(seen("shop", true, time.Now(), ""))
		b.want()
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Errorf("got %s, want it up", got)
		}
	})
}

func TestTheAnswerOfAnOldTargetIsNoneOfTheNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		once := func(m *oncall.Monitor) { m.Down = oncall.Threshold{Count: 1} }
		old := osaka("shop", once)
		b.apply([]*oncall.Monitor{old})
		b.start()
		defer b.stop()
		time.Sleep(time.Second)
		changed := osaka("shop", once, func(m *oncall.Monitor) { m.Target = "elsewhere" })
		b.apply([]*oncall.Monitor{changed})
		time.Sleep(time.Second)
		b.hears(seen("shop", false, time.Now(), Question(old)))
		b.hears(seen("shop", false, time.Now(), "")) // it may not know the new list yet
		b.want()
		if got := b.now("shop"); got != oncall.MonitorUnknown {
			t.Errorf("got %s, want it unknown until the new target has answered", got)
		}
		b.hears(seen("shop", false, time.Now(), Question(changed)))
		b.want("trigger shop")
		time.Sleep(5 * time.Second)
		b.hears(seen("shop", true, time.Now(), ""))
		b.want("resolve shop")
		other := changed
		for _, change := range []func(m *oncall.Monitor){
			func(m *oncall.Monitor) { m.Target = "x" }, func(m *oncall.Monitor) { m.Module = `{"x":1}` }, func(m *oncall.Monitor) { m.Private = true },
		} {
			m := *other
			change(&m)
			if Question(&m) == Question(changed) {
				t.Errorf("%+v has the name of another question", m)
			}
		}
	})
}

func TestACheckOfAnOldTargetThatIsUnderWayHereIsNotJudged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		once := func(m *oncall.Monitor) { m.Down = oncall.Threshold{Count: 1} }
		b.apply([]*oncall.Monitor{monitor("shop", once)})
		b.start()
		defer b.stop()
		time.Sleep(20 * time.Second)
		b.desk.said()
		asked := b.m.targets()[0]
		b.apply([]*oncall.Monitor{monitor("shop", once, func(m *oncall.Monitor) { m.Target = "elsewhere" })})
		time.Sleep(600 * time.Millisecond)
		fails := &probe.Result{Start: time.Now(), Duration: time.Millisecond, Reason: probe.ReasonTimeout, Message: "no answer"}
		b.m.reported(asked, fails)
		synctest.Wait()
		b.want()
		asked = b.m.targets()[0]
		b.m.reported(asked, fails)
		synctest.Wait()
		b.want("trigger shop")
	})
}

func TestTheFirstAnswerAfterAChangeIsNoRepetition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		b.apply([]*oncall.Monitor{osaka("shop")})
		b.start()
		defer b.stop()
		time.Sleep(5 * time.Second)
		b.hears(seen("shop", true, time.Now(), ""))
		time.Sleep(10 * time.Second)
		changed := osaka("shop", func(m *oncall.Monitor) { m.Target, m.Every = "other", 24*time.Hour })
		b.apply([]*oncall.Monitor{changed})
		time.Sleep(3 * time.Second)
		b.hears(seen("shop", true, time.Now(), Question(changed)))
		if got := b.now("shop"); got != oncall.MonitorUp {
			t.Errorf("got %s, want the answer of the new target taken", got)
		}
	})
}

// A monitor is removed while nothing can be said, toban starts anew, and the monitor
// is written again before its alert could be ended.
func TestAMonitorThatIsTakenUpAgainKnowsItsServiceAndLabels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, storetest.New(t, "sqlite"))
		m := monitor("shop", func(m *oncall.Monitor) { m.Service = "checkout" })
		b.apply([]*oncall.Monitor{m})
		b.start()
		b.target.set("shop", true)
		time.Sleep(time.Minute)
		b.want("trigger shop")
		b.stop()
		b.apply(nil)
		b.desk.close(true)
		b.start()
		time.Sleep(2 * time.Second)
		b.apply([]*oncall.Monitor{m})
		time.Sleep(2 * time.Second)
		b.desk.close(false)
		b.target.set("shop", false)
		time.Sleep(2 * time.Minute)
		if got := b.desk.said(); !slices.Contains(got, "resolve shop") {
			t.Errorf("got %q, want the alert ended", got)
		}
		b.target.set("shop", true)
		time.Sleep(2 * time.Minute)
		b.desk.mu.Lock()
		last := slices.Clone(b.desk.signals)
		b.desk.mu.Unlock()
		if len(last) != 1 || last[0].Service != "checkout" || last[0].Labels["alertname"] != "shop" {
			t.Errorf("got %+v, want a signal to checkout with its labels", last)
		}
		b.stop()
	})
}

func TestAgentsAreToldForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t, "sqlite")
		m := New(Options{DB: db})
		m.Polled(store.Agent{Location: "osaka", ID: "a"})
		known := func() int { return len(m.Agents()) }
		if time.Sleep(23 * time.Hour); known() != 1 {
			t.Errorf("got %d within a day, want it", known())
		}
		if time.Sleep(2 * time.Hour); known() != 0 {
			t.Errorf("got %d after a day, want none", known())
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SaveAgent(t.Context(), store.Agent{Location: "osaka", ID: "b"}) })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(store.KeepAgents + time.Second)
		m.sweep(t.Context())
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			list, err := tx.Agents(t.Context())
			if len(list) != 0 {
				t.Errorf("got %+v in the store, want what is older than a day swept", list)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
