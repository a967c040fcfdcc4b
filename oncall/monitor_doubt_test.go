package oncall

import (
	"testing"
	"time"
)

func TestAClockThatWasSetBackSilencesNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{Count: 2}})
	s.result(0, true).result(15*time.Second, true).said()
	s.s = s.m.Resume(s.s, after(-time.Hour)) // restarted, and the clock is an hour earlier
	s.pass(-time.Hour + 39*time.Second).want()
	s.result(-time.Hour+39*time.Second, false).want()
	s.result(-time.Hour+54*time.Second, false).want("up → down since -59m21s at -59m6s: down")

	s = tell(t, Monitor{Down: Threshold{Count: 2}})
	s.result(0, true).said()
	s.s = s.m.Resume(s.s, after(-time.Hour))
	s.pass(0).want("up → unknown since -1h0m0s at -59m20s", "unknown → unknown since -1h0m0s at -54m20s: unseen") // silence is heard, too
}

func TestAClockThatIsSetBackInBetweenSilencesNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(0, true).said()
	s.result(-time.Hour, false).want("up → down since -1h0m0s at -1h0m0s: down")
	s.result(-time.Hour+15*time.Second, true).want("down → up since -59m45s at -59m45s: up")
}

func TestThatThoseWhoSaidDownFallSilentMakesNothingUp(t *testing.T) {
	t.Parallel()
	three := func() *tale {
		s := tell(t, Monitor{Locations: []string{"a", "b", "c"}, Quorum: 2})
		s.from("a", 0, false).from("b", 0, false).from("c", 0, true).want("unknown → down since 0s at 0s: down")
		s.from("a", 15*time.Second, false).from("c", 15*time.Second, true)
		s.from("a", 30*time.Second, false).from("c", 30*time.Second, true).want()
		return s
	}
	s := three() // the agent of b dies
	s.pass(44 * time.Second).want("down → unknown since 0s at 42s")
	s.from("a", 45*time.Second, false).from("c", 45*time.Second, true).from("a", 60*time.Second, false).from("c", 60*time.Second, true).want()
	if !s.s.Alerting {
		t.Error("the alert was closed, and nobody who said down takes it back")
	}
	s.from("b", 61*time.Second, false).want("unknown → down since 1m1s at 1m1s") // the same alert
	s.from("b", 75*time.Second, true).want("down → up since 1m15s at 1m15s: up")

	s = three()
	s.pass(44 * time.Second).said()
	s.from("a", 45*time.Second, true).want("unknown → up since 45s at 45s: up") // of three one is left that may say down

	s = three() // the network of b breaks
	s.add(s.m.Mute(s.s, "b", true, after(31*time.Second))).want("down → unknown since 31s at 31s")
	s.from("a", 45*time.Second, false).from("c", 45*time.Second, true).want()
	s.add(s.m.Mute(s.s, "b", false, after(50*time.Second))).from("c", 60*time.Second, true).want()
	s.from("b", 61*time.Second, true).want("unknown → up since 1m1s at 1m1s: up")
}

func TestALocationThatIsNotConfiguredAnyMoreHoldsUpNoResolve(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{"a", "b"}, Quorum: 1})
	s.from("a", 0, false).from("b", 0, true).want("unknown → down since 0s at 0s: down")
	s.m.Locations = []string{"b"}
	s.s = s.m.Resume(s.s, after(time.Second))
	s.from("b", 15*time.Second, true).want("down → up since 15s at 15s: up")
}

func TestWhatIsAskedFromElsewhereNowDoesNotStayUpForEver(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(0, true).said()
	s.m.Locations = []string{"osaka"} // where nobody is
	s.s = s.m.Resume(s.s, after(time.Second))
	s.pass(time.Minute).want("up → unknown since 43s at 43s")
}

func TestADoubtAboutALocationHoldsDownBackAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{For: 20 * time.Second}})
	s.result(0, true).result(15*time.Second, false).said()
	s.add(s.m.Hold(s.s, Here, true, after(31*time.Second)))
	s.result(30*time.Second, false).pass(39 * time.Second).want()
	s.add(s.m.Hold(s.s, Here, false, after(39*time.Second))).want("up → down since 15s at 39s: down")

	s = tell(t, Monitor{Down: Threshold{Count: 2}})
	s.result(0, true).result(15*time.Second, false).said()
	s.add(s.m.Hold(s.s, Here, true, after(16*time.Second)))
	s.add(s.m.Hold(s.s, Here, false, after(20*time.Second))).want() // one failure is no more than before
	s.add(s.m.Hold(s.s, Here, true, after(21*time.Second)))
	s.result(30*time.Second, false).want()
	s.add(s.m.Mute(s.s, Here, true, after(31*time.Second))).want("up → unknown since 31s at 31s") // it was the network
	s.add(s.m.Mute(s.s, Here, false, after(40*time.Second)))
	s.result(45*time.Second, false).pass(50 * time.Second).want()
}

func TestWhatWasNotSaidOfNotSeeingIsDueAgain(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(0, true).pass(time.Hour).want("unknown → up since 0s at 0s", "up → unknown since 0s at 40s", "unknown → unknown since 0s at 5m40s: unseen")
	s.s = s.m.Unsay(s.s, after(time.Hour))
	s.pass(time.Hour + 5*time.Minute + 39*time.Second).want()
	s.pass(2 * time.Hour).want("unknown → unknown since 0s at 1h5m40s: unseen")
}
