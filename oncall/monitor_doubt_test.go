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

func TestALocationThatHasNeverAnsweredKeepsNoOutageQuiet(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{Here, "osaka", "naha"}, Quorum: 2}) // no agent is there yet
	s.from(Here, time.Second, false).from(Here, 16*time.Second, false).pass(46 * time.Second).want()
	s.from(Here, 31*time.Second, false).from(Here, 46*time.Second, false).pass(48 * time.Second).want("unknown → down since 47s at 47s: down")
	s.from("osaka", 50*time.Second, true).want("down → up since 50s at 50s: up") // one of two

	s = tell(t, Monitor{Locations: []string{Here, "osaka"}, Quorum: 2})
	s.from(Here, 0, true).from("osaka", 0, true).pass(44 * time.Second).said() // the agent of osaka is gone
	s.from(Here, 45*time.Second, true).from(Here, 60*time.Second, true)
	s.add(s.m.Forget(s.s, after(61*time.Second))).said() // and another address is asked
	s.from(Here, 75*time.Second, false).from(Here, 90*time.Second, false).from(Here, 105*time.Second, false).pass(2 * time.Minute)
	s.want("unknown → down since 1m48s at 1m48s: down")
}

func TestTheFirstLocationThatAnswersIsNotMoreThanHalfOfThem(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{Here, "osaka", "naha"}})
	s.from("osaka", time.Second, false).want()
	s.from(Here, 2*time.Second, true).want("unknown → up since 2s at 2s")
	s.from("naha", 3*time.Second, true).want()

	s = tell(t, Monitor{Locations: []string{Here, "osaka", "naha"}, Down: Threshold{Count: 2}})
	s.from("osaka", time.Second, false).from(Here, 10*time.Second, false).from("osaka", 16*time.Second, false).pass(20 * time.Second).want()
	s.from(Here, 25*time.Second, false).want("unknown → down since 10s at 25s: down")
}

func TestARestartDoesNotWaitAgainForALocationThatNeverAnswered(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{Here, "osaka"}, Quorum: 2})
	for at := time.Duration(0); at < time.Minute; at += 15 * time.Second {
		s.pass(at).from(Here, at, false)
	}
	s.pass(time.Minute).want("unknown → down since 47s at 47s: down")
	s.s = s.m.Resume(s.s, after(time.Minute))
	s.from(Here, 61*time.Second, false).pass(90 * time.Second).want()
}

func TestOneFailureBeforeALocationFellSilentIsNoOutage(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Every: 5 * time.Second, Timeout: 2 * time.Second, Down: Threshold{For: 10 * time.Second}, Locations: []string{Here, "osaka", "naha"}, Quorum: 2})
	for _, place := range s.m.Places() {
		s.from(place, 0, true)
	}
	s.said()
	for _, place := range s.m.Places() {
		s.from(place, 5*time.Second, false)
	}
	for at := 10 * time.Second; at <= 40*time.Second; at += 5 * time.Second { // the agents say nothing more
		s.pass(at).from(Here, at, true)
	}
	s.want()

	s = tell(t, Monitor{Every: 5 * time.Second, Timeout: 2 * time.Second, Down: Threshold{For: 10 * time.Second}})
	s.result(0, true).result(5*time.Second, false).result(12*time.Second, false).said() // the second one took its time
	s.pass(14 * time.Second).want()
	s.pass(15 * time.Second).want("up → down since 5s at 15s: down")
}
