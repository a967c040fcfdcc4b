package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	"toban/store/storetest"
)

// inBubble runs f with a core on SQLite and agents at three locations, in virtual
// time; nothing runs yet.
func inBubble(t *testing.T, f func(t *testing.T, c *core, osaka, naha, sapporo *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t, storetest.New(t, "sqlite"), "osaka", "naha", "sapporo")
		sites := []*site{newSite(c, "osaka"), newSite(c, "naha"), newSite(c, "sapporo")}
		f(t, c, sites[0], sites[1], sites[2])
		for _, s := range sites {
			if s.stop != nil {
				s.stop()
			}
		}
		if c.stop != nil {
			c.stop()
		}
	})
}

func TestTwoOfThreeLocationsHaveToSayDown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, naha, _ *site) {
		shop := monitor("shop", "osaka", "naha", "sapporo")
		shop.Quorum = 2
		c.apply([]*oncall.Monitor{shop})
		c.start()
		osaka.start()
		naha.start()
		time.Sleep(time.Minute)
		c.want("shop", oncall.MonitorUp)
		osaka.fail("shop", true) // the way from osaka is broken, not the shop
		time.Sleep(5 * time.Minute)
		c.said("trigger location/sapporo/silent") // nobody has ever asked there
		c.want("shop", oncall.MonitorUp)
		gone := time.Now()
		naha.fail("shop", true)
		time.Sleep(31 * time.Second)
		c.said("trigger shop")
		s := c.status("shop")
		if s.State.Now() != oncall.MonitorDown || s.State.Message != "503, wanted 200 (osaka, naha)" {
			t.Errorf("got %+v, want it down at both", s.State)
		}
		if since := s.State.Since; since.After(gone.Add(15*time.Second + 100*time.Millisecond)) {
			t.Errorf("it is down since %s after it went, want the first failure", since.Sub(gone))
		}
		if l := s.Last["naha"]; l.Up || l.Took != 10*time.Millisecond || l.Certificate == nil || l.Certificate.Names[0] != "shop" {
			t.Errorf("got %+v as the last of naha, want all that the agent saw", l)
		}
		list := c.failures("shop")
		seen := map[string]bool{}
		for _, f := range list {
			seen[f.Location] = true
			if f.Reason != "status" || string(f.Evidence) != `{"tried":["shop"],"status":"HTTP/1.1 503"}` {
				t.Errorf("got %+v, want the evidence that the agent has", f)
			}
		}
		if !seen["osaka"] || !seen["naha"] {
			t.Errorf("got failures of %v, want those of both", seen)
		}
		osaka.fail("shop", false)
		time.Sleep(16 * time.Second)
		c.said("resolve shop")
	})
}

func TestABrokenNetworkOfALocationIsToldOnceAndOfNoMonitor(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		var all []*oncall.Monitor
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			all = append(all, monitor(name, "osaka"))
		}
		c.apply(all, reference("osaka"))
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		c.desk.said() // what a life before may have left open is ended
		c.want("a", oncall.MonitorUp)
		osaka.set(func(s *site) { s.blind = true })
		time.Sleep(20 * time.Minute)
		c.said("trigger location/osaka/network")
		c.want("a", oncall.MonitorUnknown)
		osaka.set(func(s *site) { s.blind = false })
		osaka.fail("e", true)
		time.Sleep(time.Minute)
		c.said("resolve location/osaka/network", "trigger e")
		c.want("a", oncall.MonitorUp)
	})
}

func TestAnAgentThatIsGoneLeavesUnknownAndNeverUp(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		c.apply([]*oncall.Monitor{monitor("up", "osaka"), monitor("down", "osaka")})
		osaka.fail("down", true)
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		c.said("trigger down")
		c.want("up", oncall.MonitorUp)
		osaka.stop()
		time.Sleep(41 * time.Second) // two intervals and a time-out
		c.want("up", oncall.MonitorUnknown)
		c.want("down", oncall.MonitorUnknown)
		if !c.status("down").State.Alerting {
			t.Error("the alert of what was down has ended, want it open: what can't be seen has not healed")
		}
		if got := c.status("up").Problem; !strings.Contains(got, "nobody asks from osaka: its agent (v1) was last there at 20") {
			t.Errorf("got %q, want that the agent is gone", got)
		}
		time.Sleep(10 * time.Minute)
		c.said("trigger location/osaka/silent") // once, not for each
		osaka.start()
		time.Sleep(20 * time.Second)
		c.want("up", oncall.MonitorUp)
		c.want("down", oncall.MonitorDown)
		if got := c.status("up").Problem; got != "" {
			t.Errorf("got %q, want no problem", got)
		}
		if got := c.desk.said(); !slices.Contains(got, "resolve location/osaka/silent") {
			t.Errorf("got %q, want the location's alert ended", got)
		}
		osaka.fail("down", false)
		time.Sleep(16 * time.Second)
		c.said("resolve down")
	})
}

func TestARestartOfTheCoreFlapsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		c.apply([]*oncall.Monitor{monitor("up", "osaka"), monitor("down", "osaka")}, reference("osaka"))
		osaka.fail("down", true)
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		c.desk.said()
		asked := osaka.times("up")
		for _, away := range []time.Duration{5 * time.Second, 20 * time.Second, 10 * time.Minute} {
			c.stop()
			time.Sleep(away)
			c.start()
			time.Sleep(35 * time.Second)
			c.want("up", oncall.MonitorUp)
			c.want("down", oncall.MonitorDown)
			for _, line := range c.desk.said() {
				// What was said last may not have been saved: it is said once more, and
				// so is that nothing is wrong with the location.
				if line != "trigger down" && !strings.HasPrefix(line, "resolve location/") {
					t.Errorf("after %s: got %q, want nothing new", away, line)
				}
			}
		}
		if got := osaka.times("up") - asked; got < 45 || got > 52 {
			t.Errorf("asked %d times in 12 minutes and 20 s, want it asked on while the core is away", got)
		}
	})
}

func TestAWayToTheCoreThatIsCutLosesNothingThatIsOfUse(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		c.apply([]*oncall.Monitor{monitor("shop", "osaka")})
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		osaka.set(func(s *site) { s.cut = true })
		osaka.fail("shop", true)
		time.Sleep(38 * time.Second) // two failures, at least
		c.said()
		osaka.set(func(s *site) { s.cut = false })
		time.Sleep(6 * time.Second) // less than to the next check but one
		c.said("trigger shop")
		osaka.fail("shop", false)
		osaka.set(func(s *site) { s.cut = true })
		time.Sleep(10 * time.Minute) // what was seen in between is too old to say anything of now
		c.want("shop", oncall.MonitorUnknown)
		osaka.set(func(s *site) { s.cut = false })
		time.Sleep(16 * time.Second)
		c.said("trigger shop/sight", "resolve shop", "resolve shop/sight")
	})
}

func TestWhatIsPausedOrGoneIsNotAskedAfterOnePoll(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		all := []*oncall.Monitor{monitor("a", "osaka"), monitor("b", "osaka"), monitor("c", "osaka"), monitor("elsewhere", "naha")}
		for _, m := range all {
			m.Every, m.Timeout = time.Second, 500*time.Millisecond
		}
		c.apply(all)
		c.start()
		osaka.start()
		time.Sleep(20 * time.Second)
		all[0].Paused = true
		c.apply([]*oncall.Monitor{all[0], all[2], all[3]})
		time.Sleep(pollEvery + time.Second)
		a, b, before := osaka.times("a"), osaka.times("b"), osaka.times("c")
		time.Sleep(time.Minute)
		if osaka.times("a") != a || osaka.times("b") != b || osaka.times("elsewhere") != 0 {
			t.Error("what is paused, gone or another location's is asked")
		}
		if got := osaka.times("c") - before; got != 60 {
			t.Errorf("asked the other one %d times in a minute, want 60", got)
		}
	})
}

func TestAMonitorThatAnAgentCanNotAskSaysWhy(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, naha, _ *site) {
		c.apply([]*oncall.Monitor{monitor("shop", "osaka", "naha"), monitor("cart", "osaka")})
		osaka.refuses = "shop"
		c.start()
		osaka.start()
		naha.start()
		time.Sleep(20 * time.Second)
		if got, want := c.status("shop").Problem, "osaka: this agent may not read env:KEY"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := c.status("cart").Problem; got != "" {
			t.Errorf("got %q, want no problem", got)
		}
		agents := c.m.Agents()
		if len(agents) != 2 || agents[0].Location != "naha" || agents[0].Version != "v1" || time.Since(agents[0].PolledAt) > pollEvery {
			t.Errorf("got %+v, want both agents", agents)
		}
		osaka.stop()
		osaka.refuses = "" // it is started again with the secret
		osaka.start()
		time.Sleep(40 * time.Second)
		if got := c.status("shop").Problem; got != "" {
			t.Errorf("got %q, want no problem any more", got)
		}
	})
}

func TestAnAgentWaitsForACoreAndForAKeyThatIsTaken(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		c.apply([]*oncall.Monitor{monitor("shop", "osaka")})
		osaka.set(func(s *site) { s.key = "key-that-was-revoked" })
		osaka.start()
		time.Sleep(5 * time.Minute)
		c.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if osaka.times("shop") != 0 || !strings.Contains(osaka.trouble, "intake.unknown_key") {
			t.Errorf("asked %d times, trouble %q, want it to say that its key is refused", osaka.times("shop"), osaka.trouble)
		}
		osaka.set(func(s *site) { s.key = "key-of-osaka" })
		time.Sleep(pollSlow + 16*time.Second)
		c.want("shop", oncall.MonitorUp)
		other := newSite(c, "osaka").start()
		other.stop()
		s, err := other.Agent.Check(t.Context())
		if err != nil || s.Location != "osaka" || s.Monitors != 1 || s.References != 0 {
			t.Errorf("got %+v %v, want what there is to ask", s, err)
		}
	})
}
